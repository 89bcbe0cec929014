"""The inverse of the resolver: the T at which a window or an operator begins or ceases to hold an
instant.

Of every function below, what it gives is later than `after`, ascending, each T once. At any other T
each of the instants is in or out as it was a millisecond before; at those that are given one may
have come or gone. `instants` are sorted.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from heapq import merge
from itertools import groupby, pairwise
from typing import assert_never
from zoneinfo import ZoneInfo

from segflow.compiler.clocks import clock_ahead, clock_changes
from segflow.compiler.timeline import (
    LAST,
    InstantOperator,
    calendar_bounds,
    local_date,
    midnight,
    shift_months,
)
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.operator import (
    Ahead,
    Anniversary,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
    OnCalendar,
)
from segflow.model.window import Ago, CalendarSpan, Fixed, InCalendar, Window, Within

Instants = Sequence[Instant]

_DAY = 86_400_000
_REACH = 5 * _DAY
"""Months that clip and clocks that change move a step of months by no more than this."""


def in_order(found: Iterable[Iterator[Instant]]) -> Iterator[Instant]:
    """Several of them as one."""
    for instant, _ in groupby(merge(*found)):
        if instant > LAST:
            return
        yield instant


def window_crossings(
    window: Window | None, instants: Instants, after: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """Those of window_bounds(), which are cut at T."""
    found = [later(instants, after)]
    match window:
        case None | Fixed():
            pass
        case Within(duration=duration):
            found.append(length_crossings(duration, instants, after, zone))
        case Ago(start=start, end=end):
            lengths = (one for one in (start, end) if one is not None)
            found += [length_crossings(one, instants, after, zone) for one in lengths]
        case InCalendar(span=span):
            found += _calendar(span, instants, after, zone)
        case _:
            assert_never(window)
    return in_order(found)


def operator_crossings(
    operator: InstantOperator, instants: Instants, after: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """Those of operator_bounds()."""
    found: list[Iterator[Instant]] = []
    match operator:
        case MomentTest():
            pass
        case InLast(duration=duration):
            found = [later(instants, after), length_crossings(duration, instants, after, zone)]
        case OlderThan(duration=duration):
            found = [length_crossings(duration, instants, after, zone)]
        case InNext(duration=duration):
            found = [later(instants, after), _steps(duration, 1, instants, after, zone)]
        case Ahead(start=start, end=end):
            ends = (start,) if end is None else (start, end)
            found = [
                later(instants, after) if one is None else _steps(one, 1, instants, after, zone)
                for one in ends
            ]
        case OnCalendar(span=span):
            found = _calendar(span, instants, after, zone)
        case _:
            assert_never(operator)
    return in_order(found)


def later(instants: Instants, after: Instant) -> Iterator[Instant]:
    """The T at which T itself comes to an instant."""
    return iter(instants[bisect_right(instants, after) :])


def length_crossings(
    length: Duration, instants: Instants, after: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """The T at which T - length comes to an instant, or falls back before it."""
    return _steps(length, -1, instants, after, zone)


def anniversary_crossings(
    operator: Anniversary, dates: Iterable[date], after: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """The T at which one of the dates may become, or cease to be, one that anniversary_days() asks
    for. They go on to the end of the calendar."""
    if operator.month is not None:
        return iter(())
    days = {(one.month, one.day) for one in dates}
    first = local_date(after, zone).year + operator.start_days // 365 - 1
    edges = (-operator.end_days, 1 - operator.start_days)
    found = (_anniversaries(month, day, first, edge, zone) for month, day in days for edge in edges)
    return (instant for instant in in_order(found) if instant > after)


def _anniversaries(
    month: int, day: int, first: int, days: int, zone: ZoneInfo
) -> Iterator[Instant]:
    """The midnights that are so many days after each anniversary from a year on."""
    for year in range(max(first, 1), 10_000):
        there = min(day, monthrange(year, month)[1])  # 29 February is kept on the 28th
        ordinal = date(year, month, there).toordinal() + days
        if date.min.toordinal() <= ordinal <= date.max.toordinal():
            yield midnight(date.fromordinal(ordinal), zone)


def _calendar(
    span: CalendarSpan, instants: Instants, after: Instant, zone: ZoneInfo
) -> list[Iterator[Instant]]:
    """An instant lies in the last n units of T just where T lies in its next n units."""
    mirrored = replace(span, last=span.count - 1 - span.last)

    def start(instant: Instant) -> Instant:
        found = calendar_bounds(mirrored, instant, zone).start
        return after if found is None else found

    def end(instant: Instant) -> Instant:
        found = calendar_bounds(mirrored, instant, zone).end
        return Instant(LAST + 1) if found is None else found

    return [_of_each(start, instants, after), _of_each(end, instants, after)]


def _of_each(
    turn: Callable[[Instant], Instant], instants: Instants, after: Instant
) -> Iterator[Instant]:
    """What a function that never falls gives of the instants, as far as it is later."""
    first = bisect_right(instants, after, key=turn)
    return (turn(instants[number]) for number in range(first, len(instants)))


# --- steps from T ----------------------------------------------------------------------------


def _steps(
    length: Duration, sign: int, instants: Instants, after: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """The T at which the instant that is the length after T (sign 1) or before it (-1) comes to one
    of the instants, or falls back before it."""
    if length.milliseconds is not None:
        step = sign * length.milliseconds
        return (Instant(one - step) for one in later(instants, Instant(after + step)))
    return _steps_of_months(sign * (length.months or 0), instants, after, zone)


def _steps_of_months(
    months: int, instants: Instants, after: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """A step of months jumps: back where it clips and where clocks are put back, on where they are
    put on. Between jumps it goes as T goes."""
    reached = after
    near = shift_months(after, months, zone) - 2 * _REACH
    for instant in instants[bisect_left(instants, near) :]:
        middle = shift_months(instant, -months, zone)
        start, end = max(reached, middle - _REACH), min(middle + _REACH, LAST - _DAY)
        if start < end:
            yield from _between(Instant(start), Instant(end), months, instants, zone)
            reached = Instant(end)


def _between(
    start: Instant, end: Instant, months: int, instants: Instants, zone: ZoneInfo
) -> Iterator[Instant]:
    """Those in (start, end]."""
    for first, following in _pieces(start, Instant(end + 1), months, zone):
        there = shift_months(first, months, zone)
        if first > start:
            edges = sorted((shift_months(Instant(first - 1), months, zone), there))
            low, high = (bisect_right(instants, edge) for edge in edges)
            if low < high:
                yield first
        last = bisect_left(instants, there + following - first)
        for instant in instants[bisect_right(instants, there) : last]:
            yield Instant(first + instant - there)


def _pieces(
    start: Instant, end: Instant, months: int, zone: ZoneInfo
) -> Iterator[tuple[Instant, Instant]]:
    """[start, end) in pieces in each of which a step of months has one length."""
    changes = (one.since for one in clock_changes(start, Instant(end - 1), zone))
    for first, following in pairwise([start, *changes, end]):
        into_day = (first + clock_ahead(first, zone)) % _DAY
        midnights = range(first - into_day + _DAY, following, _DAY)
        for piece in pairwise([first, *midnights, following]):
            yield from _of_one_length(Instant(piece[0]), Instant(piece[1]), months, zone)


def _of_one_length(
    first: Instant, following: Instant, months: int, zone: ZoneInfo
) -> Iterator[tuple[Instant, Instant]]:
    """A piece of one local day, cut where the clocks change a step away."""

    def length(instant: int) -> int:
        return shift_months(Instant(instant), months, zone) - instant

    while (here := length(first)) != length(following - 1):
        rest = range(first + 1, following)
        jump = Instant(rest[bisect_left(rest, True, key=lambda one: length(one) != here)])
        yield first, jump
        first = jump
    yield first, following
