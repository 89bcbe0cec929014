"""What the catalog says of tables and columns, claim by claim, each with its place in the YAML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from segflow.compiler.storage import (
    places_of_event,
    places_of_field,
    storage_of_field,
    storage_of_property,
)
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, EventTable, Field, History, Location, Relation
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)
from segflow.model.keys import value_type
from segflow.model.project import KeyPath
from segflow.model.types import BOOLEAN, STRING, TIMESTAMP, ValueType

Contents = ValueType | Literal["json", "order"] | None
"""What a column holds: values of a type, JSON, what tells newer rows from older, or anything."""


class Items(NamedTuple):
    """Items that are unnested: the path of them, where in each a value of a type lies (the item
    itself where that is empty); both with dots, as in documents."""

    path: str
    inner: str
    type: ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The catalog's word, at `address` and `path`, that a table of a source has a column, and what
    it holds; that the table is there, where `column` is None. `items` is said of a column that is
    unnested. A row counts only where each column that is `needed` has a value."""

    address: Address
    path: KeyPath
    source: str
    table: str
    column: str | None = None
    holds: Contents = None
    items: Items | None = None
    needed: bool = False


def claims(thing: object, entities: Mapping[str, Entity]) -> Iterator[Claim]:
    """What an object of the catalog says of tables and columns, tables before their columns."""
    match thing:
        case Entity():
            yield from _of_entity(thing)
        case Event():
            yield from _of_event(thing, entities)
        case Relation():
            yield _of_relation(thing, entities)
        case ConsentTopic() | Suppression() | ContactAddress():
            yield from _of_contact(thing, entities)
        case _:
            return


def _of_entity(entity: Entity) -> Iterator[Claim]:
    population, address = entity.population, entity.address

    def claim(key: str, column: str | None, holds: Contents = None) -> Claim:
        return Claim(
            holds=holds,
            needed=key == "key",
            address=address,
            path=("population", key),
            source=population.source,
            table=population.table,
            column=column,
        )

    yield claim("table", None)
    yield claim("key", population.key, value_type(entity.key_type))
    if population.since is not None:
        yield claim("since", population.since, TIMESTAMP)
    for field in entity.fields:
        yield from _of_field(entity, field)


def _of_field(entity: Entity, field: Field) -> Iterator[Claim]:
    if field.history is not None:
        yield from _of_history(entity, field, field.history)
    for location, path in places_of_field(field):
        storage = storage_of_field(field, location)
        in_index = location.index is not None
        table, key_column = entity.population.rows_of(location)
        columns: tuple[tuple[str, str | None, Contents], ...] = (
            ("index" if in_index else "table", None, None),
            ("key", key_column, value_type(entity.key_type)),
            ("path" if in_index else "column", storage.column, storage.column_type or "json"),
        )
        for key, column, holds in columns:
            yield Claim(
                holds=holds,
                needed=key == "key",
                address=entity.address,
                path=(*path, key),
                source=location.source,
                table=table,
                column=column,
            )


def _of_history(entity: Entity, field: Field, history: History) -> Iterator[Claim]:
    columns = (
        ("table", None, None),
        ("key", history.key, value_type(entity.key_type)),
        ("time", history.time, TIMESTAMP),
        ("column", history.column, field.type),
    )
    for key, column, type_ in columns:
        yield Claim(
            holds=type_,
            needed=key in ("key", "time"),
            address=entity.address,
            path=("fields", field.name, "history", key),
            source=history.source,
            table=history.table,
            column=column,
        )


def _of_relation(relation: Relation, entities: Mapping[str, Entity]) -> Claim:
    population = entities[relation.from_entity].population
    return Claim(
        holds=value_type(entities[relation.to_entity].key_type),
        address=relation.address,
        path=("from", "column"),
        source=population.source,
        table=population.table,
        column=relation.from_column,
    )


def _of_event(event: Event, entities: Mapping[str, Entity]) -> Iterator[Claim]:
    items = dict(_unnested(event))
    for at, way in places_of_event(event):
        for path, column, holds in _columns_of_event(event, at, entities):
            yield Claim(
                holds=holds,
                items=items.get(path),
                needed=path[0] == "entities" or path[1] in ("time", "id"),
                address=event.address,
                path=(*way, *path[1:]) if path[0] == "at" else path,
                source=at.source,
                table=at.table,
                column=column,
            )


def _unnested(event: Event) -> Iterator[tuple[KeyPath, Items]]:
    for declared in event.properties:
        storage = storage_of_property(declared)
        if storage.items is not None:
            key = "column" if declared.column else "unnest"
            path = ".".join((storage.column, *storage.path))
            yield (
                ("properties", declared.name, key),
                Items(path, ".".join(storage.items), storage.type),
            )


def _columns_of_event(
    event: Event, at: EventTable, entities: Mapping[str, Entity]
) -> Iterator[tuple[KeyPath, str | None, Contents]]:
    yield ("at", "table"), None, None
    yield ("at", "time"), at.time, TIMESTAMP
    if at.id is not None:
        yield ("at", "id", "column"), at.id.column, value_type(at.id.type)
    if at.version is not None:
        yield ("at", "version"), at.version, "order"
    if at.arrived is not None:
        yield ("at", "arrived"), at.arrived, TIMESTAMP
    for test in at.when:
        yield ("at", "when", test.column), test.column, None
    for entity, column in event.entities:
        yield ("entities", entity), column, value_type(entities[entity].key_type)
    for declared in event.properties:
        storage = storage_of_property(declared)
        key = "column" if declared.column else "unnest" if declared.unnest else "path"
        yield ("properties", declared.name, key), storage.column, storage.column_type or "json"


def _of_contact(
    thing: ConsentTopic | Suppression | ContactAddress, entities: Mapping[str, Entity]
) -> Iterator[Claim]:
    at = thing.at
    if at is None:
        return
    key_type = entities[thing.entity].key_type
    columns = (("key", at.key, value_type(key_type)), *_columns_of_contact(at))
    known = [one for one in columns if one[1] is not None]
    for key, column, holds in (("table", None, None), *known):
        yield Claim(
            holds=holds,
            needed=key == "key",
            address=thing.address,
            path=("at", key),
            source=at.source,
            table=at.table or "",
            column=column,
        )


def _columns_of_contact(
    at: ConsentTable | SuppressionTable | Location,
) -> Iterator[tuple[str, str | None, Contents]]:
    match at:
        case ConsentTable():
            yield "granted", at.granted, BOOLEAN
            yield "topic", at.topic, STRING
            yield "time", at.time, TIMESTAMP
        case SuppressionTable():
            yield "address", at.address, STRING
            yield "channel", at.channel, STRING
            yield "reason", at.reason, STRING
            yield "time", at.time, TIMESTAMP
        case Location():
            storage = storage_of_field(Field(name="", type=STRING), at)
            yield "column", storage.column, storage.column_type or "json"
