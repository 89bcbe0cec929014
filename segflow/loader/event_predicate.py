"""Predicates over one event: boolean algebra over tests of its properties and the user's fields."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from segflow.loader.findings import Findings
from segflow.loader.heads import Headed, Named
from segflow.loader.nodes import MapNode, Scalar, shorten
from segflow.loader.operators import (
    INSTANT_HINTS,
    STORED_INSTANT_KEYS,
    VALUE_HINTS,
    literal_or,
    operators_of,
    value_keys,
)
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ListOf, Misfit, Shape, Slot
from segflow.loader.slots import BOOLEAN, NAME, decimal
from segflow.loader.windows import USER_ZONE
from segflow.model.address import is_name
from segflow.model.predicate import (
    All,
    AnyOf,
    Everyone,
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


def _stored(head: str) -> Slot[str]:
    """The name of a field or property."""

    def parse(node: Scalar) -> str:
        event, dot, name = node.text.partition(".")
        if not (dot and is_name(event) and is_name(name)):
            return NAME.parse(node)
        help = f"write {name}, of the event that is chosen"
        if head == "field":
            help = f"take one value of the events, for example {{sum: {node.text}, gte: 100}}"
        summary = f"`{shorten(node.text)}` is a property of an event, and a {head} is expected"
        raise Misfit(summary, help=help, code="NAM001")

    return replace(NAME, parse=parse)


def value_test(
    head: str,
    feature: Callable[[str], Feature],
    right: Shape[Operand],
    hints: Mapping[str, str] = MappingProxyType({}),
) -> Shape[Predicate]:
    """A leaf on a field or property: its name and operators, all of which must hold. `hints` are
    fixes beside those of all such leaves."""
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
            head: Key(_stored(head), required=True),
            **operators,
            "ignore_case": Key(BOOLEAN, doc="ASCII letters only"),
            "timezone": USER_ZONE,
        },
        build=build,
        some_of=(tuple(operators),),
        hints={**VALUE_HINTS, **INSTANT_HINTS, **hints},
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

_OF_USERS = (
    *("did", "did_not", "sum", "avg", "min", "max", "mode", "count", "count_distinct"),
    *("first", "last", "first_time", "last_time", "sequence", "same", "rank"),
    *("segment", "in_file", "sample", "sql"),
)

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
        plain="to test a property write {{property: {}, …}}",
        stand_in=Everyone(),
        instead={
            head: "an event's `where` tests its properties and the user's fields only; "
            "put this beside the event with all: […]"
            for head in _OF_USERS
        },
    ),
)
