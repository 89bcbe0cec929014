"""Features: aggregates of a user's events, to compare, to rank by, and as derived fields."""

from collections.abc import Mapping

from segflow.loader.event_predicate import EVENT_PREDICATE, RIGHT_FIELD, TIMES
from segflow.loader.findings import Findings
from segflow.loader.heads import Headed, Named
from segflow.loader.nodes import MapNode, Scalar, shorten
from segflow.loader.operators import COMPARE_OPS, COUNT_OPS, literal_or
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, ListOf, Mapped, Misfit, Shape, Slot
from segflow.loader.slots import NAME
from segflow.loader.windows import WINDOW_KEYS, WINDOWS_APART, is_local, window_of
from segflow.model.address import is_name
from segflow.model.predicate import Aggregate, AggregateKind, Feature, FieldFeature, Operand, Scaled

# --- events and their properties -------------------------------------------------------------


def _event(node: Scalar) -> str:
    event, dot, name = node.text.partition(".")
    if dot and is_name(event) and is_name(name):
        help = f"write {event}, and test the property in `where`"
        raise Misfit(f"`{node.text}` is a property, and an event is expected", help=help)
    return NAME.parse(node)


_EVENT: Slot[str] = Slot("an event", _event, NAME.json, "name", stand_in="")
_EVENTS: Shape[tuple[str, ...]] = ByNode(
    "an event or a list of events",
    scalar=Mapped(_EVENT, lambda name: (name,)),
    items=ListOf("events", _EVENT),
    help="write the names alone, and `where`, `within` and others beside them",
    stand_in=(),
)
EVENTS: Shape[tuple[str, ...]] = Named("events", lambda: _EVENTS)


def _dotted(text: str) -> tuple[tuple[str, ...], str]:
    event, dot, name = text.partition(".")
    if dot and is_name(event) and is_name(name):
        return (event,), name
    help = None
    if is_name(text):
        help = f"write event.{text} with its event, or {text}.property with the property meant"
    summary = f"`{shorten(text)}` names no property: write event.property"
    raise Misfit(summary, help=help or "for example purchase.amount", code="NAM001")


_DOTTED_PATTERN = "^[a-z][a-z0-9_]*[.][a-z][a-z0-9_]*$"
EVENT_PROPERTY: Slot[tuple[tuple[str, ...], str]] = Slot(
    "an event and its property, such as purchase.amount",
    lambda node: _dotted(node.text),
    {"type": "string", "pattern": _DOTTED_PATTERN},
    "event_property",
    stand_in=((), ""),
)
WHERE = Key(EVENT_PREDICATE, doc="Which events: a condition on their properties")
EVENT_KEYS: Mapping[str, Key] = {"where": WHERE, **WINDOW_KEYS}

# --- aggregates ------------------------------------------------------------------------------

OF_PROPERTY: tuple[AggregateKind, ...] = (
    *("sum", "avg", "min", "max", "mode", "count_distinct", "first", "last"),
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
            stand_in=Scaled(feature=FieldFeature(field="")),
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
