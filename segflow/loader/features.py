"""Predicates over one event, and features: aggregates of a user's events."""

from collections.abc import Callable, Mapping

from segflow.loader.findings import Findings
from segflow.loader.heads import Headed, Named
from segflow.loader.nodes import MapNode, Scalar, shorten
from segflow.loader.operators import (
    COMPARE_OPS,
    COUNT_OPS,
    INSTANT_HINTS,
    STORED_INSTANT_KEYS,
    VALUE_HINTS,
    literal_or,
    operators_of,
    value_keys,
)
from segflow.loader.shapes import (
    ByNode,
    Key,
    ListOf,
    Mapped,
    Misfit,
    Record,
    Shape,
    Slot,
    Values,
)
from segflow.loader.slots import BOOLEAN, NAME, decimal
from segflow.loader.windows import USER_ZONE, WINDOW_KEYS, WINDOWS_APART, is_local, window_of
from segflow.model.address import is_name
from segflow.model.predicate import (
    Aggregate,
    AggregateKind,
    All,
    AnyOf,
    Feature,
    FieldFeature,
    NoneOf,
    Not,
    Operand,
    Predicate,
    PropertyFeature,
    Scaled,
    Test,
)

# --- boolean algebra -------------------------------------------------------------------------


def algebra(predicate: Shape[Predicate]) -> Mapping[str, Shape[Predicate]]:
    """all, any, none and not over predicates."""

    def group(head: str, make: Callable[[tuple[Predicate, ...]], Predicate]) -> Shape[Predicate]:
        return Record(
            what=f"`{head}`",
            keys={head: Key(ListOf("predicates", predicate), required=True)},
            build=lambda values, node, found: make(values[head]),
        )

    return {
        "all": group("all", lambda items: All(items=items)),
        "any": group("any", lambda items: AnyOf(items=items)),
        "none": group("none", lambda items: NoneOf(items=items)),
        "not": Record(
            what="`not`",
            keys={"not": Key(predicate, required=True)},
            build=lambda values, node, found: Not(item=values["not"]),
        ),
    }


# --- tests of stored values ------------------------------------------------------------------


def value_test(
    head: str, feature: Callable[[str], Feature], right: Shape[Operand]
) -> Shape[Predicate]:
    """A leaf on a field or property: its name and operators, all of which must hold."""
    operators = {**value_keys(right), **STORED_INSTANT_KEYS}

    def build(values: Values, node: MapNode, found: Findings) -> Predicate:
        return Test(
            feature=feature(values[head]),
            operators=operators_of(values, operators),
            ignore_case=values.get("ignore_case", False),
            user_zone="timezone" in values,
        )

    return Record(
        what=f"a {head} test",
        keys={
            head: Key(NAME, required=True),
            **operators,
            "ignore_case": Key(BOOLEAN, doc="ASCII letters only"),
            "timezone": USER_ZONE,
        },
        build=build,
        some_of=(tuple(operators),),
        hints={**VALUE_HINTS, **INSTANT_HINTS},
        example=f"{{{head}: country, eq: US}}",
    )


def _named_feature(head: str, make: Callable[[str], Feature]) -> Shape[Operand]:
    return Record(
        what=f"a {head} on the right side",
        keys={head: Key(NAME, required=True), "times": TIMES},
        build=lambda values, node, found: Scaled(
            feature=make(values[head]), times=values.get("times")
        ),
    )


TIMES = Key(decimal(), doc="An exact factor")
RIGHT_FIELD = _named_feature("field", lambda name: FieldFeature(field=name))
RIGHT_PROPERTY = _named_feature("property", lambda name: PropertyFeature(property=name))

EVENT_RIGHT: Shape[Operand] = Named(
    "event_right_side",
    lambda: literal_or(
        Headed(
            what="a right side in an event's `where`",
            heads={"field": RIGHT_FIELD, "property": RIGHT_PROPERTY},
            example="{field: country}",
        ),
        "a value, {field: …} or {property: …}",
    ),
)

_USER_LEVEL = [
    "did",
    "did_not",
    "sum",
    "avg",
    "min",
    "max",
    "mode",
    "count",
    "count_distinct",
    "first",
    "last",
    "first_time",
    "last_time",
    "segment",
    "sequence",
    "same",
    "rank",
    "in_file",
    "sample",
    "sql",
]

EVENT_PREDICATE: Shape[Predicate] = Named(
    "event_predicate",
    lambda: Headed(
        what="a condition on an event",
        name="event_predicate",
        heads={
            **algebra(EVENT_PREDICATE),
            "property": value_test(
                "property", lambda name: PropertyFeature(property=name), EVENT_RIGHT
            ),
            "field": value_test("field", lambda name: FieldFeature(field=name), EVENT_RIGHT),
        },
        example="{property: amount, gte: 100}",
        instead={
            head: "an event's `where` tests its properties and the user's fields only; "
            "put this beside the event with all: […]"
            for head in _USER_LEVEL
        },
    ),
)

# --- aggregates ------------------------------------------------------------------------------


