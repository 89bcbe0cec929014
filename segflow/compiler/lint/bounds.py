"""What a value may still be under several tests of it, as far as the tests can be compared."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from segflow.model.operator import (
    Ahead,
    Among,
    Between,
    CountTest,
    Exists,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
)
from segflow.model.predicate import Compare, Operator, Scaled
from segflow.model.scalar import Const, InstantPoint, Text

Limit = Literal["gt", "gte", "lt", "lte"]
Axis = str
"""What is compared with each other: values of one sort, or distances from T."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One thing that a test asks: of a value that is there (`exists`), of one that is not, or that
    a value, if it is there, lies within a limit, is among these or is none of these."""

    op: Limit | Literal["in", "not_in", "exists", "missing"]
    value: Any = None
    axis: Axis = ""


_EXISTS = Atom("exists")
_OPPOSITE: dict[str, Any] = {
    "gt": "lte",
    "gte": "lt",
    "lt": "gte",
    "lte": "gt",
    "in": "not_in",
    "not_in": "in",
    "exists": "missing",
    "missing": "exists",
}


def atoms(operator: Operator, *, folded: bool) -> tuple[Atom, ...] | None:
    """What the operator asks, all of which must hold; None where it can't be compared. Of `folded`
    texts, the values can't."""
    match operator:
        case CountTest():
            return (_EXISTS, _count(operator))
        case Exists(expected=expected):
            return (_EXISTS,) if expected else (Atom("missing"),)
        case Compare(right=Scaled()):
            return None
        case Compare(op=op, right=Const() as right):
            return _compare(op, right, folded=folded)
        case Among(values=values, negated=negated):
            return None if folded else _among(values, negated=negated)
        case Between(low=Const() as low, high=Const() as high):
            return None if folded else (_EXISTS, *_limits("gte", low), *_limits("lte", high))
        case MomentTest() | InLast() | OlderThan() | InNext() | Ahead():
            return (_EXISTS, *_instants(operator))
        case _:
            return None


def opposite(found: tuple[Atom, ...]) -> tuple[Atom, ...] | None:
    """What holds where the atoms do not; None where that is not one thing. What asks for a value
    that lies somewhere holds neither where it lies elsewhere nor where it is missing."""
    asked = [atom for atom in found if atom != _EXISTS]
    if len(asked) > 1:
        return None
    atom = asked[0] if asked else _EXISTS
    negated = Atom(_OPPOSITE[atom.op], atom.value, atom.axis)
    return (negated,) if _EXISTS in found or atom.op == "missing" else (_EXISTS, negated)


def _count(test: CountTest) -> Atom:
    match test.op:
        case "at_least":
            return Atom("gte", test.count)
        case "at_most":
            return Atom("lte", test.count)
        case "exactly":
            return Atom("in", frozenset((test.count,)))
        case "more_than":
            return Atom("gt", test.count)
        case "fewer_than":
            return Atom("lt", test.count)


def _compare(op: str, right: Const, *, folded: bool) -> tuple[Atom, ...] | None:
    if folded:
        return None
    match op:
        case "eq":
            return (_EXISTS, Atom("in", frozenset((right.value,)), _axis(right)))
        case "ne":
            return (Atom("not_in", frozenset((right.value,)), _axis(right)),)
        case "gt" | "gte" | "lt" | "lte":
            return (_EXISTS, *_limits(op, right))
        case _:
            return None


def _among(values: tuple[Text | Const, ...], *, negated: bool) -> tuple[Atom, ...] | None:
    typed = [value for value in values if isinstance(value, Const)]
    if not typed or len(typed) < len(values):
        return None
    held = frozenset(value.value for value in typed)
    if negated:
        return (Atom("not_in", held, _axis(typed[0])),)
    return (_EXISTS, Atom("in", held, _axis(typed[0])))


def _limits(op: Any, right: Const) -> Iterator[Atom]:
    if right.type.name != "version" and right.value == right.value:  # NaN is no limit
        yield Atom(op, right.value, _axis(right))


