"""Rows of a project's tables in both shapes: Parquet for engines, a world for the reference.

A row is a mapping of columns to plain values: int, str, Decimal, float, bool, date, aware datetime.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from segflow.compiler.cells import cell_value
from segflow.compiler.storage import Storage, storage_of_field, storage_of_property
from segflow.compiler.targets.lookup import version_of
from segflow.compiler.worlds import ConsentRow, EventRow, Logs, SuppressionRow, User, World
from segflow.model.catalog import ColumnTest, Entity, Event, Field, History, Location, Relation
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)
from segflow.model.keys import Key
from segflow.model.project import Project
from segflow.model.types import BOOLEAN, INTEGER, STRING, TIMESTAMP, ValueType

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

KEY = ValueType(name="integer", precision=64)
"""Stands for keys that are integers, which may be as large as 64 bits without a sign hold."""

_TIMES = {
    "us": pa.timestamp("us"),
    "us utc": pa.timestamp("us", tz="UTC"),
    "ms": pa.timestamp("ms"),
    "ns": pa.timestamp("ns"),
    "date": pa.date32(),  # midnights in UTC only
}
TIME_TYPES = ("us", "us utc", "ms", "ns")
"""The ways in which a table may hold any instants."""


def columns(project: Project) -> Mapping[str, Mapping[str, ValueType]]:
    """The columns that the catalog speaks of, by table, with the types that it says or implies."""
    found: dict[str, dict[str, ValueType]] = defaultdict(dict)
    keys = {one.name: _type_of_keys(one) for one in project if isinstance(one, Entity)}
    for declared in project:
        match declared:
            case Entity():
                for table, column, type_ in _columns_of_entity(declared, keys[declared.name]):
                    found[table][column] = type_
            case Relation():
                leads = project.entity(declared.from_entity)
                assert leads is not None
                found[leads.population.table][declared.from_column] = keys[declared.to_entity]
            case Event():
                for column, type_ in _columns_of_event(declared, keys):
                    found[declared.at.table].setdefault(column, type_)
            case ConsentTopic(at=at) | Suppression(at=at) | ContactAddress(at=at) if at is not None:
                for column, type_ in _columns_of_contact(at, keys[declared.entity]):
                    found[at.table or ""].setdefault(column, type_)
            case _:
                pass
    return found


def _columns_of_entity(entity: Entity, key: ValueType) -> Iterator[tuple[str, str, ValueType]]:
    population = entity.population
    yield population.table, population.key, key
    if population.since is not None:
        yield population.table, population.since, TIMESTAMP
    for field in entity.fields:
        if (history := field.history) is not None:
            yield history.table, history.key, key
            yield history.table, history.time, TIMESTAMP
            yield history.table, history.column, field.type
        for at in field.at:
            storage = storage_of_field(field, at)
            yield at.table or "", at.key or "", key
            yield at.table or "", storage.column, storage.column_type or STRING


def _columns_of_contact(
    at: ConsentTable | SuppressionTable | Location, key: ValueType
) -> Iterator[tuple[str, ValueType]]:
    types = {"key": key, "granted": BOOLEAN, "time": TIMESTAMP}
    for name in (*types, "topic", "address", "channel", "reason", "column"):
        column = getattr(at, name, None)
        if column is not None:
            yield column, types.get(name, STRING)


def _type_of_keys(entity: Entity) -> ValueType:
    return STRING if entity.key_type == "string" else KEY


def _columns_of_event(
    event: Event, keys: Mapping[str, ValueType]
) -> Iterator[tuple[str, ValueType]]:
    """What is said outright comes first; what is implied may be said of another event, too."""
    at = event.at
    yield from ((column, keys[entity]) for entity, column in event.entities)
    yield at.time, TIMESTAMP
    if at.id is not None:
        yield at.id.column, INTEGER if at.id.type == "integer" else STRING
    for storage in map(storage_of_property, event.properties):
        yield storage.column, storage.column_type or STRING
    if at.version is not None:
        yield at.version, INTEGER
    if at.arrived is not None:
        yield at.arrived, TIMESTAMP
    yield from ((test.column, STRING) for test in at.when)


def well_formed(project: Project, tables: Tables) -> Tables:
    """The rows with nothing in place of text that is no JSON, where JSON is read."""
    documents = {storage.column for storage in _storages(project) if storage.in_json}

    def is_wrong(column: str, cell: Any) -> bool:
        return column in documents and isinstance(cell, str) and not _is_json(cell)

    return {
        table: [
            {column: None if is_wrong(column, cell) else cell for column, cell in row.items()}
            for row in rows
        ]
        for table, rows in tables.items()
    }


def _storages(project: Project) -> Iterator[Storage]:
    for declared in project:
        if isinstance(declared, Entity):
            yield from (storage_of_field(one, at) for one in declared.fields for at in one.at)
        elif isinstance(declared, Event):
            yield from map(storage_of_property, declared.properties)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def write_parquet(
    folder: Path, project: Project, tables: Tables, stored_as: Mapping[str, str]
) -> None:
    """Write the tables to the files that the project's sources name, below the folder. `stored_as`
    says per table in which type its instants are ("date" holds midnights in UTC only), or "double"
    where its decimals are doubles."""
    types = columns(project)
    for source in (found for found in project if found.address.kind == "source"):
        for name, path in source.tables:  # type: ignore[union-attr]
            unit = stored_as.get(name, "us")
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(arrow_table(types[name], tables.get(name, ()), unit), file)


def arrow_table(types: Mapping[str, ValueType], rows: Sequence[Row], unit: str) -> pa.Table:
    """The rows as an Arrow table with all the columns, missing ones null."""
    arrays = {
        column: pa.array(
            [_stored(row.get(column), unit) for row in rows],
            type=_arrow_type(_as_given(type_, [row.get(column) for row in rows]), unit),
        )
        for column, type_ in types.items()
    }
    return pa.table(arrays)


def _as_given(type_: ValueType, values: Sequence[Any]) -> ValueType:
    """The type, or that of instants: what orders the versions of a row may be either."""
    return TIMESTAMP if any(isinstance(value, datetime) for value in values) else type_


def _arrow_type(type_: ValueType, unit: str) -> pa.DataType:
    if type_.is_list:
        return pa.list_(_arrow_type(type_.element, unit))
    match type_.name:
        case "decimal":
            if unit == "double":
                return pa.float64()
            return pa.decimal128(type_.precision, type_.scale)
        case "timestamp":
            return _TIMES.get(unit, _TIMES["us"])
        case name:
            return {
                "string": pa.string(),
                "version": pa.string(),
                "integer": pa.uint64() if type_ == KEY else pa.int64(),
                "float": pa.float64(),
                "boolean": pa.bool_(),
                "date": pa.date32(),
            }[name]


def _stored(value: Any, unit: str) -> Any:
    if isinstance(value, Decimal) and unit == "double":
        return float(value)
    if not isinstance(value, datetime):
        return value
    if unit == "date":
        return value.astimezone(UTC).date()
    if unit == "ms":
        value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value if unit == "us utc" else value.astimezone(UTC).replace(tzinfo=None)


def world_of(
    project: Project,
    entity_name: str,
    tables: Tables,
    snapshots: Mapping[str, frozenset[Key]],
    logs: Logs,
) -> World:
    """The rows as the reference sees them: instants are floored to milliseconds."""
    events = [found for found in project if isinstance(found, Event)]
    entities = [found for found in project if isinstance(found, Entity)]
    worlds = {
        one.name: World(
            users=tuple(_users(one, project, tables)),
            events=tuple(
                row
                for event in events
                if one.name in dict(event.entities)
                for row in _event_rows(event, one.name, tables)
            ),
            snapshots=snapshots,
            logs=logs,
        )
        for one in entities
    }
    return replace(worlds[entity_name], others=worlds)


def _users(entity: Entity, project: Project, tables: Tables) -> Sequence[User]:
    at = entity.population
    stored = [(field, place) for field in entity.fields for place in field.at]
    contacts = [one for one in project if isinstance(one, ContactAddress)]
    stored += [
        (Field(name=one.text_field, type=STRING), one.at)
        for one in contacts
        if one.entity == entity.name and one.at is not None
    ]
    fields = {field.name: _values(field, place, tables) for field, place in stored}
    return [
        User(
            key=row[at.key],
            related={
                one.name: row.get(one.from_column)
                for one in project
                if isinstance(one, Relation) and one.from_entity == entity.name
            },
            since=None if at.since is None else floored(row.get(at.since)),
            fields={name: values.get(row[at.key]) for name, values in fields.items()},
            history={
                field.name: _history(field.history, field.type, row[at.key], tables)
                for field in entity.fields
                if field.history is not None
            },
            consents={
                one.name: _consents(one, row[at.key], tables)
                for one in project
                if isinstance(one, ConsentTopic) and one.entity == entity.name
            },
            suppressions={
                one.name: _suppressions(one, row[at.key], tables)
                for one in project.suppressions(entity.name)
            },
        )
        for row in tables.get(at.table, ())
        if row.get(at.key) is not None
    ]


def _consents(topic: ConsentTopic, key: Key, tables: Tables) -> tuple[ConsentRow, ...]:
    at = topic.at
    assert at is not None
    return tuple(
        ConsentRow(floored(row.get(at.time or "")), row.get(at.granted))
        for row in tables.get(at.table, ())
        if row.get(at.key) == key and (at.topic is None or row.get(at.topic) == topic.name)
    )


def _suppressions(one: Suppression, key: Key, tables: Tables) -> tuple[SuppressionRow, ...]:
    at = one.at
    assert at is not None
    return tuple(
        SuppressionRow(
            time=floored(row.get(at.time or "")),
            address=row.get(at.address or ""),
            channel=row.get(at.channel or ""),
            reason=row.get(at.reason or ""),
        )
        for row in tables.get(at.table, ())
        if (row.get(at.key) == key if at.key else row.get(at.address or "") is not None)
    )


def _history(
    at: History, type_: ValueType, key: Key, tables: Tables
) -> tuple[tuple[Any, Any], ...]:
    storage = Storage(type=type_, column=at.column)
    rows = (row for row in tables.get(at.table, ()) if row.get(at.key) == key)
    return tuple(
        (floored(row.get(at.time)), cell_value(floored(row.get(at.column)), storage))
        for row in rows
    )


def _values(field: Field, place: Location, tables: Tables) -> Mapping[Key | None, Any]:
    """The values of a field by key."""
    storage = storage_of_field(field, place)
    rows = tables.get(place.table or "", ())
    if storage.form != "rows":
        return {
            row.get(place.key or ""): cell_value(floored(row.get(storage.column)), storage)
            for row in rows
        }
    lists: dict[Key, list[Any]] = defaultdict(list)
    for row in rows:
        lists[row[place.key or ""]].append(row.get(storage.column))
    return {key: cell_value(cells, storage) for key, cells in lists.items()}


def _event_rows(event: Event, entity_name: str, tables: Tables) -> Sequence[EventRow]:
    key = dict(event.entities)[entity_name]
    id_, version = event.at.id, event.at.version
    storages = {prop.name: storage_of_property(prop) for prop in event.properties}
    return [
        EventRow(
            event=event.name,
            key=row.get(key),
            keys=tuple(row.get(column) for _, column in sorted(event.entities)),
            time=floored(row.get(event.at.time)),
            id=None if id_ is None else row.get(id_.column),
            version=None if version is None else version_of(row.get(version)),
            properties={
                name: cell_value(floored(row.get(storage.column)), storage)
                for name, storage in storages.items()
            },
        )
        for row in tables.get(event.at.table, ())
        if all(_passes(row.get(test.column), test) for test in event.at.when)
    ]


def _passes(cell: Any, test: ColumnTest) -> bool:
    if cell is None:
        return False
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    return text in test.values if test.starts_with is None else text.startswith(test.starts_with)


def floored(value: Any) -> Any:
    """A datetime as an instant; anything else as it is."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return value
