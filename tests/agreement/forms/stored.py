"""Shops whose values are stored in every way but plainly: versions, lists, JSON, numbers as text.

Cells come from pools of awkward ones; whether a cell holds a value at all is for both sides to say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from segflow.model.catalog import (
    ColumnTest,
    Entity,
    Event,
    EventId,
    EventTable,
    Field,
    Location,
    Population,
    Property,
    Source,
)
from segflow.model.instant import Instant, datetime_of
from segflow.model.predicate import (
    Aggregate,
    FieldFeature,
    Predicate,
    PropertyFeature,
    Test,
)
from segflow.model.project import Project, Settings
from segflow.model.segment import Segment
from segflow.model.types import ValueType, decimal_type, parse_type
from tests.agreement.choices import Pick
from tests.agreement.data import Row, Tables, world_of
from tests.agreement.forms.features import algebra, window
from tests.agreement.forms.operators import Candidate, count_test, tested
from tests.agreement.shop import Shop, shop
from tests.strategies import Example

Form = tuple[str, str | None, tuple[str, ...]]
"""Type, encoding, and path of a field, or of a property within its column."""

FIELDS: Mapping[str, Form] = {
    "app": ("version", None, ()),
    "least": ("version", None, ()),
    "tags": ("list<string>", None, ()),
    "codes": ("list<integer>", "json", ()),
    "words": ("list<string>", "delimited", ()),
    "digits": ("list<integer>", "delimited", ()),
    "hobbies": ("list<string>", "json", ()),
    "labels": ("list<string>", "child_table", ()),
    "cents": ("decimal(6,3)", "minor_units(2)", ()),
    "price": ("decimal(18,2)", "text", ()),
    "visits": ("integer", "text", ()),
    "plan": ("string", None, ("plan", "name")),
    "level": ("integer", None, ("a b",)),
    "worth": ("decimal(18,2)", None, ("worth",)),
    "exact": ("decimal(38,0)", None, ("worth",)),
    "ratio": ("float", None, ("x", "0")),
    "vip": ("boolean", None, ("vip",)),
    "born": ("date", None, ("é",)),
    "seen": ("timestamp", None, ("at",)),
    "client": ("version", None, ("app",)),
    "langs": ("list<string>", None, ("langs",)),
    "fee": ("decimal(18,2)", "text", ("fee",)),
    "debt": ("decimal(18,2)", "minor_units(1)", ("debt",)),
}
PROPERTIES: Mapping[str, Form] = {
    "amount": ("decimal(6,3)", "minor_units(2)", ()),
    "app": ("version", None, ()),
    "codes": ("list<integer>", None, ()),
    "plan": ("string", None, ("plan", "name")),
    "qty": ("integer", None, ("qty",)),
    "text": ("decimal(18,2)", "text", ()),
    "words": ("list<string>", "delimited", ()),
}
UNNESTED = "skus"
EVENTS = ("order", "draft")
KEYS = tuple(range(12))

VERSIONS = ["1", "1.0", "1.10", "1.9", "01.9", "0", "0.0", "2", "1.2.3", "1.2.3.0", "", "v1", "1.",
            "1." + "9" * 38, "1." + "9" * 39, "00" + "9" * 38, "1.10.0.1", "-1", "1-2"]  # fmt: skip
NUMBERS = ["1", "0", "-1", "1.10", "1.1", "2.5", "1.105", "-1.105", "1.104999", "007", "1e3", "+1",
           " 1", "1.", ".5", "", "x", "9" * 16, "9" * 17, "0.005", "-0", "9223372036854775807",
           "9223372036854775808", "9999999999999999.995", "9007199254740993"]  # fmt: skip
JSON_NUMBERS = ["1", "0", "-1", "1.10", "2.5", "1.105", "1e2", "1.0", "3e0", "-0", "-0.0", "0.005",
                "9007199254740993", "9007199254740993.0", "9223372036854775807", "1e400", "1e-400",
                "9223372036854775808", "123456789012345678901234567890", "0.1", "1e16"]  # fmt: skip
TEXTS = ["a", "b", "A", "", "é", "É", "a,b", 'q"', "a\\", "1", " a", "\n", "😀", "1.10"]
MOMENTS = ["2000-02-29", "1999-02-29", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.1239+02:00",
           "2026-03-01 10:00:00", "2026-13-01", "2026-03-01T25:00:00Z", "20000229"]  # fmt: skip
MALFORMED = ["", "{", "x", "[1", '{"a" 1}']
LITERALS: Mapping[str, Sequence[str]] = {
    "string": ["a", "b", "A", "é", "1", "a,b", " a"],
    "integer": ["1", "0", "2", "9007199254740993", "9007199254740992", "9223372036854775807"],
    "decimal": ["1.10", "1", "1.11", "-1.11", "0.01", "2.50", "100"],
    "float": ["1", "2.5", "0.1", "100"],
    "version": ["1.10", "1.9", "1", "0", "1.2.3", "1." + "9" * 38],
}


def stored_examples(segments: int) -> st.SearchStrategy[Example]:
    """A shop with rows and that many segments."""
    size = 64 + ROWS + segments * SEGMENT
    return st.binary(min_size=size, max_size=size).map(stored_example)


ROWS, SEGMENT = 2400, 120


def stored_example(entropy: bytes) -> Example:
    """The example that the bytes stand for."""
    of = shop(Pick(entropy[:48]))
    of = replace(of, stored_as={}, scalars={**of.scalars, **LITERALS})
    form = Pick(entropy[48:64])
    objects = catalog(form)
    rows = tables(Pick(entropy[64 : 64 + ROWS]), of)
    starts = range(64 + ROWS, len(entropy), SEGMENT)
    segments = tuple(
        Segment(
            name=f"s{number}",
            entity="customer",
            where=predicate(Pick(entropy[start : start + SEGMENT]), of, 2),
        )
        for number, start in enumerate(starts)
    )
    whole = Project(
        settings=Settings(name="shop", timezone=of.zone),
        objects={found.address: found for found in (*objects, *segments)},
    )
    world = world_of(whole, "customer", rows, {}, {})
    return Example(shop=of, project=whole, tables=rows, world=world)


# --- the catalog -----------------------------------------------------------------------------


def catalog(pick: Pick) -> tuple[Source | Entity | Event, ...]:
    """The objects that segments rest on; orders have versions in most shops."""
    names = ("people", "labels", "orders")
    fields = tuple(_field(name, form) for name, form in FIELDS.items())
    entity = Entity(
        name="customer",
        key_type="integer",
        population=Population(source="shop", table="people", key="id"),
        fields=fields,
    )
    version_column = None if pick.chance(3) else "rev"
    return (
        Source(
            name="shop", engine="duckdb", tables=tuple((name, f"{name}.parquet") for name in names)
        ),
        entity,
        _event("order", (ColumnTest(column="kind", values=("sold", "Paid")),), version_column),
        _event("draft", (ColumnTest(column="kind", starts_with="dr_"),), version_column),
    )


def _field(name: str, form: Form) -> Field:
    type_, encoding, path = form
    table = "labels" if encoding == "child_table" else "people"
    at = Location(
        source="shop", table=table, key="id", column=f"c_{name}", path=path, encoding=encoding
    )
    return Field(name=name, type=parse_type(type_), at=(at,))


def _event(name: str, when: tuple[ColumnTest, ...], version_column: str | None) -> Event:
    at = EventTable(
        source="shop",
        table="orders",
        time="at",
        id=EventId(column="number", type="integer"),
        version=version_column,
        when=when,
    )
    properties = [
        Property(name=one, type=parse_type(type_), column=f"c_{one}", path=path, encoding=encoding)
        for one, (type_, encoding, path) in PROPERTIES.items()
    ]
    unnested = Property(
        name=UNNESTED, type=parse_type("list<string>"), column="items", unnest="of", path=("sku",)
    )
    return Event(
        name=name, entities=(("customer", "id"),), at=at, properties=(*properties, unnested)
    )


# --- rows ------------------------------------------------------------------------------------


def tables(pick: Pick, of: Shop) -> Tables:
    """Rows for the three tables."""
    people = [
        {"id": key}
        | {
            f"c_{name}": cell(pick, parse_type(form[0]), form[1], form[2])
            for name, form in FIELDS.items()
            if form[1] != "child_table"
        }
        for key in KEYS
    ]
    labels = [
        {"id": pick.one([*KEYS, 99]), "c_labels": pick.one([*TEXTS, None])} for _ in range(24)
    ]
    orders: list[Row] = []
    for number in range(pick.one([40, 30, 5])):
        made = _order(pick, of, number)
        if orders and pick.chance(3):
            made = {**made, "number": pick.one(orders)["number"]}
        if orders and pick.chance(4):  # a new version at another time
            made = {**pick.one(orders), "rev": made["rev"], "at": made["at"]}
        if orders and pick.chance(5):
            made = {**pick.one(orders), "rev": pick.below(3), pick.one(list(made)): None}
        orders.append(made)
    return {"people": people, "labels": labels, "orders": orders}


def _order(pick: Pick, of: Shop, number: int) -> Row:
    instant = pick.one([*of.past, *[Instant(of.as_of + 1), of.as_of] * 5])
    items = [{"sku": pick.one(TEXTS)} for _ in range(pick.below(4))]
    odd = [{"x": 1}, 3, {"sku": 5}, {"sku": None}, None]
    held = [*items, *pick.part(odd, 1)]
    return {
        "id": pick.one([*KEYS, *KEYS[:5], None]),
        "at": datetime_of(instant) + timedelta(microseconds=pick.one([0, 999])),
        "number": None if pick.chance(10) else number,
        "rev": pick.one([None, 0, 1, 2, 10]),
        "kind": pick.one(["sold", "Paid", "dr_a", "dr_", "draft", "paid", None]),
        "items": json.dumps({"of": pick.one([held, held, items, {"sku": "a"}, None])}),
    } | {
        f"c_{name}": cell(pick, parse_type(type_), encoding, path)
        for name, (type_, encoding, path) in PROPERTIES.items()
    }


def cell(pick: Pick, type_: ValueType, encoding: str | None, path: tuple[str, ...]) -> Any:
    """What a column holds where a value of the type is stored so, now and then something else."""
    if pick.chance(8):
        return None
    if path:
        return document(pick, type_, encoding, path)
    match encoding:
        case "json":
            return pick.one([*MALFORMED, "{}"]) if pick.chance(8) else array(pick, type_)
        case "delimited":
            return ",".join(pick.some(NUMBERS if type_.name == "integer" else TEXTS, 3))
        case "text":
            return pick.one(NUMBERS)
        case str():
            return pick.one([110, 0, -110, 999999, 1000000, 1, 250, 2**63 - 1])
        case None if type_.is_list:
            pool = [None, 1, 2, 2**53 + 1] if type_.name == "integer" else [None, *TEXTS]
            return [pick.one(pool) for _ in range(pick.below(4))]
        case _:
            return pick.one(VERSIONS)


def array(pick: Pick, type_: ValueType) -> str:
    """An array of JSON, mostly of elements of the type."""
    return f"[{', '.join(node(pick, type_.element, None) for _ in range(pick.below(4)))}]"


def document(pick: Pick, type_: ValueType, encoding: str | None, path: tuple[str, ...]) -> str:
    """A document with something at the path."""
    if pick.chance(12):
        return pick.one([*MALFORMED, "null", "[]", '"a"', "3"])
    made = array(pick, type_) if type_.is_list else node(pick, type_, encoding)
    for part in reversed(path):
        made = f'{{"other": 1, {json.dumps(part)}: {made}}}'
    return made


def node(pick: Pick, type_: ValueType, encoding: str | None) -> str:
    """A node of JSON, mostly of the type."""
    if pick.chance(6):
        return pick.one(["null", "true", "{}", "[]", '"a"', "1", '["a"]', '"1"'])
    if encoding == "text":
        return json.dumps(pick.one(NUMBERS))
    match type_.name:
        case "string":
            return json.dumps(pick.one(TEXTS), ensure_ascii=pick.chance(2))
        case "version":
            return json.dumps(pick.one(VERSIONS))
        case "boolean":
            return pick.one(["true", "false"])
        case "date" | "timestamp":
            return json.dumps(pick.one(MOMENTS))
        case _:
            return pick.one(JSON_NUMBERS)


# --- predicates ------------------------------------------------------------------------------

FIELD_FEATURES: list[Candidate] = [
    (FieldFeature(field=name), parse_type(form[0])) for name, form in FIELDS.items()
]
PROPERTY_TYPES = {
    **{name: parse_type(form[0]) for name, form in PROPERTIES.items()},
    UNNESTED: parse_type("list<string>"),
}
PROPERTY_FEATURES: list[Candidate] = [
    (PropertyFeature(property=name), type_) for name, type_ in PROPERTY_TYPES.items()
]


def predicate(pick: Pick, of: Shop, depth: int) -> Predicate:
    """A predicate about a user."""
    choice = pick.below(8)
    if choice >= 6 and depth:
        return algebra(pick, lambda: predicate(pick, of, depth - 1))
    if choice >= 3:
        return _aggregate_test(pick, of)
    feature, type_ = pick.one(FIELD_FEATURES)
    return tested(pick, of, feature, type_, FIELD_FEATURES)


def _aggregate_test(pick: Pick, of: Shop) -> Test:
    kind = pick.one(["count", "sum", "min", "max", "first", "last", "count_distinct", "avg"])
    events = pick.one([("order",), ("draft",), EVENTS])
    name = None if kind == "count" else pick.one(_aggregated(kind))
    feature = Aggregate(
        kind=kind,
        events=events,
        property=name,
        where=_where(pick, of) if pick.chance(2) else None,
        window=window(pick, of),
    )
    if kind in ("count", "count_distinct"):
        return Test(feature=feature, operators=(count_test(pick, 3),))
    type_ = PROPERTY_TYPES[name or ""]
    if kind == "avg" or (kind == "sum" and type_.name == "decimal"):
        type_ = decimal_type(38, type_.scale or 0)
    return tested(pick, of, feature, type_, FIELD_FEATURES)


def _aggregated(kind: str) -> list[str]:
    return [
        name
        for name, type_ in PROPERTY_TYPES.items()
        if kind in ("first", "last", "count_distinct")
        or not type_.is_list
        and (kind in ("min", "max") or type_.name in ("integer", "decimal"))
    ]


def _where(pick: Pick, of: Shop) -> Predicate:
    feature, type_ = pick.one(FIELD_FEATURES if pick.chance(5) else PROPERTY_FEATURES)
    return tested(pick, of, feature, type_, [*PROPERTY_FEATURES, *FIELD_FEATURES])
