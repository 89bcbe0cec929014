"""Rows of a project's tables in both shapes: Parquet for engines, a world for the reference.

A row is a mapping of columns to plain values: int, str, Decimal, float, bool, date, aware datetime.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from segflow.compiler.worlds import EventRow, User, World
from segflow.model.catalog import Entity, Event
from segflow.model.project import Project
from segflow.model.types import INTEGER, STRING, TIMESTAMP, ValueType

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

KEY = ValueType(name="integer", precision=64)
"""Stands for the keys of entities, which may be as large as 64 bits without a sign hold."""

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
    for declared in project:
        if isinstance(declared, Entity):
            population = declared.population
            found[population.table][population.key] = KEY
            if population.since is not None:
                found[population.table][population.since] = TIMESTAMP
            for field in declared.fields:
                for at in field.at:
                    found[at.table or ""].setdefault(at.key or "", KEY)
                    found[at.table or ""][at.column or field.name] = field.type
        elif isinstance(declared, Event):
            table = found[declared.at.table]
            table |= {column: KEY for _, column in declared.entities}
            table[declared.at.time] = TIMESTAMP
            if declared.at.id is not None:
                table[declared.at.id.column] = (
                    INTEGER if declared.at.id.type == "integer" else STRING
                )
            table |= {prop.column or prop.name: prop.type for prop in declared.properties}
    return found


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
            [_stored(row.get(column), unit) for row in rows], type=_arrow_type(type_, unit)
        )
        for column, type_ in types.items()
    }
    return pa.table(arrays)


def _arrow_type(type_: ValueType, unit: str) -> pa.DataType:
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
    project: Project, entity_name: str, tables: Tables, snapshots: Mapping[str, frozenset[int]]
) -> World:
    """The rows as the reference sees them: instants are floored to milliseconds."""
    entity = project.entity(entity_name)
    assert entity is not None
    events = [found for found in project if isinstance(found, Event)]
    return World(
        users=tuple(_users(entity, tables)),
        events=tuple(row for event in events for row in _event_rows(event, entity_name, tables)),
        snapshots=snapshots,
    )


def _users(entity: Entity, tables: Tables) -> Sequence[User]:
    at = entity.population
    by_key: dict[str, dict[int, Row]] = {}
    for field in entity.fields:
        for place in field.at:
            rows = tables.get(place.table or "", ())
            by_key.setdefault(place.table or "", {row[place.key or ""]: row for row in rows})
    return [
        User(
            key=row[at.key],
            since=None if at.since is None else floored(row.get(at.since)),
            fields={
                field.name: floored(
                    by_key[place.table or ""].get(row[at.key], {}).get(place.column or field.name)
                )
                for field in entity.fields
                for place in field.at
            },
        )
        for row in tables.get(at.table, ())
    ]


def _event_rows(event: Event, entity_name: str, tables: Tables) -> Sequence[EventRow]:
    key = dict(event.entities)[entity_name]
    id_ = event.at.id
    return [
        EventRow(
            event=event.name,
            key=row.get(key),
            keys=tuple(row.get(column) for _, column in sorted(event.entities)),
            time=floored(row.get(event.at.time)),
            id=None if id_ is None else row.get(id_.column),
            properties={
                prop.name: floored(row.get(prop.column or prop.name)) for prop in event.properties
            },
        )
        for row in tables.get(event.at.table, ())
    ]


def floored(value: Any) -> Any:
    """A datetime as an instant; anything else as it is."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return value
