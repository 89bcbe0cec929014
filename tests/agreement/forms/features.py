"""Features over events: aggregates of every kind with their windows, and conditions on events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    FieldFeature,
    NoneOf,
    Not,
    Predicate,
    PropertyFeature,
    Test,
)
from segflow.model.scalar import InstantPoint
from segflow.model.types import INTEGER, TIMESTAMP, ValueType, decimal_type
from segflow.model.window import Ago, Fixed, InCalendar, Window, Within
from tests.agreement.cells import type_name
from tests.agreement.choices import Pick
from tests.agreement.forms import zones
from tests.agreement.forms.judged import EVENTS, Events
from tests.agreement.forms.operators import Candidate, moment, tested
from tests.agreement.shop import FIELD_TYPES, PROPERTY_TYPES, SHARED, Shop

FIELD_FEATURES: list[Candidate] = [
    (FieldFeature(field=name), type_) for name, type_ in FIELD_TYPES.items()
]


def of_type(pool: Sequence[Candidate], name: str) -> Sequence[Candidate]:
    """Those of the pool that give values of a type; all of it for ""."""
    return [one for one in pool if name in ("", type_name(one[1]))]


# --- aggregates ------------------------------------------------------------------------------


def aggregate(
    pick: Pick,
    of: Shop,
    kinds: Sequence[str],
    key: str = "",
    fits: Callable[[ValueType], bool] = lambda type_: True,
) -> Candidate:
    """An aggregate, and the type of what it gives. `key` is one of those that choose events, or any
    other; the type of the property fits."""
    kind = pick.one(kinds)
    subjects = {events: _aggregated(kind, events, fits) for events in EVENTS}
    events = pick.one([events for events in EVENTS if subjects[events]] or EVENTS)
    name = pick.one(list(subjects[events])) if subjects[events] else None
    found = Aggregate(
        kind=kind,  # type: ignore[arg-type]
        events=events,
        property=name,
        where=event_where(pick, of, events, 1) if key == "where" or pick.chance(4) else None,
        window=window(pick, of, key),
    )
    found = replace(found, user_zone=True) if key == "timezone" else zones.windowed(pick, found)
    if kind in ("count", "count_distinct"):
        return found, INTEGER
    if name is None:
        return found, TIMESTAMP
    type_ = subjects[events][name]
    if kind == "avg" or (kind == "sum" and type_.name == "decimal"):
        return found, decimal_type(38, type_.scale or 0)
    return found, type_


def _aggregated(
    kind: str, events: Events, fits: Callable[[ValueType], bool]
) -> Mapping[str, ValueType]:
    """The properties of the events that the aggregate can be of, if it is of any."""
    types = _types(events)
    return {name: type_ for name, type_ in types.items() if _takes(kind, type_) and fits(type_)}


def _takes(kind: str, type_: ValueType) -> bool:
    match kind:
        case "count" | "first_time" | "last_time":
            return False
        case "sum" | "avg":
            return not type_.is_list and type_.name in ("integer", "decimal")
        case "min" | "max":
            return not type_.is_list and type_.name != "boolean"
        case "mode":
            return not type_.is_list
        case _:
            return True


def _types(events: Events) -> Mapping[str, ValueType]:
    types = PROPERTY_TYPES[events[0]]
    return {name: types[name] for name in SHARED} if len(events) > 1 else types


def properties_of(events: Events) -> list[Candidate]:
    """The properties that all of the events have."""
    return [(PropertyFeature(property=name), type_) for name, type_ in _types(events).items()]


def other(pick: Pick, of: Shop) -> Candidate:
    """A feature for the right side."""
    return aggregate(pick, of, ("sum", "avg", "min", "last", "count", "last_time", "mode"))


# --- windows ---------------------------------------------------------------------------------


def window(pick: Pick, of: Shop, key: str = "") -> Window | None:
    """A window of the kind that a key says, of any kind or none for others."""
    durations = of.durations
    match key:
        case "within":
            return pick.one([*_windows(of, Within), *(Within(duration=one) for one in durations)])
        case "ago":
            made = [Ago(start=durations[-1]), *(Ago(end=one) for one in durations)]
            return pick.one([*_windows(of, Ago), *made])
        case "calendar" | "timezone":
            return InCalendar(span=pick.one(of.spans))
        case "since" | "until":
            return fixed(pick, of, key)
        case _ if pick.chance(5):
            return fixed(pick, of)
        case _:
            return pick.one([None, *of.windows, None, None, None])


def _windows(of: Shop, kind: type[Window]) -> list[Window]:
    return [one for one in of.windows if isinstance(one, kind)]


def fixed(pick: Pick, of: Shop, key: str = "") -> Fixed:
    """A window between two points in time, mostly in their order; with the end that a key says."""
    since = None if key != "since" and pick.chance(3) else moment(pick, of)
    until = None if key != "until" and pick.chance(3) else moment(pick, of)
    if isinstance(since, InstantPoint) and isinstance(until, InstantPoint):
        since, until = sorted((since, until), key=lambda point: point.instant)
    return Fixed(since=since, until=until)


# --- conditions ------------------------------------------------------------------------------


def algebra(pick: Pick, part: Callable[[], Predicate], head: str = "") -> Predicate:
    """Boolean algebra over parts, with that head or any."""
    heads = {"not": Not, "any": AnyOf, "all": All, "none": NoneOf, "": AnyOf}
    kind = heads[head or pick.one(list(heads))]
    if kind is Not:
        return Not(item=part())
    return kind(items=tuple(part() for _ in range(1 + pick.below(2))))  # type: ignore[call-arg]


def event_where(pick: Pick, of: Shop, events: Events, depth: int) -> Predicate:
    """A predicate over the properties that the events share and the user's fields."""
    if depth and pick.chance(4):
        return algebra(pick, lambda: event_where(pick, of, events, depth - 1))
    return condition(pick, of, events, "field" if pick.chance(4) else "property")


def condition(
    pick: Pick, of: Shop, events: Events, head: str, key: str = "", of_values: str = ""
) -> Test:
    """A test of a property of the events, or of a field of the user."""
    properties = properties_of(events)
    pool = FIELD_FEATURES if head == "field" else properties
    feature, type_ = pick.one(of_type(pool, of_values) or pool)
    return tested(pick, of, feature, type_, [*properties, *FIELD_FEATURES], key)
