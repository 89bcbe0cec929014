"""The resolver of time: windows, calendar units and dates become instants, once per zone.

Everything here is a half-open range of whole milliseconds. Since instants are floored to the
millisecond, (a, b] is [a + 1, b + 1). Every evaluator asks this module and none resolves by itself.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from segflow.model.duration import Duration
from segflow.model.instant import Instant, datetime_of, instant_of
from segflow.model.operator import (
    Ahead,
    Anniversary,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
    OnCalendar,
)
from segflow.model.scalar import InstantPoint, Moment
from segflow.model.window import Ago, CalendarSpan, CalendarUnit, Fixed, InCalendar, Window, Within

InstantOperator = MomentTest | InLast | OlderThan | InNext | Ahead | OnCalendar
"""The operators that hold for exactly one range of instants."""

FIRST = instant_of(datetime.min.replace(tzinfo=UTC))
LAST = instant_of(datetime.max.replace(tzinfo=UTC))
"""The calendar's ends: the first and the last millisecond of the years 1 to 9999, in UTC."""

_BEFORE_ALL = Instant(FIRST - 1)
_AFTER_ALL = Instant(LAST + 1)
_DAY = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The instants in [start, end); None is an open end. Nothing lies in it where start >= end.

    What the functions below return has both ends within the years 1 to 9999.
    """

    start: Instant | None = None
    end: Instant | None = None

    def __contains__(self, instant: Instant) -> bool:
        after = self.start is None or instant >= self.start
        return after and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateBounds:
    """The dates in [start, end); None is an open end. Nothing lies in it where start >= end."""

    start: date | None = None
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        after = self.start is None or day >= self.start
        return after and (self.end is None or day < self.end)


NOTHING = Bounds(start=Instant(0), end=Instant(0))
_NO_DATE = DateBounds(start=date(1970, 1, 1), end=date(1970, 1, 1))


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ValueError for a name that is none, and for those that
    mean something else on each machine. Kept: Python itself keeps eight of the six hundred."""
    if name not in ("localtime", "posixrules"):
        try:
            return ZoneInfo(name)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            pass
    raise ValueError(f"{name!r} is not a time zone: write an IANA name such as Europe/Paris")


# --- ranges ----------------------------------------------------------------------------------


def window_bounds(window: Window | None, as_of: Instant, zone: ZoneInfo) -> Bounds:
    """The instants of the events that a window chooses, cut at `as_of`; None is all of history."""
    match window:
        case None:
            chosen = Bounds()
        case Within(duration=duration):
            chosen = _after(_back(as_of, duration, zone), None)
        case Ago(start=start, end=end):
            chosen = _after(
                None if start is None else _back(as_of, start, zone),
                None if end is None else _back(as_of, end, zone),
            )
        case Fixed(since=since, until=until):
            chosen = _range(
                None if since is None else moment_instant(since, zone),
                None if until is None else moment_instant(until, zone),
            )
        case InCalendar(span=span):
            chosen = calendar_bounds(span, as_of, zone)
        case _:
            assert_never(window)
    return _cut(chosen, as_of)


def operator_bounds(operator: InstantOperator, as_of: Instant, zone: ZoneInfo) -> Bounds:
    """The instants for which the operator holds; not cut at `as_of`."""
    match operator:
        case MomentTest():
            return _moment_bounds(operator, zone)
        case InLast(duration=duration):
            return _after(_back(as_of, duration, zone), as_of)
        case OlderThan(duration=duration):
            return _after(None, _back(as_of, duration, zone))
        case InNext(duration=duration):
            return _after(as_of, _forth(as_of, duration, zone))
        case Ahead(start=start, end=end):
            return _after(
                as_of if start is None else _forth(as_of, start, zone),
                None if end is None else _forth(as_of, end, zone),
            )
        case OnCalendar(span=span):
            return calendar_bounds(span, as_of, zone)
        case _:
            assert_never(operator)


def _moment_bounds(test: MomentTest, zone: ZoneInfo) -> Bounds:
    moment = moment_instant(test.moment, zone)
    match test.op:
        case "before" | "until":
            return _range(None, moment)
        case "since":
            return _range(moment, None)
        case "after":
            return _after(moment, None)
        case _:
            assert_never(test.op)


def first_instant(length: Duration, as_of: Instant, zone: ZoneInfo) -> Instant:
    """The first instant of (T - length, T], for what must hold at each of them."""
    start = operator_bounds(InLast(duration=length), as_of, zone).start
    return FIRST if start is None else start


