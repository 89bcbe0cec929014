"""Leaves of the language over events: did, did_not, aggregates, first and last, periods."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from segflow.loader.event_predicate import EVENT_PREDICATE
from segflow.loader.features import (
    EVENT_KEYS,
    EVENT_PROPERTY,
    EVENTS,
    RIGHT,
    WHERE,
    aggregate_of,
)
from segflow.loader.findings import Findings
from segflow.loader.heads import IfKey
from segflow.loader.nodes import MapNode, Node, Scalar
from segflow.loader.operators import (
    AT_LEAST_ONE,
    COUNT_HINTS,
    COUNT_KEYS,
    COUNT_OPS,
    INSTANT_KEYS,
    NONE_AT_ALL,
    VALUE_HINTS,
    WINDOW_HINTS,
    counts_of,
    operators_of,
    value_keys,
)
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import Misfit, Shape, Slot
from segflow.loader.slots import BOOLEAN, integer
from segflow.loader.times import DURATION
from segflow.loader.windows import UNITS, WINDOWS_APART, is_calendar
from segflow.model.duration import Duration
from segflow.model.predicate import (
    Aggregate,
    AggregateKind,
    EventHas,
    Operator,
    Periods,
    Predicate,
    Test,
)

# --- did -------------------------------------------------------------------------------------


def _did(values: Values, node: MapNode, found: Findings) -> Predicate:
    aggregate = aggregate_of("count", (values["did"], None), values, node, found)
    return Test(feature=aggregate, operators=counts_of(values) or AT_LEAST_ONE)


def _did_not(values: Values, node: MapNode, found: Findings) -> Predicate:
    aggregate = aggregate_of("count", (values["did_not"], None), values, node, found)
    return Test(feature=aggregate, operators=NONE_AT_ALL)


def _period_length(values: Values, node: MapNode, found: Findings) -> Values:
    if not found.is_sound(node):
        return values
    skips, every = values.get("skip_current", False), values["every"]
    if skips and every not in UNITS:
        help = "remove it, or use a unit: day, week, month, quarter or year"
        summary = f"`skip_current` has no meaning with periods of {every}, which end now"
        found.error("VAL008", summary, node.entries["skip_current"][0], help=help)
    for op in ("at_least", "exactly", "at_most"):
        test = values.get(op)
        if test is not None and test.count > values["last"]:
            summary = f"there are {values['last']} periods, so `{op}: {test.count}` says nothing"
            found.error("VAL008", summary, node.entries[op][1], help="make `last` larger")
    return values


_EVERY: Slot[object] = Slot(
    "a duration such as 7d, or day, week, month, quarter, year",
    lambda node: node.text if node.text in UNITS else DURATION.parse(node),
    {"anyOf": [{"enum": list(UNITS)}, DURATION.json]},
    stand_in="day",
)
PERIODS = Record(
    what="periods",
    keys={
        "every": Key(_EVERY, required=True),
        "last": Key(integer(least=1, most=10_000), required=True),
        **COUNT_KEYS,
        "skip_current": Key(BOOLEAN, doc="Leave out the calendar unit that is not over yet"),
    },
    build=_period_length,
    some_of=(COUNT_OPS,),
    hints=COUNT_HINTS,
    example="{every: week, last: 4, at_least: 3}",
    stand_in={"every": "day", "last": 1},
)


def _periods(values: Values, node: MapNode, found: Findings) -> Predicate:
    periods = values["periods"]
    return Periods(
        aggregate=Aggregate(
            kind="count",
            events=values["did"],
            where=values.get("where"),
            user_zone="timezone" in values and _is_local_length(periods["every"]),
        ),
        counts=counts_of(values) or AT_LEAST_ONE,
        every=periods["every"],
        last=periods["last"],
        holds=counts_of(periods),
        skip_current=periods.get("skip_current", False),
    )


def _is_local_length(every: Duration | str) -> bool:
    return isinstance(every, str) or is_calendar(every)


_NO_WINDOW = "the last periods are the window; make `last` or `every` larger instead"
DID: Shape[Predicate] = IfKey(
    "periods",
    then=Record(
        what="`did` with periods",
        keys={
            "did": Key(EVENTS, required=True),
            "periods": Key(PERIODS, required=True),
            "where": WHERE,
            **COUNT_KEYS,
            "timezone": EVENT_KEYS["timezone"],
        },
        build=_periods,
        hints={
            **COUNT_HINTS,
            **dict.fromkeys(("within", "ago", "since", "until", "calendar"), _NO_WINDOW),
        },
    ),
    otherwise=Record(
        what="`did`",
        keys={"did": Key(EVENTS, required=True), **EVENT_KEYS, **COUNT_KEYS},
        build=_did,
        apart=WINDOWS_APART,
        hints={**COUNT_HINTS, **WINDOW_HINTS},
    ),
)
_ZERO = "did_not says that the number is zero; to count write did with at_most or fewer_than"
DID_NOT: Shape[Predicate] = Record(
    what="`did_not`",
    keys={"did_not": Key(EVENTS, required=True), **EVENT_KEYS},
    build=_did_not,
    apart=WINDOWS_APART,
    hints={
        **WINDOW_HINTS,
        **dict.fromkeys((*COUNT_OPS, *COUNT_HINTS), _ZERO),
        "for": "`for` belongs to the steps of a sequence; to choose events write `within`",
    },
)

# --- aggregates of a property ----------------------------------------------------------------

_VALUES = value_keys(RIGHT)
_VALUES_AND_INSTANTS = {**_VALUES, **INSTANT_KEYS}
_OPERATORS: Mapping[AggregateKind, Mapping[str, Key]] = {
    "sum": _VALUES,
    "avg": _VALUES,
    "min": _VALUES_AND_INSTANTS,
    "max": _VALUES_AND_INSTANTS,
    "mode": _VALUES_AND_INSTANTS,
    "first": _VALUES_AND_INSTANTS,
    "last": _VALUES_AND_INSTANTS,
}


def _test(
    kind: AggregateKind, aggregate: Aggregate, operators: tuple[Operator, ...], values: Values
) -> Predicate:
    # A sum or a count knows no zone; the window's zone is the aggregate's own.
    knows_zone = kind not in ("sum", "avg", "count_distinct")
    return Test(
        feature=aggregate,
        operators=operators,
        ignore_case=values.get("ignore_case", False),
        user_zone=knows_zone and "timezone" in values,
    )


def _of_one_event(node: Scalar) -> tuple[tuple[str, ...], str]:
    try:
        return EVENT_PROPERTY.parse(node)
    except Misfit as error:
        help = "for the instant of the event write first_time or last_time, for several properties "
        raise Misfit(str(error), help=help + "add `has`", code=error.code) from error


_ONE_EVENT = replace(EVENT_PROPERTY, parse=_of_one_event)


def _property_leaf(kind: AggregateKind) -> Shape[Predicate]:
    operators = _OPERATORS[kind]
    of = _ONE_EVENT if kind in ("first", "last") else EVENT_PROPERTY

    def build(values: Values, node: MapNode, found: Findings) -> Predicate:
        aggregate = aggregate_of(kind, values[kind], values, node, found)
        return _test(kind, aggregate, operators_of(values, operators), values)

    return Record(
        what=f"`{kind}`",
        keys={
            kind: Key(of, required=True),
            **EVENT_KEYS,
            **operators,
            "ignore_case": Key(BOOLEAN, doc="ASCII letters only"),
        },
        build=build,
        some_of=(tuple(operators),),
        apart=WINDOWS_APART,
        hints={**VALUE_HINTS, **({} if operators is _VALUES_AND_INSTANTS else WINDOW_HINTS)},
        example=f"{{{kind}: purchase.amount, within: 30d, gte: 100}}",
    )


def _count_distinct(values: Values, node: MapNode, found: Findings) -> Predicate:
    aggregate = aggregate_of("count_distinct", values["count_distinct"], values, node, found)
    return _test("count_distinct", aggregate, counts_of(values), values)


def _has(kind: Literal["first", "last"]) -> Shape[Predicate]:
    """first or last of an event, with a condition on that very event."""

    def build(values: Values, node: MapNode, found: Findings) -> Predicate:
        aggregate = aggregate_of(kind, (values[kind], None), values, node, found)
        return EventHas(which=kind, aggregate=aggregate, has=values["has"])

    return Record(
        what=f"`{kind}` with `has`",
        keys={
            kind: Key(EVENTS, required=True),
            "has": Key(EVENT_PREDICATE, required=True, doc="What that one event satisfies"),
            **EVENT_KEYS,
        },
        build=build,
        apart=WINDOWS_APART,
        hints={name: "put the test into `has`, on a property" for name in _VALUES_AND_INSTANTS},
    )


def _instant_leaf(kind: AggregateKind) -> Shape[Predicate]:
    """first_time and last_time: tests of the event's instant."""

    def build(values: Values, node: MapNode, found: Findings) -> Predicate:
        aggregate = aggregate_of(kind, (values[kind], None), values, node, found)
        return _test(kind, aggregate, operators_of(values, INSTANT_KEYS), values)

    return Record(
        what=f"`{kind}`",
        keys={kind: Key(EVENTS, required=True), **EVENT_KEYS, **INSTANT_KEYS},
        build=build,
        some_of=(tuple(INSTANT_KEYS),),
        apart=WINDOWS_APART,
        hints=dict.fromkeys(
            (*_VALUES, *COUNT_OPS), "its instant is tested: before, after, in_last, older_than, …"
        ),
        example=f"{{{kind}: purchase, in_last: 30d}}",
    )


