"""The clocks of zones as a list: how far ahead of UTC they are, and from when on.

Anniversaries of instants ask for the local date in whatever year it was. Engines have time zone
data of their own, of another release and with another history, so they are given this list instead.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import FIRST, LAST, anniversary_days
from segflow.model.instant import Instant, datetime_of, instant_of, parse_instant
from segflow.model.operator import Anniversary

Days = tuple[tuple[int, int], ...]
"""Days of any year, as pairs of month and day."""

KNOWN_UNTIL = parse_instant("2100-01-01T00:00:00Z")
"""From then on clocks stay as they are: what they will do so late nobody knows."""

UNCHANGED_UNTIL = parse_instant("1800-01-01T00:00:00Z")
"""The first clocks changed in 1835."""

OFFSETS = 1 << 18
"""There are fewer offsets in seconds: they are less than a day, ahead or behind."""

_DAY = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)


class Offset(NamedTuple):
    """From an instant on the clocks are so many milliseconds ahead of UTC."""

    since: Instant
    ahead: int


Offsets = tuple[Offset, ...]
"""In order of time; the first begins with the calendar."""


@cache
def clock_offsets(zone: ZoneInfo) -> Offsets:
    """The offsets of a zone's clocks."""
    return tuple(_offsets(zone, _watched(_every_day())))


def clock_date(instant: Instant, zone: ZoneInfo) -> date:
    """The date that the zone's clocks show, by clock_offsets(); within the calendar's years."""
    offsets = clock_offsets(zone)
    found = offsets[max(0, bisect_right(offsets, instant, key=lambda one: one.since) - 1)]
    return datetime_of(Instant(max(FIRST, min(LAST, instant + found.ahead)))).date()


def clock_changes(start: Instant, end: Instant, zone: ZoneInfo) -> Iterator[Offset]:
    """The offsets that begin within (start, end], as the zone's own data say."""
    ahead = clock_ahead(start, zone)
    for day in range(start, end, _DAY):
        following = min(day + _DAY, end)
        while ahead != clock_ahead(following, zone):
            day = _first_other(day, following, ahead, zone)
            ahead = clock_ahead(day, zone)
            yield Offset(Instant(day), ahead)


def offsets_text(offsets: Offsets) -> str:
    """The offsets as engines are given them: a number for each, separated by commas. The greatest
    that is below (t - UNCHANGED_UNTIL + 1) * OFFSETS is that of an instant t; its remainder by
    OFFSETS is how many seconds the clocks are ahead, and half of OFFSETS."""
    return ",".join(
        str(max(0, since - UNCHANGED_UNTIL) * OFFSETS + ahead // 1000 + OFFSETS // 2)
        for since, ahead in offsets
    )


# --- what an anniversary asks of clocks ------------------------------------------------------


def anniversary_offsets(operator: Anniversary, as_of: Instant, zone: ZoneInfo) -> Offsets:
    """The offsets that tell of which instants the zone's clocks showed one of the anniversary's
    days; on days that are not turning_days() of those they may be others than the clocks'."""
    return _offsets_on(turning_days(anniversary_days(operator, as_of, zone)), zone)


@lru_cache(maxsize=64)
def turning_days(days: Days) -> Days:
    """The days of UTC of which the zone decides whether its clocks show one of the days. On every
    other day they show one of them in all zones where it is one itself, else in none."""
    asked = set(days)
    near = {one for day in asked for one in (day, *_beside(day))}
    return tuple(sorted(one for one in near if not asked.issuperset((one, *_beside(one)))))


def _beside(day: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The days before and after, in years with 29 February and in others."""
    for there in filter(None, (_day(2000, *day), _day(2001, *day))):
        for other in (there - timedelta(days=1), there + timedelta(days=1)):
            yield other.month, other.day


@lru_cache(maxsize=4_096)
def _offsets_on(days: Days, zone: ZoneInfo) -> Offsets:
    return tuple(_offsets(zone, _watched_on(days)))


@lru_cache(maxsize=16)
def _watched_on(days: Days) -> "tuple[_Watched, ...]":
    """Kept, since it is the same for hundreds of zones."""
    years = range(datetime_of(UNCHANGED_UNTIL).year, datetime_of(KNOWN_UNTIL).year)
    every = (_day(year, *day) for year in years for day in days)
    return tuple(_watched(instant_of(day) for day in every if day is not None))


def _day(year: int, month: int, day: int) -> datetime | None:
    """The beginning of a day of UTC; None for 29 February in a year without it."""
    if day > monthrange(year, month)[1]:
        return None
    return datetime(year, month, day, tzinfo=UTC)


# --- how it is done --------------------------------------------------------------------------


class _Watched(NamedTuple):
    """An instant at which clocks are looked at. `follows` says that the day before it is asked
    about, so that the very instant matters at which they changed in it."""

    at: int
    moment: datetime
    follows: bool


def _every_day() -> Iterable[int]:
    return range(UNCHANGED_UNTIL, KNOWN_UNTIL, _DAY)


def _watched(days: Iterable[int]) -> Iterator[_Watched]:
    """The beginnings and ends of those days, and both ends of what is known."""
    yield _at(UNCHANGED_UNTIL, follows=False)
    end = UNCHANGED_UNTIL
    for day in days:
        if day != end:
            yield _at(day, follows=False)
        end = Instant(day + _DAY)
        yield _at(end, follows=True)
    if end != KNOWN_UNTIL:
        yield _at(KNOWN_UNTIL, follows=False)


def _at(instant: int, *, follows: bool) -> _Watched:
    return _Watched(instant, datetime_of(Instant(instant)), follows)


def _offsets(zone: ZoneInfo, watched: Iterable[_Watched]) -> Iterator[Offset]:
    known: timedelta | None = None
    for at, moment, follows in watched:
        shown = moment.astimezone(zone).utcoffset()
        if shown == known:
            continue
        if follows:
            yield from clock_changes(Instant(at - _DAY), Instant(at), zone)
        else:
            yield Offset(FIRST if known is None else Instant(at), clock_ahead(at, zone))
        known = shown


def _first_other(start: int, end: int, ahead: int, zone: ZoneInfo) -> int:
    """The first millisecond after `start`, up to `end`, at which the clocks are not `ahead`."""
    after = range(start + 1, end + 1)
    return after[bisect_left(after, True, key=lambda one: clock_ahead(one, zone) != ahead)]


def clock_ahead(instant: int, zone: ZoneInfo) -> int:
    """How many milliseconds the clocks are ahead of UTC at an instant."""
    offset = datetime_of(Instant(instant)).astimezone(zone).utcoffset() or timedelta()
    return offset // _MILLISECOND
