"""Tables of tests as indices of Elasticsearch, whose names begin with one of their own.

An index is made by the types that the catalog says, with two shards, so that answers have to be put
together.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from elasticsearch import Elasticsearch, helpers

from segflow.model.catalog import Entity, Event, Field, Source
from segflow.model.project import Project
from segflow.model.types import ValueType
from tests.agreement.data import Row, Tables, columns

PREFIX = f"segflow_test_{os.getpid()}_"

TYPES = {
    "string": "keyword",
    "version": "keyword",
    "integer": "long",
    "decimal": "double",
    "float": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "date",
}


@contextmanager
def client(url: str) -> Iterator[Elasticsearch]:
    """Somebody who may write."""
    with Elasticsearch(url, request_timeout=60) as connection:
        yield connection


def in_indices(project: Project, url: str) -> Project:
    """The project with its sources on the server, and its tables called as the indices there."""

    def moved(found: Any) -> Any:
        match found:
            case Source():
                return replace(found, engine="elasticsearch", url=url, tables=())
            case Entity():
                population = replace(
                    found.population, table=f"{PREFIX}{found.population.table}".lower()
                )
                return replace(
                    found, population=population, fields=tuple(map(_moved_field, found.fields))
                )
            case Event():
                return replace(found, at=replace(found.at, table=f"{PREFIX}{found.at.table}"))
            case _:
                return found

    objects = {address: moved(found) for address, found in project.objects.items()}
    return replace(project, objects=objects)


def _moved_field(field: Field) -> Field:
    at = tuple(replace(one, table=one.table and f"{PREFIX}{one.table}") for one in field.at)
    history = field.history and replace(field.history, table=f"{PREFIX}{field.history.table}")
    return replace(field, at=at, history=history)


def in_units(project: Project) -> Project:
    """The project, in which decimals are stored as whole numbers of units, as far as there can be
    so small ones."""

    def told(found: Any) -> Any:
        match found:
            case Entity():
                fields = tuple(
                    replace(field, at=tuple(_in_units(one, field.type) for one in field.at))
                    for field in found.fields
                )
                return replace(found, fields=fields)
            case Event():
                properties = tuple(_in_units(one, one.type) for one in found.properties)
                return replace(found, properties=properties)
            case _:
                return found

    objects = {address: told(found) for address, found in project.objects.items()}
    return replace(project, objects=objects)


def _in_units(place: Any, type_: ValueType) -> Any:
    if type_.name != "decimal" or place.encoding is not None or (type_.scale or 0) > 18:
        return place
    return replace(place, encoding=f"minor_units({type_.scale})")


def units(project: Project, tables: Tables) -> Tables:
    """The rows with their decimals as the project in_units() has them; what is beyond 64 bits is
    left out."""
    scales = {
        (name, column): declared.scale or 0
        for name, types in columns(project).items()
        for column, declared in types.items()
        if declared.name == "decimal"
    }
    left = {
        (name, column)
        for name, types in columns(in_units(project)).items()
        for column, declared in types.items()
        if declared.name == "decimal"
    }

    def cell(name: str, column: str, value: Any) -> Any:
        at = (name, column)
        if not isinstance(value, Decimal) or at not in scales or at in left:
            return value
        whole = value.scaleb(scales[at]) if value.is_finite() else Decimal("0.5")
        return int(whole) if whole % 1 == 0 and abs(whole) < 2**63 else None

    return {
        name: [{column: cell(name, column, one) for column, one in row.items()} for row in rows]
        for name, rows in tables.items()
    }


def promised(project: Project, tables: Tables) -> Project:
    """The project, in which events promise that no id comes twice where none does."""

    def told(found: Any) -> Any:
        if not isinstance(found, Event) or found.at.id is None:
            return found
        column = found.at.id.column
        rows = tables.get(found.at.table.removeprefix(PREFIX), ())
        ids = [row[column] for row in rows if row.get(column) is not None]
        return replace(found, at=replace(found.at, unique=len(set(ids)) == len(ids)))

    objects = {address: told(found) for address, found in project.objects.items()}
    return replace(project, objects=objects)


def write_indices(
    connection: Elasticsearch,
    project: Project,
    tables: Tables,
    stored_as: Mapping[str, str] | None = None,
    asked: str | None = None,
) -> None:
    """Make an index per table of the catalog, and put the rows in; of those only whose names are in
    the text of what is `asked`."""
    for index, types in columns(project).items():
        if not index.startswith(PREFIX) or (asked is not None and f"'{index}'" not in asked):
            continue
        name = index.removeprefix(PREFIX)
        mapping = {column: {"type": TYPES[type_.name]} for column, type_ in types.items()}
        unit = (stored_as or {}).get(name, "us")
        rows = [
            {column: document_value(row.get(column), types[column], unit) for column in types}
            for row in tables.get(name, ())
        ]
        write_index(connection, index, mapping, rows)


def write_index(
    connection: Elasticsearch, index: str, mapping: Mapping[str, Any], rows: Sequence[Row]
) -> None:
    """Make an index anew, and put the rows in."""
    connection.options(ignore_status=404).indices.delete(index=index)
    connection.indices.create(
        index=index,
        settings={
            "number_of_shards": 2,
            "number_of_replicas": 0,
            "translog": {"durability": "async"},  # what is lost with the machine is made anew
        },
        mappings={"properties": mapping, "dynamic": "strict"},
    )
    helpers.bulk(connection, ({"_index": index, "_source": row} for row in rows), refresh=True)


def drop_indices(connection: Elasticsearch) -> None:
    """Remove all indices of this process."""
    found = connection.indices.get(index=f"{PREFIX}*", expand_wildcards="all").body
    for index in found:
        connection.indices.delete(index=index)


def document_value(value: Any, type_: ValueType, unit: str = "us") -> Any:
    """What a document holds for a value."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            moment = value.astimezone(UTC)
            return moment.date().isoformat() if unit == "date" else _written(moment)
        case date():
            return value.isoformat()
        case float():
            return None if value != value or abs(value) == float("inf") else value
        case _:
            return value


def _written(moment: datetime) -> str:
    """The instant as finely as it is known; years have four digits."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
