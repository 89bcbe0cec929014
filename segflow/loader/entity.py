"""Reads entities with their fields, and relations between entities."""

from dataclasses import replace

from segflow.loader.features import AGGREGATE
from segflow.loader.findings import Findings
from segflow.loader.heads import IfKey
from segflow.loader.nodes import MapNode
from segflow.loader.predicate import PREDICATE
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, ListOf, MapOf, Mapped, Shape
from segflow.loader.slots import BOOLEAN, ENCODING, JSON_PATH, NAME, TEXT, TYPE, choice
from segflow.loader.times import ZONE
from segflow.model.catalog import Entity, Field, History, Location, Population, Relation
from segflow.model.types import UNREAD

_NOWHERE = Location(source="")
IN_TABLE: Shape[Location] = Record(
    what="a location in a table",
    keys={
        "source": Key(NAME, required=True),
        "table": Key(TEXT, required=True),
        "key": Key(TEXT, required=True, doc="The column with the entity's key"),
        "column": Key(TEXT, required=True),
        "path": Key(JSON_PATH, doc="The way into a column of JSON"),
        "encoding": Key(ENCODING, doc="How a list or a number is stored"),
    },
    build=lambda values, node, found: Location(**values),
    example="{source: warehouse, table: customers, key: customer_id, column: country}",
    stand_in=_NOWHERE,
)
_IN_INDEX: Shape[Location] = Record(
    what="a location in an index",
    keys={
        "source": Key(NAME, required=True),
        "index": Key(TEXT, required=True),
        "path": Key(JSON_PATH, required=True, doc="The field of the index"),
        "key": Key(TEXT, doc="The field with the entity's key; else as in the population"),
        "encoding": Key(ENCODING),
    },
    build=lambda values, node, found: Location(**values),
    hints={
        "table": "a location is in a table or in an index",
        "column": "in an index write `path`",
    },
    example="{source: search, index: customers, path: country}",
)
LOCATION: Shape[Location] = IfKey("index", then=_IN_INDEX, otherwise=IN_TABLE)
LOCATIONS: Shape[tuple[Location, ...]] = ByNode(
    "a location or a list of locations",
    mapping=Mapped(LOCATION, lambda location: (location,)),
    items=ListOf("locations", LOCATION),
)
HISTORY = Record(
    what="a history",
    keys={key: Key(TEXT, required=True) for key in ("table", "key", "time", "column")}
    | {"source": Key(NAME, required=True)},
    build=lambda values, node, found: History(**values),
)


def _field(values: Values, node: MapNode, found: Findings) -> Field:
    return Field(
        name="",
        type=values["type"],
        at=values.get("at", ()),
        derived=values.get("is"),
        history=values.get("history"),
        pii=values.get("pii", False),
    )


FIELD: Shape[Field] = Record(
    what="a field",
    keys={
        "type": Key(TYPE, required=True),
        "at": Key(LOCATIONS, doc="Where its values are; the cheapest place is read"),
        "is": Key(AGGREGATE, doc="A derived field: a feature with a name"),
        "history": Key(HISTORY, doc="Where its changes are"),
        "pii": Key(BOOLEAN, doc="Personal data"),
    },
    build=_field,
    one_of=(("at", "is"),),
    apart=(("is", "history"),),
    stand_in=Field(name="", type=UNREAD),
    example="{type: string, at: {source: warehouse, table: customers, key: id, column: country}}",
)


def _named_fields(pairs: tuple[tuple[str, Field], ...]) -> tuple[Field, ...]:
    return tuple(replace(field, name=name) for name, field in pairs)


def _population(values: Values, node: MapNode, found: Findings) -> Population:
    return Population(**values)


POPULATION: Shape[Population] = Record(
    what="a population",
    keys={
        "source": Key(NAME, required=True),
        "table": Key(TEXT, required=True),
        "key": Key(TEXT, required=True, doc="The column with the key"),
        "since": Key(TEXT, doc="The column that says from when on the user exists"),
        "where": Key(PREDICATE, doc="Who of the table belongs to it"),
    },
    build=_population,
    stand_in=Population(source="", table="", key=""),
    example="{source: warehouse, table: customers, key: customer_id}",
)


def _key(values: Values, node: MapNode, found: Findings) -> Values:
    if values["type"] == "string" and values.get("ordinals") == "direct":
        help = "leave it out, or write `ordinals: dictionary`"
        at = node.entries["ordinals"][1]
        found.error("VAL008", "a key that is a string is no ordinal itself", at, help=help)
    return values


KEY: Shape[Values] = Record(
    what="a key",
    keys={
        "type": Key(choice("integer", "string"), required=True),
        "ordinals": Key(choice("direct", "dictionary"), doc="How ids become bits"),
    },
    build=_key,
    stand_in={"type": ""},
    example="{type: integer}",
)
TIMEZONE: Shape[Values] = Record(
    what="a timezone",
    keys={
        "field": Key(NAME, doc="The field with each user's zone"),
        "default": Key(ZONE, doc="For users without a valid one"),
    },
    build=lambda values, node, found: values,
    some_of=(("field", "default"),),
    example="{field: timezone, default: Europe/Berlin}",
)


def _entity(values: Values, node: MapNode, found: Findings) -> Entity:
    key, timezone = values["key"], values.get("timezone", {})
    natural = "dictionary" if key["type"] == "string" else "direct"
    return Entity(
        name=values["entity"],
        key_type=key["type"],
        ordinals=key.get("ordinals", natural),
        population=values["population"],
        timezone_field=timezone.get("field"),
        timezone_default=timezone.get("default"),
        fields=values.get("fields", ()),
    )


ENTITY: Shape[Entity] = Record(
    what="an entity",
    keys={
        "entity": Key(NAME, required=True, doc="The name"),
        "key": Key(KEY, required=True),
        "population": Key(POPULATION, required=True, doc="Who exists"),
        "timezone": Key(TIMEZONE),
        "fields": Key(Mapped(MapOf("fields", NAME, FIELD), _named_fields), names=True),
    },
    build=_entity,
    hints={"properties": "write `fields`"},
)


# --- relations -------------------------------------------------------------------------------


def _relation(values: Values, node: MapNode, found: Findings) -> Relation:
    return Relation(
        name=values["relation"],
        from_entity=values["from"]["entity"],
        from_column=values["from"]["column"],
        to_entity=values["to"]["entity"],
    )


RELATION: Shape[Relation] = Record(
    what="a relation",
    keys={
        "relation": Key(NAME, required=True, doc="The name"),
        "from": Key(
            Record(
                what="from",
                keys={"entity": Key(NAME, required=True), "column": Key(TEXT, required=True)},
                build=lambda values, node, found: values,
                stand_in={"entity": "", "column": ""},
            ),
            required=True,
            doc="The many: the entity, and the column that refers to the one",
        ),
        "to": Key(
            Record(
                what="to",
                keys={"entity": Key(NAME, required=True)},
                build=lambda values, node, found: values,
                stand_in={"entity": ""},
            ),
            required=True,
            doc="The one",
        ),
    },
    build=_relation,
)
