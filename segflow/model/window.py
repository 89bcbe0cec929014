"""Windows: which events an aggregate is over, and spans of the local calendar."""

from dataclasses import dataclass
from typing import Literal

from segflow.model.duration import Duration
from segflow.model.scalar import Moment

CalendarUnit = Literal["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSpan:
    """Whole local units: `last` is the offset of the newest unit (0 = the current one, up to T),
    `count` how many units back from it. this_month = (month, 0, 1); yesterday = (day, -1, 1);
    last_7_days = (day, -1, 7); {month: -3} = (month, -3, 1)."""

    unit: CalendarUnit
    last: int
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Events in (T - duration, T]."""

    duration: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Ago:
    """Events in (T - start, T - end]; a missing start is all of history, a missing end is T."""

    start: Duration | None = None
    end: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Events in [since, until), either of which may be open; always cut at T."""

    since: Moment | None = None
    until: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InCalendar:
    """Events in the local units of `span`, [start, end), cut at T."""

    span: CalendarSpan


Window = Within | Ago | Fixed | InCalendar
