"""Slots of time: durations, points in time, zones, hours and recurrence."""

import re
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from segflow.loader.nodes import shorten
from segflow.loader.shapes import Misfit, Slot
from segflow.loader.slots import matching, text_slot
from segflow.loader.suggest import did_you_mean
from segflow.model.duration import Duration, parse_duration
from segflow.model.instant import parse_instant
from segflow.model.scalar import DatePoint, InstantPoint, Moment

_DURATION_PATTERN = "^[0-9]+(s|min|h|d|w|mo|y)$"
_LONGEST = 10_000  # years; beyond it no calendar can say when that was


_WORDS = re.compile(r"([0-9]*) *(sec|min|hour|hr|day|week|wk|month|mon|year|yr)[a-z]*\Z", re.ASCII)
_UNITS = {"sec": "s", "hour": "h", "hr": "h", "day": "d", "week": "w", "wk": "w", "month": "mo"}
_UNITS |= {"mon": "mo", "year": "y", "yr": "y"}


def _in_words(text: str) -> str | None:
    """The fix for a duration with its unit in words, in capitals, after a space or left out."""
    if text.isascii() and text.isdigit():
        return f"say what is counted: {text}d are days, {text}h hours"
    short = text.lower().replace(" ", "")
    if match := _WORDS.match(text.lower()):
        short = (match[1] or "1") + _UNITS.get(match[2], match[2])
    return f"write {short}" if re.fullmatch(_DURATION_PATTERN, short) else None


def _duration(text: str) -> Duration:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        if re.fullmatch("[0-9]+m", text):
            help = f"write {text}in for minutes or {text}o for months"
            raise Misfit(f"`{text}` is ambiguous", help=help) from error
        help = _in_words(text) or "a whole number and s, min, h, d, w, mo or y, for example 7d"
        raise Misfit(f"`{shorten(text)}` is not a duration", help=help) from error
    if duration.count == 0:
        raise Misfit(f"`{text}` is no time at all", help="write at least 1", code="VAL004")
    if shortest(duration) > _LONGEST * 365 * _DAY:
        raise Misfit(f"`{text}` is longer than {_LONGEST} years", code="VAL004")
    return duration


_DAY = 86_400_000


def shortest(duration: Duration) -> int:
    """The least number of milliseconds that the duration can be."""
    return duration.milliseconds or (duration.months or 0) * 28 * _DAY


def longest(duration: Duration) -> int:
    """The greatest number of milliseconds that the duration can be."""
    return duration.milliseconds or (duration.months or 0) * 31 * _DAY


DURATION = text_slot(
    "duration",
    "a duration such as 7d or 30min",
    _duration,
    _DURATION_PATTERN,
    stand_in=Duration(count=1, unit="d"),
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
_INSTANT = re.compile(rf"[0-9-]{{10}}[Tt ]{CLOCK}(Z|[+-][0-9]{{2}}:[0-9]{{2}})\Z", re.ASCII)
_ZONELESS = re.compile(rf"[0-9-]{{10}}[Tt ]{CLOCK}\Z", re.ASCII)
_MOMENT_PATTERN = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([Tt ]{CLOCK}(Z|[+-][0-9]{{2}}:[0-9]{{2}}))?$"


def _moment(text: str) -> Moment:
    try:
        if _DATE.match(text):
            return DatePoint(date=date.fromisoformat(text))
        if _INSTANT.match(text):
            return InstantPoint(instant=parse_instant(text))
    except (ValueError, OverflowError) as error:
        raise Misfit(f"`{text}` is not in the calendar: {error}") from error
    if _ZONELESS.match(text):
        raise Misfit(f"`{text}` has no offset", help=f"write {text}Z for UTC, or {text}+08:00")
    help = "write 2026-01-31, or with time and offset 2026-01-31T09:00:00Z"
    if re.fullmatch(_DURATION_PATTERN, text):
        help = f"{text} is a duration, for `within`, `in_last` and the like; here write 2026-01-31"
    raise Misfit(f"`{shorten(text)}` is not a point in time", help=help)


MOMENT: Slot[Moment] = text_slot(
    "moment",
    "a point in time such as 2026-01-31",
    _moment,
    _MOMENT_PATTERN,
    stand_in=DatePoint(date=date(2000, 1, 1)),
)


@lru_cache(maxsize=64)
def is_zone(text: str) -> bool:
    """True for an IANA time zone that this machine knows."""
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # a bad name, a folder, an unknown name
        return False
    return True


def zone_fix(text: str) -> str:
    """What to write for a zone that is not known."""
    near = did_you_mean(text, sorted(available_timezones()))
    return near or "an IANA name such as Europe/Berlin or UTC"


def _zone(text: str) -> str:
    if is_zone(text):
        return text
    raise Misfit(
        f"`{shorten(text)}` is not a known time zone",
        help=zone_fix(text),
        code="VAL005",
    )


ZONE = Slot("a time zone such as Europe/Berlin", lambda node: _zone(node.text), {"type": "string"})
ZONE_OR_USER = Slot(
    "a time zone such as Europe/Berlin, or `user`",
    lambda node: node.text if node.text == "user" else _zone(node.text),
    {"type": "string"},
)

_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"


TIME_OF_DAY = matching("time_of_day", f"^{_HOUR}$", "a time of day such as 22:00")
HOURS = matching("hours", f"^{_HOUR}-{_HOUR}$", "hours such as 01:00-06:00")
RRULE = matching(
    "rrule",
    "^FREQ=[A-Z]+(;[A-Z]+=[A-Z0-9,:+-]+)*$",
    "a recurrence rule such as FREQ=MONTHLY;BYDAY=MO",
)
