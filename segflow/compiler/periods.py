"""The last periods of a leaf: as windows, or as numbers that instants have, newest first from 0."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import FIRST, Bounds, before, unit_starts
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate, Periods
from segflow.model.window import Ago, CalendarSpan, CalendarUnit, InCalendar, Window, Within

_DAY = 86_400_000
_LENGTHS = {"day": _DAY, "week": 7 * _DAY}


def period_counts(leaf: Periods) -> tuple[Aggregate, ...]:
    """The counts of matching events in each of the periods, newest first."""
    return tuple(replace(leaf.aggregate, window=window) for window in period_windows(leaf))


def period_windows(leaf: Periods) -> tuple[Window, ...]:
    """The windows of the periods, newest first. Of a duration d they end at T, T - d, …; calendar
    units are whole ones of the zone, the current one up to T unless it is left out."""
    return _windows(leaf.every, leaf.last, leaf.skip_current)


@lru_cache(maxsize=64)  # the reference asks for those of a leaf once per user and instant
def _windows(every: Duration | CalendarUnit, last: int, skip_current: bool) -> tuple[Window, ...]:
    if isinstance(every, Duration):
        return tuple(_of_duration(every, number) for number in range(last))
    spans = (CalendarSpan(unit=every, last=-number - skip_current) for number in range(last))
    return tuple(InCalendar(span=span) for span in spans)


def _of_duration(every: Duration, number: int) -> Window:
    start, end = (_times(every, times) for times in (number + 1, number))
    return Ago(start=start, end=end) if number else Within(duration=start)


def _times(every: Duration, times: int) -> Duration:
    return replace(every, count=every.count * times)


# --- numbers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """Which period an instant t within the bounds lies in: (anchor - t) // length, by the last of
    the anchors that holds at t. Each is an instant from which on it holds, and a number; the first
    holds from the start on."""

    bounds: Bounds
    length: int
    anchors: tuple[tuple[Instant, int], ...]


def numbering(leaf: Periods, as_of: Instant, zone: ZoneInfo) -> Numbering:
    """The numbers of a leaf's periods in that zone.

    Equal lengths need one anchor, days and weeks one more for each change of the clocks.
    """
    ends = _ends(leaf, as_of, zone)
    length = _length(leaf, ends)
    anchors: list[tuple[Instant, int]] = []
    least = most = -1
    for number, (end, start) in reversed([*enumerate(pairwise(ends))]):
        for begun in range(start, end, length):
            # What gives each instant of the piece that number.
            low = number * length + min(end, begun + length) - 1
            high = (number + 1) * length + begun - 1
            least, most = max(least, low), min(most, high)
            if least > most or not anchors:
                least, most = low, high
                anchors.append((Instant(begun), least))
            anchors[-1] = (anchors[-1][0], least)
    bounds = Bounds(start=None if ends[-1] == FIRST else ends[-1], end=ends[0])
    return Numbering(bounds=bounds, length=length, anchors=tuple(anchors) or ((FIRST, 0),))


def _ends(leaf: Periods, as_of: Instant, zone: ZoneInfo) -> list[Instant]:
    """Where the newest period ends, and where each begins, which is where the one before ends."""
    now, skipped = Instant(as_of + 1), int(leaf.skip_current)
    if isinstance(leaf.every, Duration):
        back = (before(as_of, _times(leaf.every, n), zone) for n in range(1, leaf.last + 1))
        ends = [now, *(Instant(one + 1) for one in back)]
    else:
        units = range(1 - skipped, 1 - skipped - leaf.last - 1, -1)
        ends = [*unit_starts(leaf.every, units, as_of, zone)]
    return [max(FIRST, min(now, end)) for end in ends]


def _length(leaf: Periods, ends: list[Instant]) -> int:
    """What divides instants into periods: their length, the usual one, or the greatest."""
    if isinstance(leaf.every, Duration):
        known = leaf.every.milliseconds
    else:
        known = _LENGTHS.get(leaf.every)
    return known or max(1, *(end - start for end, start in pairwise(ends)))