def _event(node: Scalar) -> str:
    event, dot, name = node.text.partition(".")
    if dot and is_name(event) and is_name(name):
        help = f"write {event}, and test the property in `where`"
        raise Misfit(f"`{node.text}` is a property, and an event is expected", help=help)
    return NAME.parse(node)


_EVENT: Slot[str] = Slot("an event", _event, NAME.json, "name")
_EVENTS: Shape[tuple[str, ...]] = ByNode(
    "an event or a list of events",
    scalar=Mapped(_EVENT, lambda name: (name,)),
    items=ListOf("events", _EVENT),
)


EVENTS: Shape[tuple[str, ...]] = Named("events", lambda: _EVENTS)


def _dotted(text: str) -> tuple[tuple[str, ...], str]:
    event, dot, name = text.partition(".")
    if dot and is_name(event) and is_name(name):
        return (event,), name
    help = f"write {text}.amount, with the property meant" if is_name(text) else None
    summary = f"`{shorten(text)}` names no property: write event.property"
    raise Misfit(summary, help=help or "for example purchase.amount", code="NAM001")


_DOTTED_PATTERN = "^[a-z][a-z0-9_]*[.][a-z][a-z0-9_]*$"
EVENT_PROPERTY: Slot[tuple[tuple[str, ...], str]] = Slot(
    "an event and its property, such as purchase.amount",
    lambda node: _dotted(node.text),
    {"type": "string", "pattern": _DOTTED_PATTERN},
    "event_property",
)
WHERE = Key(EVENT_PREDICATE, doc="Which events: a condition on their properties")
EVENT_KEYS: Mapping[str, Key] = {"where": WHERE, **WINDOW_KEYS}

OF_PROPERTY: tuple[AggregateKind, ...] = (
    "sum",
    "avg",
    "min",
    "max",
    "mode",
    "count_distinct",
    "first",
    "last",
)
OF_EVENT: tuple[AggregateKind, ...] = ("count", "first_time", "last_time")


def aggregate_of(
    kind: AggregateKind,
    of: tuple[tuple[str, ...], str | None],
    values: Values,
    node: MapNode,
    found: Findings,
) -> Aggregate:
    """The aggregate that the keys of a leaf give."""
    window = window_of(values, node, found)
    return Aggregate(
        kind=kind,
        events=of[0],
        property=of[1],
        where=values.get("where"),
        window=window,
        user_zone="timezone" in values and is_local(window),
    )


_NO_TEST = dict.fromkeys(
    (*COMPARE_OPS, *COUNT_OPS, "in", "between", "exists"),
    "a feature is a value and no test; the test stands where the feature is used",
)


def _aggregate_feature(kind: AggregateKind, extra: Mapping[str, Key]) -> Shape[Scaled]:
    of_event = kind in OF_EVENT

    def build(values: Values, node: MapNode, found: Findings) -> Scaled:
        head = (values[kind], None) if of_event else values[kind]
        aggregate = aggregate_of(kind, head, values, node, found)
        return Scaled(feature=aggregate, times=values.get("times"))

    return Record(
        what=f"`{kind}` as a feature",
        keys={
            kind: Key(EVENTS if of_event else EVENT_PROPERTY, required=True),
            **EVENT_KEYS,
            **extra,
        },
        build=build,
        apart=WINDOWS_APART,
        hints=_NO_TEST,
    )


def _aggregates(extra: Mapping[str, Key]) -> dict[str, Shape[Scaled]]:
    return {kind: _aggregate_feature(kind, extra) for kind in (*OF_PROPERTY, *OF_EVENT)}


AGGREGATE: Shape[Feature] = Named(
    "aggregate",
    lambda: Mapped(
        Headed(
            what="an aggregate",
            heads=_aggregates({}),
            example="{sum: purchase.amount}",
            name="aggregate",
        ),
        lambda scaled: scaled.feature,
    ),
)
"""What a derived field may be."""


def _plain_field(values: Values, node: MapNode, found: Findings) -> Scaled:
    return Scaled(feature=FieldFeature(field=values["field"]))


RANKED: Shape[Feature] = Named(
    "ranked_feature",
    lambda: Mapped(
        Headed(
            what="what is ranked",
            heads={
                "field": Record(
                    what="a ranked field",
                    keys={"field": Key(NAME, required=True)},
                    build=_plain_field,
                ),
                **_aggregates({}),
            },
            example="{sum: purchase.amount, within: 365d}",
            name="ranked_feature",
        ),
        lambda scaled: scaled.feature,
    ),
)
"""What users may be ranked by."""

_RIGHT_FEATURES: Shape[Operand] = Headed(
    what="a feature on the right side",
    heads={"field": RIGHT_FIELD, **_aggregates({"times": TIMES})},
    instead={"property": "`property` is known only in the `where` of an event"},
    example="{sum: purchase.amount, within: 30d}",
    name="right_side",
)
RIGHT: Shape[Operand] = Named(
    "right_side",
    lambda: literal_or(_RIGHT_FEATURES, "a value, or a feature such as {field: …} or {sum: …}"),
)
"""What a value may be compared with."""
