"""Values in tests become what a source would hold at the test's instant, or are reported."""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from segflow.compiler.codes import LITERAL
from segflow.compiler.passes.draft import Draft, nearest
from segflow.compiler.passes.literals import LiteralError, constant
from segflow.compiler.timeline import before
from segflow.model.address import Address
from segflow.model.duration import parse_duration
from segflow.model.instant import Instant
from segflow.model.keys import Key, KeyType, parse_key
from segflow.model.project import KeyPath
from segflow.model.scalar import Const, Scalar, Stored, Text
from segflow.model.trial import GivenValue
from segflow.model.types import TIMESTAMP, UNREAD, ValueType

_AGO = re.compile(r"[0-9]+(s|min|h|d|w|mo|y)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """Where in a test something is given, and what it is read by. `wrong` are the addresses of the
    objects of which something was said before tests were looked at."""

    draft: Draft
    address: Address
    path: KeyPath
    zone: ZoneInfo
    as_of: Instant
    wrong: Container[str | None]

    def below(self, *path: str | int) -> "Reading":
        """The same further in."""
        return replace(self, path=(*self.path, *path))

    def complain(self, code: str, summary: str, help: str | None, *, key: bool = False) -> None:
        """Report what stands here, or the key of it."""
        self.draft.complain(code, self.address, self.path, summary, help=help, at_key=key)

    def is_sound(self, *addresses: Address) -> bool:
        """Whether all that the objects say is known: else what they lack may be there."""
        return not any(
            one in self.draft.project.broken or str(one) in self.wrong for one in addresses
        )

    def instant(self, value: GivenValue, what: str) -> Instant:
        """The instant that is given here; that of the test where it is none."""
        found = self.value(value, TIMESTAMP, what)
        return Instant(found) if isinstance(found, int) else self.as_of

    def key(self, value: GivenValue, type_: KeyType) -> Key | None:
        """The key that is given here; None, reported, where it is none."""
        if isinstance(value, tuple):
            self.complain(LITERAL, "a list is no key", "write one value")
        elif isinstance(value, Text):
            try:
                return parse_key(value.text, type_)
            except ValueError as error:
                self.complain(LITERAL, f"{value.text!r} is no key", str(error))
        return None

    def value(self, value: GivenValue, type_: ValueType, what: str) -> Stored | None:
        """The value as a source would hold it; None, reported, where it does not fit the type."""
        if type_ == UNREAD or isinstance(value, Const):
            return None
        if isinstance(value, Text):
            if not type_.is_list:
                return self._scalar(value, type_, what)
            summary, help = "one value is no list", f"put it in brackets: [{value.text}]"
        else:
            if type_.is_list:
                return tuple(self._elements(value, type_.element, f"an element of {what}"))
            summary, help = "a list is no single value", "write one value, without brackets"
        self.complain(LITERAL, f"{summary}, and {what} is of type {type_}", help)
        return None

    def _elements(
        self, values: Iterable[Text | Const], type_: ValueType, what: str
    ) -> Iterator[Scalar]:
        for number, value in enumerate(values):
            if isinstance(value, Text):
                found = self.below(number)._scalar(value, type_, what)
                yield from () if found is None else (found,)

    def _scalar(self, value: Text, type_: ValueType, what: str) -> Scalar | None:
        if type_.name == "timestamp" and _AGO.match(value.text):
            return before(self.as_of, parse_duration(value.text), self.zone)
        try:
            found = constant(value, type_, self.zone).value
        except LiteralError as error:
            help = error.fix
            if type_.name == "timestamp":
                help += "; or so long before `as_of`: 3d"
            self.complain(LITERAL, f"{error}, and {what} is of type {type_}", help)
            return None
        if type_.name == "decimal" and not _fits(found, type_):
            summary = f"{value.text} does not fit {what} of type {type_}"
            help = f"at most {type_.scale} digits after the point, and {type_.precision} in all"
            self.complain(LITERAL, summary, help)
        return found


def meant(name: str, names: Iterable[str]) -> str:
    """What may be meant by a name that is none of the names."""
    near = nearest(name, names)
    if near is not None:
        return f"did you mean {near!r}?"
    known = ", ".join(sorted(filter(None, names))[:10])
    return f"known: {known}" if known else "none is declared yet"


def _fits(value: Scalar, type_: ValueType) -> bool:
    """Whether a decimal has no more digits than its type."""
    whole, _, rest = f"{value:f}".lstrip("-").partition(".")
    scale = type_.scale or 0
    return len(rest) <= scale and len(whole.lstrip("0")) <= (type_.precision or 0) - scale
