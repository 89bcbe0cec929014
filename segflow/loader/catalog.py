"""Reads the catalog: sources, entities, events and relations."""

from dataclasses import replace

from segflow.loader.events import AGGREGATE
from segflow.loader.findings import Findings
from segflow.loader.nodes import MapNode
from segflow.loader.predicate import PREDICATE
from segflow.loader.secrets import SECRET_OR_TEXT
from segflow.loader.shapes import ByNode, Key, ListOf, MapOf, Mapped, Record, Shape, Values
from segflow.loader.slots import (
    BOOLEAN,
    DURATION,
    ENCODING,
    HOURS,
    NAME,
    TEXT,
    TYPE,
    ZONE,
    choice,
    integer,
)
from segflow.model.catalog import (
    ColumnTest,
    Entity,
    Event,
    EventId,
    EventTable,
    Field,
    History,
    Limits,
    Location,
    Population,
    Property,
    Relation,
    Replica,
    Source,
    Stream,
)

# --- sources ---------------------------------------------------------------------------------

ENGINES = ("duckdb", "sqlite", "postgres", "mysql", "clickhouse", "spark", "elasticsearch")

REPLICA = Record(
    what="a replica",
    keys={
        "url": Key(SECRET_OR_TEXT, required=True),
        "max_lag": Key(DURATION, doc="How far it may be behind"),
        "fallback": Key(choice("refuse", "primary"), doc="What to do when it is further behind"),
    },
    build=lambda values, node, found: Replica(
        url=values["url"],
        max_lag=values.get("max_lag"),
        fallback=values.get("fallback", "refuse"),
    ),
)
LIMITS = Record(
    what="limits",
    keys={
        "concurrency": Key(integer(least=1), doc="Queries at a time"),
        "timeout": Key(DURATION, doc="Of one query"),
        "rows": Key(integer(least=1), doc="Rows that one query may give"),
        "windows": Key(ListOf("hours", HOURS), doc="Local hours in which it may be read"),
    },
    build=lambda values, node, found: Limits(
        concurrency=values.get("concurrency"),
        timeout=values.get("timeout"),
        rows=values.get("rows"),
        windows=values.get("windows", ()),
    ),
)


def _source(values: Values, node: MapNode, found: Findings) -> Source | None:
    if "tables" in values and values["engine"] != "duckdb":
        help = "only duckdb reads files as tables; write `url`"
        found.error("VAL008", "`tables` belongs to duckdb", node.entries["tables"][0], help=help)
        return None
    return Source(
        name=values["source"],
        engine=values["engine"],
        url=values.get("url"),
        tables=values.get("tables", ()),
        replica=values.get("replica"),
        limits=values.get("limits"),
    )


SOURCE: Shape[Source] = Record(
    what="a source",
    keys={
        "source": Key(NAME, required=True, doc="The name"),
        "engine": Key(choice(*ENGINES), required=True),
        "url": Key(SECRET_OR_TEXT, doc="Where it is; for duckdb a database file"),
        "tables": Key(MapOf("tables and their files", TEXT, TEXT), doc="duckdb: Parquet files"),
        "replica": Key(REPLICA, doc="A copy that is read instead"),
        "limits": Key(LIMITS, doc="How hard it may be read"),
    },
    build=_source,
    one_of=(("url", "tables"),),
)

# --- entities --------------------------------------------------------------------------------

_PATH: Shape[tuple[str, ...]] = ByNode(
    "a path such as [properties, plan]",
    scalar=Mapped(TEXT, lambda part: (part,)),
    items=ListOf("path parts", TEXT),
)


def _location(values: Values, node: MapNode, found: Findings) -> Location | None:
    needed = ("key", "column") if "table" in values else ("path",)
    for key in needed:
        if key not in values:
            kind = "table" if "table" in values else "index"
            at = node.entries[kind][0]
            found.error("KEY002", f"a location in a {kind} needs the key `{key}`", at)
    return Location(
        source=values["source"],
        table=values.get("table"),
        index=values.get("index"),
        key=values.get("key"),
        column=values.get("column"),
        path=values.get("path", ()),
        encoding=values.get("encoding"),
    )


LOCATION: Shape[Location] = Record(
    what="a location",
    keys={
        "source": Key(NAME, required=True),
        "table": Key(TEXT),
        "index": Key(TEXT, doc="elasticsearch"),
        "key": Key(TEXT, doc="The column with the entity's key"),
        "column": Key(TEXT),
        "path": Key(_PATH, doc="The way into JSON, or the field of an index"),
        "encoding": Key(ENCODING, doc="How a list or a number is stored"),
    },
    build=_location,
    one_of=(("table", "index"),),
    example="{source: warehouse, table: customers, key: customer_id, column: country}",
)
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
    example="{source: warehouse, table: customers, key: customer_id}",
)
KEY: Shape[Values] = Record(
    what="a key",
    keys={
        "type": Key(choice("integer", "string"), required=True),
        "ordinals": Key(choice("direct", "dictionary"), doc="How ids become bits"),
    },
    build=lambda values, node, found: values,
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
)


