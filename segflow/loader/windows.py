"""Windows and spans of the calendar: which events a leaf looks at."""

import re
from dataclasses import replace

from segflow.loader.findings import Findings
from segflow.loader.heads import Named
from segflow.loader.nodes import MapNode, Scalar, shorten
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, Mapped, Misfit, Shape, Slot
from segflow.loader.slots import integer
from segflow.loader.suggest import did_you_mean
from segflow.loader.times import DURATION, MOMENT, longest, shortest
from segflow.model.duration import Duration
from segflow.model.operator import Ahead
from segflow.model.scalar import DatePoint, InstantPoint, Moment
from segflow.model.window import Ago, CalendarSpan, CalendarUnit, Fixed, InCalendar, Window, Within

# --- calendar --------------------------------------------------------------------------------

UNITS: tuple[CalendarUnit, ...] = ("day", "week", "month", "quarter", "year")
_NAMED = {
    "today": CalendarSpan(unit="day", last=0),
    "yesterday": CalendarSpan(unit="day", last=-1),
    **{f"this_{unit}": CalendarSpan(unit=unit, last=0) for unit in UNITS if unit != "day"},
    **{f"last_{unit}": CalendarSpan(unit=unit, last=-1) for unit in UNITS if unit != "day"},
}
_LAST_N = re.compile(r"last_([1-9][0-9]{0,4})_(day|week|month)s\Z", re.ASCII)
_LAST_SHORT = re.compile(r"last_([1-9][0-9]{0,4})_?(d|w|mo)\Z", re.ASCII)
_IN_FULL = {"d": "days", "w": "weeks", "mo": "months"}


def _named_span(text: str) -> CalendarSpan:
    if text in _NAMED:
        return _NAMED[text]
    if match := _LAST_N.match(text):
        return CalendarSpan(unit=match[2], last=-1, count=int(match[1]))  # type: ignore[arg-type]
    if match := _LAST_SHORT.match(text):
        raise Misfit(
            f"`{text}` is not a span of the calendar",
            help=f"write last_{match[1]}_{_IN_FULL[match[2]]}, whole ones before the current one",
        )
    known = (*_NAMED, "last_7_days", "last_4_weeks", "last_3_months")
    help = did_you_mean(text, known) or "for example this_month, last_7_days or {month: -1}"
    raise Misfit(f"`{text}` is not a span of the calendar", help=help)


def _span_back(values: Values, node: MapNode, found: Findings) -> CalendarSpan | None:
    unit = next((unit for unit in UNITS if unit in values), None)
    return None if unit is None else CalendarSpan(unit=unit, last=values[unit])


_MOST_BACK = 99_999
_COUNTED = integer(least=-_MOST_BACK, most=_MOST_BACK)


def _units_back(node: Scalar) -> int:
    units = _COUNTED.parse(node)
    if units > 0:
        help = f"write -{units} for what is over; 0 is the one that is now"
        raise Misfit(f"{units} lies ahead, and units are counted back", help=help, code="VAL004")
    return units


_BACK = replace(integer(least=-_MOST_BACK, most=0), parse=_units_back)
_SPAN: Shape[CalendarSpan] = ByNode(
    "a span of the calendar, such as this_month or {month: -1}",
    scalar=Slot(
        "a span of the calendar",
        lambda node: _named_span(node.text),
        {
            "anyOf": [
                {"enum": list(_NAMED)},
                {"type": "string", "pattern": "^last_[1-9][0-9]{0,4}_(day|week|month)s$"},
            ]
        },
    ),
    mapping=Record(
        what="a span of the calendar",
        keys={unit: Key(_BACK) for unit in UNITS},
        build=_span_back,
        one_of=(UNITS,),
        example="{month: -1}",
    ),
)

SPAN: Shape[CalendarSpan] = Named("calendar_span", lambda: _SPAN)

# --- ranges ----------------------------------------------------------------------------------


