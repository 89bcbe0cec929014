"""Hours of the day as clocks show them: whether it is one of them, and when the next begins."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import LAST
from segflow.model.instant import Instant, datetime_of

_MINUTE = 60_000
_LONGEST = 3 * 24 * 60
"""Minutes: hours come again within a day, and no change of clocks skips more than one."""


def is_within(hours: Iterable[str], instant: Instant, zone: ZoneInfo) -> bool:
    """Whether the zone's clocks show a time in any of the hours. "22:00-06:00" are [22:00, 06:00),
    over midnight; the same time twice is the whole day."""
    shown = datetime_of(instant).astimezone(zone).strftime("%H:%M")
    return any(_holds(shown, *one.split("-")) for one in hours)


def next_within(hours: Iterable[str], after: Instant, zone: ZoneInfo) -> Instant | None:
    """The first whole minute after an instant that is_within(); None where the calendar ends."""
    asked = tuple(hours)
    first = after // _MINUTE + 1
    minutes = (Instant(minute * _MINUTE) for minute in range(first, first + _LONGEST))
    return next((one for one in minutes if one <= LAST and is_within(asked, one, zone)), None)


def _holds(shown: str, start: str, end: str) -> bool:
    if start < end:
        return start <= shown < end
    return shown >= start or shown < end
