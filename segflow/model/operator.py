"""Operators that test one value against literals and instants."""

from dataclasses import dataclass
from typing import Literal

from segflow.model.duration import Duration
from segflow.model.scalar import Const, Moment, Text
from segflow.model.window import CalendarSpan

TextOp = Literal["contains", "starts_with", "ends_with", "matches"]


ListOp = Literal["has_any", "has_all", "has_none"]


CountOp = Literal["at_least", "at_most", "exactly", "more_than", "fewer_than"]


MomentOp = Literal["before", "after", "since", "until"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """`in` (or, negated, `not_in`) a list of literals."""

    values: tuple[Text | Const, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """low <= value <= high, both inclusive."""

    low: Text | Const
    high: Text | Const


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """The value is present (`expected`) or missing."""

    expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """A test of a string; `matches` is RE2 syntax, unanchored."""

    op: TextOp
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMatch:
    """A test of a list's elements."""

    op: ListOp
    values: tuple[Text | Const, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTest:
    """A test of a number of things."""

    op: CountOp
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentTest:
    """before (<), after (>), since (>=) or until (<) a point in time."""

    op: MomentOp
    moment: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class InLast:
    """The instant lies in (T - duration, T]."""

    duration: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderThan:
    """The instant is at or before T - duration."""

    duration: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class InNext:
    """The instant lies in (T, T + duration]."""

    duration: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The instant lies in (T + start, T + end]; a missing start is T, a missing end is for ever."""

    start: Duration | None = None
    end: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anniversary:
    """The local month and day fall on a day from today + start to today + end (whole days,
    inclusive), or, where `month` is set, on that fixed month and day."""

    start_days: int = 0
    end_days: int = 0
    month: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCalendar:
    """The instant lies in the local units of `span`, [start, end)."""

    span: CalendarSpan
