"""Trials: the tests of segments give what the catalog knows, and name leaves that are there."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from segflow.compiler.codes import LITERAL, NO_LEAF, NOT_GIVEN, NOT_OF_ENTITY, SAME_NAME, UNKNOWN
from segflow.compiler.leaves import leaves_of
from segflow.compiler.passes.draft import Draft, lacks, nearest
from segflow.compiler.passes.given_contacts import given_contacts
from segflow.compiler.passes.literals import LiteralError, constant
from segflow.compiler.passes.names import is_there
from segflow.compiler.passes.normalize import normal
from segflow.compiler.passes.slots import Scope
from segflow.compiler.passes.typecheck import typed
from segflow.compiler.passes.walk import predicate_sites
from segflow.compiler.timeline import before, moment_instant, zone
from segflow.diagnostics import Report
from segflow.model.address import Address, is_name
from segflow.model.catalog import Event
from segflow.model.duration import parse_duration
from segflow.model.instant import Instant
from segflow.model.keys import Key, parse_key
from segflow.model.predicate import InFile, InSegment, Predicate
from segflow.model.project import KeyPath
from segflow.model.scalar import Const, Scalar, Text
from segflow.model.segment import Segment
from segflow.model.trial import Trial, TrialEvent, TypedEvent, TypedTrial
from segflow.model.types import INTEGER, STRING, TIMESTAMP, UNREAD, ValueType
from segflow.model.wording import phrase

KEY = "1"
"""The key of a user whose test does not say one."""

_AGO = re.compile(r"[0-9]+(s|min|h|d|w|mo|y)\Z", re.ASCII)


def trials(draft: Draft) -> Draft:
    """Report all that is wrong with tests; give them typed, in order of their segments' names."""
    placed = [placed for placed in _placed(draft) if _is_of_a_segment(placed, draft)]
    _names_differ(placed, draft)
    wrong = frozenset(found.address for found in draft.report.errors)
    found = [_Reading.of(one, draft, wrong).trial() for one in placed]
    return replace(draft, trials=tuple(sorted(found, key=lambda one: one.segment)))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A test, where it stands, and the name of its segment."""

    address: Address
    number: int
    trial: Trial
    segment: str

    @property
    def path(self) -> KeyPath:
        return ("tests", self.number)


def _placed(draft: Draft) -> Iterator[_Placed]:
    """The tests of segments, then those of documents of their own."""
    for segment in draft.index.segments.values():
        for number, trial in enumerate(segment.tests):
            yield _Placed(segment.address, number, trial, segment.name)
    for _, check in sorted(draft.project.checks.items()):
        for number, trial in enumerate(check.tests):
            yield _Placed(check.address, number, trial, check.segment)


def _is_of_a_segment(placed: _Placed, draft: Draft) -> bool:
    """Whether the segment is there; a check of one that is not is reported once."""
    name, known = placed.segment, draft.index.segments
    if name in known:
        return draft.index.segments[name].entity in draft.index.entities
    if placed.number == 0:
        is_there(draft, Address("segment", name), placed.address, ("segment",))
    return False


def _names_differ(placed: Iterable[_Placed], draft: Draft) -> None:
    first: dict[tuple[str, str], _Placed] = {}
    for one in placed:
        before_it = first.setdefault((one.segment, one.trial.name), one)
        if before_it is not one and one.trial.name:
            span = draft.declared(before_it.address, before_it.path)
            at = "" if span is None else f"; first at {span.path}:{span.line}"
            summary = f"segment {one.segment!r} has two tests of this name{at}"
            here = (*one.path, "name")
            draft.complain(SAME_NAME, one.address, here, summary, help="say what each one shows")


def _meant(name: str, names: Iterable[str]) -> str:
    near = nearest(name, names)
    if near is not None:
        return f"did you mean {near!r}?"
    known = ", ".join(sorted(filter(None, names))[:10])
    return f"known: {known}" if known else "none is declared yet"


# --- one test --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    """Types one test: its values become what a source would hold at the test's instant."""

    placed: _Placed
    draft: Draft
    segment: Segment
    zone: ZoneInfo
    as_of: Instant
    wrong: Container[str | None]
    """The addresses of the objects of which something was said before tests were looked at."""

    @classmethod
    def of(cls, placed: _Placed, draft: Draft, wrong: Container[str | None]) -> "_Reading":
        around = zone(draft.project.settings.timezone)
        as_of = moment_instant(placed.trial.as_of, around)
        return cls(placed, draft, draft.index.segments[placed.segment], around, as_of, wrong)

    def trial(self) -> TypedTrial:
        """The test with all that could be typed of it."""
        trial = self.placed.trial
        key, since, fields = self._user(trial)
        events = tuple(self._events(trial))
        scope = Scope(self.draft, self.placed.address, self.segment.entity, (), self.zone)
        contacts = given_contacts(trial, self.placed.path, scope)
        segments, lists = self._sets(trial)
        return TypedTrial(
            address=self.placed.address,
            number=self.placed.number,
            segment=self.segment.name,
            name=trial.name,
            as_of=self.as_of,
            expect=trial.expect,
            key=key,
            since=since,
            fields=(*fields, *contacts.fields),
            events=events,
            consents=contacts.consents,
            suppressed=contacts.suppressed,
            segments=segments,
            lists=lists,
            because=None if trial.because is None else self._leaf(trial.because),
        )

    def _complain(
        self, code: str, path: KeyPath, summary: str, help: str | None, *, key: bool = False
    ) -> None:
        whole = (*self.placed.path, *path)
        self.draft.complain(code, self.placed.address, whole, summary, help=help, at_key=key)

    def _is_sound(self, *addresses: Address) -> bool:
        """Whether all that the objects say is known: else what they lack may be there."""
        return not any(
            one in self.draft.project.broken or str(one) in self.wrong for one in addresses
        )

    # --- the user ---

    def _user(self, trial: Trial) -> tuple[Key, Instant | None, tuple[tuple[str, Scalar], ...]]:
        """Key, instant since when the user exists, and fields."""
        entity = self.draft.index.entities[self.segment.entity]
        known = self.draft.index.fields[entity.name]
        key, fields = parse_key(KEY, entity.key_type), []
        # A user exists since ever unless the test says something else.
        since = None if entity.population.since is None else Instant(min(0, self.as_of))
        for name, value in trial.user:
            path: KeyPath = ("user", name)
            if name in known:
                typed_value = self._field(name, value, path)
                fields += [] if typed_value is None else [(name, typed_value)]
            elif name == "key":
                key = self._key(value, path)
            elif name == "since":
                since = self._since(value, path)
            elif lacks(known, name):
                summary = f"entity {entity.name!r} has no field {name!r}"
                help = _meant(name, [*known, "key", "since"])
                self._complain(UNKNOWN, path, summary, help, key=True)
        return key, since, tuple(fields)

    def _field(self, name: str, value: Text | Const, path: KeyPath) -> Scalar | None:
        field = self.draft.index.fields[self.segment.entity][name]
        if field.derived is not None:
            help = "give the fields and events that it is made of"
            summary = f"field {name} is derived, so that a test can't give it"
            self._complain(NOT_GIVEN, path, summary, help, key=True)
            return None
        return self._value(value, field.type, f"field {name}", path)

    def _key(self, value: Text | Const, path: KeyPath) -> Key:
        type_ = self.draft.index.entities[self.segment.entity].key_type
        if isinstance(value, Text):
            try:
                return parse_key(value.text, type_)
            except ValueError as error:
                self._complain(LITERAL, path, f"{value.text!r} is no key", str(error))
        return parse_key(KEY, type_)

    def _since(self, value: Text | Const, path: KeyPath) -> Instant | None:
        entity = self.draft.index.entities[self.segment.entity]
        if entity.population.since is None and self._is_sound(entity.address):
            summary = f"users of entity {entity.name} exist always: it declares no `since`"
            self._complain(NOT_GIVEN, path, summary, "remove the key", key=True)
        return self._instant(value, "`since`", path)

    # --- events ---

    def _events(self, trial: Trial) -> Iterator[TypedEvent]:
        for number, event in enumerate(trial.events):
            declared = self._declared(event, ("events", number, event.event))
            if declared is not None:
                yield self._event(event, declared, ("events", number))

    def _declared(self, event: TrialEvent, path: KeyPath) -> Event | None:
        """The event of the catalog, if it is one of the segment's entity."""
        known = self.draft.index.events
        declared = known.get(event.event)
        if declared is None:
            later = [name for name, _ in event.given if name in known]
            if later:
                summary = f"an event begins with its name, and {event.event!r} is none"
                self._complain(UNKNOWN, path, summary, f"write {later[0]} first", key=True)
            else:
                wanted, here = Address("event", event.event), (*self.placed.path, *path)
                is_there(self.draft, wanted, self.placed.address, here, at_key=True)
            return None
        keyed, entity = [name for name, _ in declared.entities], self.segment.entity
        if lacks(keyed, entity) and self._is_sound(declared.address):
            summary = f"event {event.event!r} carries no key of entity {entity!r}"
            self._complain(NOT_OF_ENTITY, path, summary, f"it is of {', '.join(keyed)}", key=True)
        return declared

    def _event(self, event: TrialEvent, declared: Event, path: KeyPath) -> TypedEvent:
        known = self.draft.index.properties[declared.name]
        id_: Scalar | None = None
        properties = []
        for name, value in event.given:
            here = (*path, name)
            if name in known:
                typed_value = self._value(value, known[name].type, f"property {name}", here)
                properties += [] if typed_value is None else [(name, typed_value)]
            elif name == "id":
                id_ = self._id(value, declared, here)
            elif lacks(known, name):
                summary = f"event {declared.name!r} has no property {name!r}"
                self._complain(UNKNOWN, here, summary, _meant(name, [*known, "id"]), key=True)
        return TypedEvent(
            event=declared.name,
            time=self._instant(event.time, "the time of an event", (*path, event.event)),
            id=id_ if isinstance(id_, int | str) else None,
            properties=tuple(properties),
        )

    def _id(self, value: Text | Const, declared: Event, path: KeyPath) -> Scalar | None:
        if declared.at.id is None:
            if not self._is_sound(declared.address):
                return None
            summary = f"event {declared.name!r} declares no id"
            self._complain(NOT_GIVEN, path, summary, "remove the key", key=True)
            return None
        type_ = INTEGER if declared.at.id.type == "integer" else STRING
        return self._value(value, type_, "the id", path)

    # --- values ---

    def _instant(self, value: Text | Const, what: str, path: KeyPath) -> Instant:
        found = self._value(value, TIMESTAMP, what, path)
        return Instant(found) if isinstance(found, int) else self.as_of

    def _value(
        self, value: Text | Const, type_: ValueType, what: str, path: KeyPath
    ) -> Scalar | None:
        """The value as a source would hold it; None, reported, where it does not fit the type."""
        if not isinstance(value, Text) or type_ == UNREAD:
            return None
        if type_.is_list:
            summary = f"{what} is a list, which a test can't give yet"
            self._complain(NOT_GIVEN, path, summary, "leave it out: it is missing then", key=True)
            return None
        if type_.name == "timestamp" and _AGO.match(value.text):
            return before(self.as_of, parse_duration(value.text), self.zone)
        try:
            found = constant(value, type_, self.zone).value
        except LiteralError as error:
            help = error.fix
            if type_.name == "timestamp":
                help += "; or so long before `as_of`: 3d"
            self._complain(LITERAL, path, f"{error}, and {what} is of type {type_}", help)
            return None
        if type_.name == "decimal" and not _fits(found, type_):
            summary = f"{value.text} does not fit {what} of type {type_}"
            help = f"at most {type_.scale} digits after the point, and {type_.precision} in all"
            self._complain(LITERAL, path, summary, help)
        return found

    # --- kept sets ---

    def _sets(
        self, trial: Trial
    ) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
        """The kept segments and the list files that the segment asks for, each with whether the
        user is in it."""
        segments, lists, asking = _asked(self.draft, self.segment)
        named = set()
        for number, name in enumerate(trial.members_of):
            path = name if name in segments else str(PurePosixPath(name))
            if path in segments or path in lists:
                named.add(path)
            elif name:
                self._not_asked(name, ("members_of", number), asking, lists)
        return (
            tuple((name, name in named) for name in segments),
            tuple((path, path in named) for path in lists),
        )

    def _not_asked(
        self, name: str, path: KeyPath, asking: Iterable[Address], lists: Iterable[str]
    ) -> None:
        segments = self.draft.index.segments
        if name not in segments and is_name(name):
            here = (*self.placed.path, *path)
            is_there(self.draft, Address("segment", name), self.placed.address, here)
        elif self._is_sound(*asking):
            summary = (
                f"segment {self.segment.name!r} does not ask whether a user is kept in {name!r}"
            )
            help = _meant(name, lists)
            if name in segments:
                help = "remove it"
                if segments[name].mode == "dynamic":
                    help = "a dynamic segment is judged by its own condition: give what it asks for"
            self._complain(NOT_GIVEN, path, summary, help)

    # --- because ---

    def _leaf(self, because: Predicate) -> Predicate | None:
        """The leaf in its normal shape."""
        quiet = replace(self.draft, report=Report())  # what does not fit is no leaf either
        scope = Scope(quiet, self.placed.address, self.segment.entity, (), self.zone)
        leaf = normal(typed(because, (), scope), self.segment.name)
        where = normal(self.draft.wheres[self.segment.name], self.segment.name)
        leaves = leaves_of(where)
        if leaf not in leaves and self._is_sound(self.segment.address, self.placed.address):
            summary = f"{phrase(because)} is no leaf of segment {self.segment.name!r}"
            shown = "; ".join(f"{{{phrase(one)}}}" for one in leaves[:5])
            help = f"its leaves: {shown}" if leaves else "it has no leaves"
            self._complain(NO_LEAF, ("because",), summary, help)
        return leaf


