"""How a value lies in a table: in which column, where in it, and written in which way."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar, assert_never

from segflow.model.catalog import Entity, Event, EventTable, Field, Location, Property
from segflow.model.project import KeyPath
from segflow.model.types import INTEGER, STRING, ValueType

_T = TypeVar("_T")
_MINOR = re.compile(r"minor_units\(([0-9]+)\)\Z")

Form = Literal["plain", "document", "text", "minor", "delimited", "rows"]
"""What a column holds: the value itself (lists as arrays of the engine); JSON; a number as text; a
number of minor units, cents for example; texts between commas; one element of the list per row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where a value of `type` is. `path` leads into the JSON of `column`; `items` leads, in each
    item of the array found there, to an element of the list, and is None of other values.
    `encoding` is as in the catalog."""

    type: ValueType
    column: str
    path: tuple[str, ...] = ()
    items: tuple[str, ...] | None = None
    encoding: str | None = None

    @property
    def in_json(self) -> bool:
        """Whether the column is read as JSON."""
        return bool(self.path) or self.items is not None or self.encoding == "json"

    @property
    def form(self) -> Form:
        """What is there, at the end of the path if there is one."""
        if self.items is not None or (self.type.is_list and self.path and self.encoding is None):
            return "document"
        match self.encoding:
            case None | "array":
                return "plain"
            case "json":
                return "document"
            case "delimited":
                return "delimited"
            case "child_table":
                return "rows"
            case "text":
                return "text"
            case _:
                return "minor"

    @property
    def minor_digits(self) -> int:
        """n of `minor_units(n)`; 0 of all else."""
        return minor_digits(self.encoding) or 0

    @property
    def column_type(self) -> ValueType | None:
        """The type of what the column holds by itself; None of JSON."""
        if self.in_json:
            return None
        match self.form:
            case "plain" | "document":
                return self.type
            case "text" | "delimited":
                return STRING
            case "minor":
                return INTEGER
            case "rows":
                return self.type.element
            case _:
                assert_never(self.form)


def minor_digits(encoding: str | None) -> int | None:
    """n of the encoding `minor_units(n)`; None of any other."""
    match = _MINOR.match(encoding or "")
    return int(match[1]) if match else None


def places_of_field(field: Field) -> Iterator[tuple[Location, KeyPath]]:
    """Every location of a field, with its way in the YAML of the entity."""
    yield from _ways(field.at, ("fields", field.name, "at"))


def places_of_event(event: Event) -> Iterator[tuple[EventTable, KeyPath]]:
    """Every table of an event, with its way in the YAML of the event."""
    yield from _ways(event.tables, ("at",))


def _ways(places: Sequence[_T], path: KeyPath) -> Iterator[tuple[_T, KeyPath]]:
    for number, place in enumerate(places):
        yield place, (*path, number) if len(places) > 1 else path


def storage_of_field(field: Field, location: Location) -> Storage:
    """How a field lies at one of its locations; the path of an index is the name of a field of it,
    with dots."""
    in_index = location.index is not None
    return Storage(
        type=field.type,
        column=".".join(location.path) if in_index else location.column or field.name,
        path=() if in_index else location.path,
        encoding=location.encoding,
    )


class FieldPlace(NamedTuple):
    """A table with the column of its keys, and how a field lies in it."""

    table: str
    key: str
    storage: Storage


def place_of_field(field: Field, entity: Entity) -> FieldPlace:
    """Where a stored field of an entity is in the source of its population: beside the population
    unless it says otherwise."""
    population = entity.population
    (location,) = (at for at in field.at if at.source == population.source)
    return FieldPlace(*population.rows_of(location), storage_of_field(field, location))


def storage_of_property(prop: Property) -> Storage:
    """How a property lies in the table of its event. Without a column, the first part of the path,
    or the list that is unnested, is one."""
    if prop.unnest is not None:
        inner = () if prop.column is None else (prop.unnest,)
        return Storage(
            type=prop.type, column=prop.column or prop.unnest, path=inner, items=prop.path
        )
    if prop.column is None and prop.path:
        column, path = prop.path[0], prop.path[1:]
        return Storage(type=prop.type, column=column, path=path, encoding=prop.encoding)
    return Storage(
        type=prop.type,
        column=prop.column or prop.name,
        path=prop.path,
        encoding=prop.encoding,
    )
