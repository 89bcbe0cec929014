"""The clocks of zones as a list: how far ahead of UTC they are, and from when on.

Anniversaries of instants ask for the local date in whatever year it was. Engines have time zone
data of their own, of another release and with another history, so they are given this list instead.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import Instant, datetime_of, parse_instant

KNOWN_UNTIL = parse_instant("2100-01-01T00:00:00Z")
"""From then on clocks stay as they are: what they will do so late nobody knows."""

_UNCHANGED_UNTIL = parse_instant("1800-01-01T00:00:00Z")  # the first clocks changed in 1835
_DAY = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)


class Offset(NamedTuple):
    """From an instant on the clocks are so many milliseconds ahead of UTC."""

    since: Instant
    ahead: int


@cache
def clock_offsets(zone: ZoneInfo) -> tuple[Offset, ...]:
    """The offsets of a zone's clocks in order of time; the first begins with the calendar."""
    return tuple(_offsets(zone))


def clock_date(instant: Instant, zone: ZoneInfo) -> date:
    """The date that the zone's clocks show, by clock_offsets(); within the calendar's years."""
    offsets = clock_offsets(zone)
    found = offsets[max(0, bisect_right(offsets, instant, key=lambda one: one.since) - 1)]
    return datetime_of(Instant(max(FIRST, min(LAST, instant + found.ahead)))).date()


def _offsets(zone: ZoneInfo) -> Iterator[Offset]:
    ahead = _ahead(_UNCHANGED_UNTIL, zone)
    yield Offset(FIRST, ahead)
    for day in range(_UNCHANGED_UNTIL, KNOWN_UNTIL, _DAY):
        end = day + _DAY
        while ahead != _ahead(end, zone):
            day = _first_other(day, end, ahead, zone)
            ahead = _ahead(day, zone)
            yield Offset(Instant(day), ahead)


def _first_other(start: int, end: int, ahead: int, zone: ZoneInfo) -> int:
    """The first millisecond after `start`, up to `end`, at which the clocks are not `ahead`."""
    after = range(start + 1, end + 1)
    return after[bisect_left(after, True, key=lambda one: _ahead(one, zone) != ahead)]


def _ahead(instant: int, zone: ZoneInfo) -> int:
    offset = datetime_of(Instant(instant)).astimezone(zone).utcoffset() or timedelta()
    return offset // _MILLISECOND