def _ago(values: Values, node: MapNode, found: Findings) -> Ago | None:
    start, end = values.get("from"), values.get("to")
    if start and end and longest(start) <= shortest(end):
        summary = f"from {start} to {end} ago is no time: `from` is the earlier end"
        help = f"write ago: {{from: {end}, to: {start}}}" if start != end else "make them differ"
        found.error("VAL003", summary, node, help=help)
        return None
    return Ago(start=start, end=end)


def _ahead(values: Values, node: MapNode, found: Findings) -> Ahead | None:
    start, end = values.get("from"), values.get("to")
    if start and end and longest(end) <= shortest(start):
        summary = f"from {start} to {end} ahead is no time: `to` is the later end"
        help = f"write ahead: {{from: {end}, to: {start}}}" if start != end else "make them differ"
        found.error("VAL003", summary, node, help=help)
        return None
    return Ahead(start=start, end=end)


_RANGE = {"from": Key(DURATION), "to": Key(DURATION)}
AGO = Record(
    name="ago",
    what="ago",
    keys=_RANGE,
    build=_ago,
    some_of=(("from", "to"),),
    example="{from: 90d, to: 30d}",
)
AHEAD = Record(
    name="ahead",
    what="ahead",
    keys=_RANGE,
    build=_ahead,
    some_of=(("from", "to"),),
    example="{from: 30d, to: 60d}",
)

# --- windows ---------------------------------------------------------------------------------


def _user_zone(node: Scalar) -> str:
    if node.text == "user":
        return node.text
    help = "the project's zone stands in segflow.toml; a leaf can only ask for each user's"
    raise Misfit(f"`{shorten(node.text)}` is not `user`", help=help)


USER_ZONE = Key(
    Slot("`user`", _user_zone, {"const": "user"}),
    doc="Calendar units and dates are each user's, not the project's",
)
WINDOW_KEYS = {
    "within": Key(Mapped(DURATION, lambda d: Within(duration=d)), doc="(T - d, T]"),
    "ago": Key(AGO, doc="(T - from, T - to]; either end may be left out"),
    "since": Key(MOMENT, doc="Events at or after"),
    "until": Key(MOMENT, doc="Events before"),
    "calendar": Key(Mapped(SPAN, lambda span: InCalendar(span=span)), doc="Whole local units"),
    "timezone": USER_ZONE,
}
WINDOWS_APART = (
    ("within", "ago"),
    ("within", "since"),
    ("within", "until"),
    ("within", "calendar"),
    ("ago", "since"),
    ("ago", "until"),
    ("ago", "calendar"),
    ("since", "calendar"),
    ("until", "calendar"),
)


def window_of(values: Values, node: MapNode, found: Findings) -> Window | None:
    """The window that the keys of a leaf give, or None for all of history."""
    for key in ("within", "ago", "calendar"):
        if key in values:
            window: Window = values[key]
            return window
    since, until = values.get("since"), values.get("until")
    if since is None and until is None:
        return None
    if since is not None and until is not None and is_no_time(since, until):
        help = "`since` is the first moment inside, `until` the first one after"
        found.error(
            "VAL002", "`until` is not later than `since`", node.entries["until"][1], help=help
        )
    return Fixed(since=since, until=until)


def is_no_time(since: Moment, until: Moment) -> bool:
    """True where [since, until) is empty in every zone."""
    match since, until:
        case DatePoint(date=first), DatePoint(date=second):
            return first >= second
        case InstantPoint(instant=first), InstantPoint(instant=second):
            return first >= second
        case _:  # a date against an instant: the zone decides
            return False


def is_local(window: Window | None) -> bool:
    """True where the zone matters to the window: calendar units, dates, months and years."""
    match window:
        case None:
            return False
        case Within(duration=duration):
            return is_calendar(duration)
        case Ago(start=start, end=end):
            return is_calendar(start) or is_calendar(end)
        case Fixed(since=since, until=until):
            return isinstance(since, DatePoint) or isinstance(until, DatePoint)
        case InCalendar():
            return True


def is_calendar(duration: Duration | None) -> bool:
    return duration is not None and duration.months is not None