def _axis(right: Const) -> Axis:
    return "number" if right.type.is_number else right.type.name


def _instants(
    operator: MomentTest | InLast | OlderThan | InNext | Ahead,
) -> Iterator[Atom]:
    """Points in time are compared with such as are written alike, distances from T where they are
    exact."""
    limits: list[tuple[Any, Any, Axis]] = []
    match operator:
        case MomentTest(op=op, moment=InstantPoint(instant=instant)):
            limits = [(_MOMENTS[op], instant, "timestamp")]
        case MomentTest(op=op, moment=moment):
            limits = [(_MOMENTS[op], getattr(moment, "date", None), "date")]
        case InLast(duration=duration):
            back = duration.milliseconds
            limits = [("gt", None if back is None else -back, "T"), ("lte", 0, "T")]
        case OlderThan(duration=duration):
            back = duration.milliseconds
            limits = [("lte", None if back is None else -back, "T")]
        case InNext(duration=duration):
            limits = [("gt", 0, "T"), ("lte", duration.milliseconds, "T")]
        case Ahead(start=start, end=end):
            limits = [("gt", 0 if start is None else start.milliseconds, "T")]
            if end is not None:
                limits.append(("lte", end.milliseconds, "T"))
    yield from (Atom(op, value, axis) for op, value, axis in limits if value is not None)


_MOMENTS = {"before": "lt", "until": "lt", "after": "gt", "since": "gte"}


# --- what is left ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Range:
    """The values of one axis that are left."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False
    among: frozenset[Any] | None = None
    without: set[Any] = field(default_factory=set)

    def narrow(self, atom: Atom) -> None:
        """Leave only what the atom lets pass."""
        value = atom.value
        match atom.op:
            case "in":
                self.among = value if self.among is None else self.among & value
            case "not_in":
                self.without |= value
            case "gt" | "gte":
                is_open = atom.op == "gt"
                if self.low is None or (value, is_open) > (self.low, self.low_open):
                    self.low, self.low_open = value, is_open
            case "lt" | "lte":
                is_open = atom.op == "lt"
                if self.high is None or (value, not is_open) < (self.high, not self.high_open):
                    self.high, self.high_open = value, is_open
            case _:
                pass

    @property
    def is_empty(self) -> bool:
        """True where no value is left."""
        if self.among is not None:
            return not any(self._holds(value) for value in self.among - self.without)
        if self.low is None or self.high is None:
            return False
        if self._whole:
            low = self.low + (1 if self.low_open else 0)
            high = self.high - (1 if self.high_open else 0)
            return bool(low > high or (low == high and low in self.without))
        if self.low == self.high:
            return self.low_open or self.high_open or self.low in self.without
        return bool(self.low > self.high)

    @property
    def _whole(self) -> bool:
        return type(self.low) is int and type(self.high) is int

    def _holds(self, value: Any) -> bool:
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return self.high is None or not (
            value > self.high or (self.high_open and value == self.high)
        )


@dataclass(slots=True)
class Left:
    """What is left of one feature's values under all tests so far; it may be missing, too, unless
    something asks that it `exists`."""

    exists: bool = False
    is_missing: bool = False
    ranges: dict[Axis, _Range] = field(default_factory=dict)

    def narrow(self, atom: Atom) -> bool:
        """Leave only what the atom lets pass; True where that is nothing."""
        if atom.op == "exists":
            self.exists = True
        elif atom.op == "missing":
            self.is_missing = True
        else:
            self.ranges.setdefault(atom.axis, _Range()).narrow(atom)
        return self.is_empty

    @property
    def is_empty(self) -> bool:
        """True where neither a value nor its absence is left."""
        if not self.exists:
            return False
        return self.is_missing or any(one.is_empty for one in self.ranges.values())


def of_count() -> Left:
    """All that a count can be."""
    return Left(exists=True, ranges={"": _Range(low=0), "number": _Range(low=0)})


def of_sum() -> Left:
    """All that a sum can be: it is 0 of no events."""
    return Left(exists=True)