def _entity(values: Values, node: MapNode, found: Findings) -> Entity:
    key, timezone = values["key"], values.get("timezone", {})
    natural = "direct" if key["type"] == "integer" else "dictionary"
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
        "fields": Key(Mapped(MapOf("fields", NAME, FIELD), _named_fields)),
    },
    build=_entity,
)

# --- events ----------------------------------------------------------------------------------

EVENT_ID = Record(
    what="an id",
    keys={"column": Key(TEXT, required=True), "type": Key(choice("integer", "string"))},
    build=lambda values, node, found: EventId(**values),
    example="{column: purchase_id, type: integer}",
)
COLUMN_TEST: Shape[Values] = ByNode(
    "a value, a list of values or {starts_with: …}",
    scalar=Mapped(TEXT, lambda value: {"values": (value,)}),
    items=Mapped(ListOf("values", TEXT), lambda values: {"values": values}),
    mapping=Record(
        what="a condition on a column",
        keys={"starts_with": Key(TEXT, required=True)},
        build=lambda values, node, found: values,
    ),
)


def _column_tests(pairs: tuple[tuple[str, Values], ...]) -> tuple[ColumnTest, ...]:
    return tuple(ColumnTest(column=column, **test) for column, test in pairs)


EVENT_TABLE: Shape[EventTable] = Record(
    what="a table of events",
    keys={
        "source": Key(NAME, required=True),
        "table": Key(TEXT, required=True),
        "time": Key(TEXT, required=True, doc="The column with the event's instant"),
        "id": Key(EVENT_ID, doc="What identifies an event; of one id the last version counts"),
        "unique": Key(BOOLEAN, doc="A promise that no id repeats"),
        "version": Key(TEXT, doc="The column by which a later row replaces an earlier one"),
        "arrived": Key(TEXT, doc="The column with the instant at which the row came"),
        "lateness": Key(DURATION, doc="How late a row may come"),
        "when": Key(
            Mapped(MapOf("columns and their values", TEXT, COLUMN_TEST), _column_tests),
            doc="Which rows of the table are this event",
        ),
    },
    build=lambda values, node, found: EventTable(**values),
)


def _property(values: Values, node: MapNode, found: Findings) -> Property:
    return Property(name="", **values)


PROPERTY: Shape[Property] = Record(
    what="a property",
    keys={
        "type": Key(TYPE, required=True),
        "column": Key(TEXT, doc="Its column"),
        "path": Key(_PATH, doc="The way into a column of JSON"),
        "unnest": Key(TEXT, doc="The list whose elements are the values"),
        "encoding": Key(ENCODING),
    },
    build=_property,
    some_of=(("column", "path", "unnest"),),
    example="{type: integer, column: amount}",
)


def _named_properties(pairs: tuple[tuple[str, Property], ...]) -> tuple[Property, ...]:
    return tuple(replace(prop, name=name) for name, prop in pairs)


STREAM = Record(
    what="a stream",
    keys={
        "topic": Key(TEXT, required=True),
        "format": Key(choice("canal", "debezium", "track"), required=True),
    },
    build=lambda values, node, found: Stream(**values),
)


def _event(values: Values, node: MapNode, found: Findings) -> Event:
    return Event(
        name=values["event"],
        entities=values["entities"],
        at=values["at"],
        properties=values.get("properties", ()),
        stream=values.get("stream"),
    )


EVENT: Shape[Event] = Record(
    what="an event",
    keys={
        "event": Key(NAME, required=True, doc="The name"),
        "entities": Key(
            MapOf("entities and the columns of their keys", NAME, TEXT),
            required=True,
            doc="Who does it: entity and column",
        ),
        "at": Key(EVENT_TABLE, required=True, doc="Where its rows are"),
        "properties": Key(Mapped(MapOf("properties", NAME, PROPERTY), _named_properties)),
        "stream": Key(STREAM, doc="The topic that carries it live"),
    },
    build=_event,
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
            ),
            required=True,
            doc="The many: the entity, and the column that refers to the one",
        ),
        "to": Key(
            Record(
                what="to",
                keys={"entity": Key(NAME, required=True)},
                build=lambda values, node, found: values,
            ),
            required=True,
            doc="The one",
        ),
    },
    build=_relation,
)
