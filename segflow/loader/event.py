"""Reads events: where their rows are, and their properties."""

from dataclasses import replace

from segflow.loader.findings import Findings
from segflow.loader.nodes import MapNode
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, ListOf, MapOf, Mapped, Shape
from segflow.loader.slots import BOOLEAN, ENCODING, JSON_PATH, NAME, TEXT, TYPE, choice
from segflow.loader.times import DURATION
from segflow.model.catalog import ColumnTest, Event, EventId, EventTable, Property, Stream
from segflow.model.types import UNREAD

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
    stand_in=EventTable(source="", table="", time=""),
    example="{source: warehouse, table: purchases, time: purchased_at}",
)

EVENT_TABLES: Shape[tuple[EventTable, ...]] = ByNode(
    "a table of events or a list of them",
    mapping=Mapped(EVENT_TABLE, lambda table: (table,)),
    items=ListOf("tables of events", EVENT_TABLE),
    stand_in=(EventTable(source="", table="", time=""),),
)


def _property(values: Values, node: MapNode, found: Findings) -> Property:
    return Property(name="", **values)


PROPERTY: Shape[Property] = Record(
    what="a property",
    keys={
        "type": Key(TYPE, required=True),
        "column": Key(TEXT, doc="Its column"),
        "path": Key(JSON_PATH, doc="The way into a column of JSON"),
        "unnest": Key(TEXT, doc="The list whose elements are the values"),
        "encoding": Key(ENCODING),
    },
    build=_property,
    some_of=(("column", "path", "unnest"),),
    example="{type: integer, column: amount}",
    stand_in=Property(name="", type=UNREAD),
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
    at, *copies = values["at"]
    return Event(
        name=values["event"],
        entities=values["entities"],
        at=at,
        properties=values.get("properties", ()),
        stream=values.get("stream"),
        copies=tuple(copies),
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
        "at": Key(EVENT_TABLES, required=True, doc="Where its rows are; one place is read"),
        "properties": Key(
            Mapped(MapOf("properties", NAME, PROPERTY), _named_properties), names=True
        ),
        "stream": Key(STREAM, doc="The topic that carries it live"),
    },
    build=_event,
    hints={"fields": "write `properties`"},
)