def _fits(value: Scalar, type_: ValueType) -> bool:
    """Whether a decimal has no more digits than its type."""
    whole, _, rest = f"{value:f}".lstrip("-").partition(".")
    scale = type_.scale or 0
    return len(rest) <= scale and len(whole.lstrip("0")) <= (type_.precision or 0) - scale


def _asked(
    draft: Draft, segment: Segment
) -> tuple[Mapping[str, None], Mapping[str, None], set[Address]]:
    """The names of the segments whose kept members a segment asks for, the paths of the list files,
    and all whose conditions ask: itself, its nested segments and the entity."""
    segments: dict[str, None] = {}
    lists: dict[str, None] = {}
    entity = draft.index.entities[segment.entity]
    asking = {segment.address, entity.address}

    def look(predicate: Predicate) -> None:
        for site in predicate_sites(predicate, (), ""):
            match site.node:
                case InFile(path=path):
                    lists[path] = None
                case InSegment(segment=name, snapshot=snapshot):
                    nested = draft.index.segments.get(name)
                    if snapshot or (nested is not None and nested.mode == "static"):
                        segments[name] = None
                    elif nested is not None and nested.address not in asking:
                        asking.add(nested.address)
                        look(nested.where)
                case _:
                    pass

    look(segment.where)
    if entity.population.where is not None:
        look(entity.population.where)
    return segments, lists, asking