class _NeverALeaf(Shape[Predicate]):
    """`count`, which is a feature: on its own it tests nothing that `did` does not."""

    def read(self, node: Node, found: Findings) -> Predicate | None:
        key = node.entries["count"][0] if isinstance(node, MapNode) else node
        help = "write did with at_least, at_most, exactly, more_than or fewer_than"
        found.error("KEY007", "`count` is a feature and no predicate", key, help=help)
        return None

    def schema(self, defs: dict[str, object]) -> dict[str, object]:
        return {"not": {}}


EVENT_LEAVES: Mapping[str, Shape[Predicate]] = {
    "did": DID,
    "did_not": DID_NOT,
    **{kind: _property_leaf(kind) for kind in ("sum", "avg", "min", "max", "mode")},
    "count": _NeverALeaf(),
    "count_distinct": Record(
        what="`count_distinct`",
        keys={
            "count_distinct": Key(EVENT_PROPERTY, required=True),
            **EVENT_KEYS,
            **COUNT_KEYS,
        },
        build=_count_distinct,
        some_of=(COUNT_OPS,),
        apart=WINDOWS_APART,
        hints={**COUNT_HINTS, **WINDOW_HINTS},
        example="{count_distinct: purchase.sku, at_least: 3}",
    ),
    "first": IfKey("has", _has("first"), _property_leaf("first")),
    "last": IfKey("has", _has("last"), _property_leaf("last")),
    **{kind: _instant_leaf(kind) for kind in ("first_time", "last_time")},
}