def last_bounds(length: Duration | None, as_of: Instant, zone: ZoneInfo) -> Bounds:
    """The instants of (T - length, T]; without a length all up to T."""
    if length is None:
        return Bounds(end=Instant(as_of + 1))
    return operator_bounds(InLast(duration=length), as_of, zone)


def calendar_bounds(span: CalendarSpan, as_of: Instant, zone: ZoneInfo) -> Bounds:
    """The whole local units of the span, [start, end); not cut at `as_of`."""
    today = local_date(as_of, zone)
    return _range(
        _unit_start(today, span.unit, span.last - span.count + 1, zone),
        _unit_start(today, span.unit, span.last + 1, zone),
    )


def unit_starts(
    unit: CalendarUnit, offsets: Iterable[int], as_of: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """The starts of the local units that lie so many units from the one of `as_of`. Beyond the
    calendar they are an instant before or after all others."""
    today = local_date(as_of, zone)
    return (_unit_start(today, unit, offset, zone) for offset in offsets)


def date_bounds(bounds: Bounds, zone: ZoneInfo) -> DateBounds:
    """The dates whose local midnight lies within the bounds."""
    start = end = None
    if bounds.start is not None:
        start = _first_date_from(bounds.start, zone)
        if start is None:
            return _NO_DATE
    if bounds.end is not None:
        end = _first_date_from(bounds.end, zone)
    return DateBounds(start=start, end=end)


def operator_dates(operator: InstantOperator, as_of: Instant, zone: ZoneInfo) -> DateBounds:
    """The dates for which the operator holds, by their midnights."""
    return date_bounds(operator_bounds(operator, as_of, zone), zone)


def anniversary_days(
    operator: Anniversary, as_of: Instant, zone: ZoneInfo
) -> tuple[tuple[int, int], ...]:
    """The (month, day) pairs of dates whose anniversary the operator asks for, in order.

    A fixed day is itself in every year. Of the days around today, 28 February stands for the 29th
    too where its year has none.
    """
    if operator.month is not None and operator.day is not None:
        return ((operator.month, operator.day),)
    # Beyond eight years every day of the calendar has come, 29 February included.
    last = min(operator.end_days, operator.start_days + 3000)
    return _days_around(local_date(as_of, zone), operator.start_days, last)


@lru_cache(maxsize=64)
def _days_around(today: date, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Kept, since it is the same for hundreds of zones."""
    days: set[tuple[int, int]] = set()
    for ahead in range(first, last + 1):
        day = _plus_days(today, ahead)
        if day is None:
            continue
        days.add((day.month, day.day))
        if (day.month, day.day) == (2, 28) and monthrange(day.year, 2)[1] == 28:
            days.add((2, 29))
    return tuple(sorted(days))


# --- points ----------------------------------------------------------------------------------


def moment_instant(moment: Moment, zone: ZoneInfo) -> Instant:
    """The instant of a point in time as written; a date is its local midnight."""
    if isinstance(moment, InstantPoint):
        return moment.instant
    return midnight(moment.date, zone)


def midnight(day: date, zone: ZoneInfo) -> Instant:
    """The first instant of a local day: 00:00, the earlier one where the clock shows it twice, and
    where the clock skips it the instant after the skip. Never decreases from a day to the next."""
    clock = datetime.combine(day, time.min)
    earlier, later = (_instant_at(clock, fold, zone) for fold in (1, 0))
    if earlier >= later:  # shown once (equal), or twice: then fold 0 is the first
        return later
    # Skipped. The two readings enclose the skip: search it for its end.
    while later - earlier > 1:
        middle = Instant((earlier + later) // 2)
        if shown_date(middle, zone) >= day:
            later = middle
        else:
            earlier = middle
    return later


def local_date(instant: Instant, zone: ZoneInfo) -> date:
    """The local day that an instant lies in: the last one whose midnight is not after it.

    That is the date on the wall, save where a clock that is put back shows the day before again.
    """
    shown = shown_date(instant, zone)
    following = _plus_days(shown, 1)
    if following is not None and midnight(following, zone) <= instant:
        return following
    return shown


def shown_date(instant: Instant, zone: ZoneInfo) -> date:
    """The date that the zone's clocks show."""
    return _shown(instant, zone).date()


def shift_months(instant: Instant, months: int, zone: ZoneInfo) -> Instant:
    """The same local clock time `months` later (or earlier), on the month's last day where it has
    no such day. A time that the clock skips moves on by the skip; of a time shown twice it is the
    first. Beyond the years 1 to 9999 it is an instant before or after all others."""
    if months == 0:
        return instant
    clock = _shown(instant, zone)
    year, month = divmod(clock.year * 12 + clock.month - 1 + months, 12)
    if year < 1:
        return _BEFORE_ALL
    if year > 9999:
        return _AFTER_ALL
    day = min(clock.day, monthrange(year, month + 1)[1])
    return _instant_at(clock.replace(year=year, month=month + 1, day=day), 0, zone)


def before(as_of: Instant, duration: Duration, zone: ZoneInfo) -> Instant:
    """The instant so long before another one."""
    return _back(as_of, duration, zone)


# --- how it is done --------------------------------------------------------------------------


def _back(as_of: Instant, duration: Duration, zone: ZoneInfo) -> Instant:
    if duration.milliseconds is not None:
        return Instant(as_of - duration.milliseconds)
    return shift_months(as_of, -(duration.months or 0), zone)


def _forth(as_of: Instant, duration: Duration, zone: ZoneInfo) -> Instant:
    if duration.milliseconds is not None:
        return Instant(as_of + duration.milliseconds)
    return shift_months(as_of, duration.months or 0, zone)


def _after(start: Instant | None, end: Instant | None) -> Bounds:
    """(start, end]"""
    return _range(
        None if start is None else Instant(start + 1), None if end is None else Instant(end + 1)
    )


def _range(start: Instant | None, end: Instant | None) -> Bounds:
    """[start, end), with an end beyond the calendar opened, as nothing lies beyond it."""
    if (start is not None and start > LAST) or (end is not None and end <= FIRST):
        return NOTHING
    return Bounds(
        start=None if start is None or start <= FIRST else start,
        end=None if end is None or end > LAST else end,
    )


def _cut(bounds: Bounds, as_of: Instant) -> Bounds:
    end = as_of + 1 if bounds.end is None else min(bounds.end, as_of + 1)
    return _range(bounds.start, Instant(end))


def _unit_start(today: date, unit: CalendarUnit, offset: int, zone: ZoneInfo) -> Instant:
    """The start of the unit that is `offset` units from today's."""
    match unit:
        case "day":
            day = _plus_days(today, offset)
        case "week":
            day = _plus_days(today, 7 * offset - today.weekday())
        case "month":
            day = _first_of_month(today, today.month - 1 + offset)
        case "quarter":
            day = _first_of_month(today, (today.month - 1) // 3 * 3 + 3 * offset)
        case "year":
            day = _first_of_month(today, 12 * offset)
        case _:
            assert_never(unit)
    if day is None:
        return _BEFORE_ALL if offset <= 0 else _AFTER_ALL
    return midnight(day, zone)


def _first_of_month(today: date, months: int) -> date | None:
    """The first day of the month that is `months` after January of today's year."""
    year, month = divmod(today.year * 12 + months, 12)
    return date(year, month + 1, 1) if 1 <= year <= 9999 else None


def _plus_days(day: date, days: int) -> date | None:
    ordinal = day.toordinal() + days
    if date.min.toordinal() <= ordinal <= date.max.toordinal():
        return date.fromordinal(ordinal)
    return None


def _first_date_from(instant: Instant, zone: ZoneInfo) -> date | None:
    """The first date whose midnight is at or after the instant; None where the calendar ends."""
    today = local_date(instant, zone)
    # A day that the zone skipped has the midnight of the next one, and comes before it.
    day: date | None = _plus_days(today, -1) or today
    while day is not None and midnight(day, zone) < instant:
        day = _plus_days(day, 1)
    return day


def _instant_at(clock: datetime, fold: int, zone: ZoneInfo) -> Instant:
    """The instant at which the zone's clocks show that time. Counted in integers, since the first
    and the last hours of the calendar lie outside of what a datetime can hold in UTC."""
    offset = clock.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()
    days = (clock.toordinal() - _EPOCH_DAY) * _DAY
    since_midnight = clock - datetime.combine(clock, time.min)
    return Instant(days + (since_midnight - offset) // _MILLISECOND)


def _shown(instant: Instant, zone: ZoneInfo) -> datetime:
    """What the zone's clocks show; in the calendar's first and last hours, what those of UTC do."""
    inside = datetime_of(Instant(max(FIRST, min(LAST, instant))))
    try:
        return inside.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return inside.replace(tzinfo=None)
