"""The rows of events in SQL: of one event or of a union, each event counted once, cut at T."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Label,
    Select,
    String,
    TableClause,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from segflow.compiler.dialects import Dialect, Expression
from segflow.compiler.targets.values import bound, not_later, stored_table
from segflow.model.catalog import Event, EventId, Property
from segflow.model.instant import Instant
from segflow.model.types import TIMESTAMP

KEY, TIME, EVENT = "key", "time", "event"
_NUMBER, _TEXT = "id_number", "id_text"
_COPY, _ID = "copy", "id"


def property_column(name: str) -> str:
    """The name of a property's column among an event's rows."""
    return f"p_{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one event, or of several as one: key, time, and what else was asked for."""

    statement: CTE
    ids: tuple[str, ...]

    def order(self, value: Expression, dialect: Dialect, *, newest: bool) -> list[Expression]:
        """By time, id and name of the event, then by the value; a missing one is before all."""
        columns = self.statement.c
        keys = [dialect.floored(columns[TIME]), *(columns[name] for name in self.ids)]
        if EVENT in columns:
            keys.append(columns[EVENT])
        keys.append(value)
        if newest:
            return [key.desc().nulls_last() for key in keys]
        return [key.asc().nulls_first() for key in keys]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """What rows are wanted: which events of which entity's users, not later than T, with which
    properties; `since` leaves out older ones; `ordered` asks for what order() needs."""

    events: tuple[Event, ...]
    entity: str
    as_of: Instant
    properties: tuple[str, ...]
    since: Instant | None
    ordered: bool
    dialect: Dialect

    def rows(self, name: str) -> Rows:
        """The rows as a common table expression of that name."""
        ids = self._ids() if self.ordered else ()
        parts = [self._of_event(event, ids) for event in self.events]
        whole = parts[0] if len(parts) == 1 else union_all(*parts)
        return Rows(statement=whole.cte(name), ids=ids)

    def _ids(self) -> tuple[str, ...]:
        """The columns by which ids are ordered: numbers before texts, both after missing ones."""
        types = {event.at.id.type for event in self.events if event.at.id is not None}
        return tuple(
            name for name, type_ in ((_TEXT, "string"), (_NUMBER, "integer")) if type_ in types
        )

    def _of_event(self, event: Event, ids: Sequence[str]) -> Select[Any]:
        source = stored_table(event.at.table, self._read(event))
        columns = self._columns(event, source, ids)
        found = select(*columns.values()).where(not_later(columns[TIME].element, self.as_of))
        if event.at.id is not None and not event.at.unique:
            found = self._each_once(found, columns, source.c[event.at.id.column])
        elif self.since is not None:
            found = found.where(columns[TIME].element >= bound(self.since))
        return found

    def _read(self, event: Event) -> Iterator[str]:
        """The columns of the event's table that are read."""
        yield dict(event.entities)[self.entity]
        yield event.at.time
        if event.at.id is not None:
            yield event.at.id.column
        yield from (property_of(event, name).column or name for name in self.properties)

    def _columns(
        self, event: Event, source: TableClause, ids: Sequence[str]
    ) -> dict[str, Label[Any]]:
        """The columns of the rows by name, in the same order for every event of a union."""
        key: Expression = source.c[dict(event.entities)[self.entity]]
        time = self.dialect.stored(source.c[event.at.time], TIMESTAMP)
        columns = {KEY: key.label(KEY), TIME: time.label(TIME)}
        for name in ids:
            columns[name] = _id(event.at.id, source, name).label(name)
        if self.ordered and len(self.events) > 1:
            columns[EVENT] = literal(event.name, String).label(EVENT)
        for name in self.properties:
            declared = property_of(event, name)
            value = self.dialect.stored(source.c[declared.column or name], declared.type)
            columns[property_column(name)] = value.label(property_column(name))
        return columns

    def _each_once(
        self, found: Select[Any], columns: Mapping[str, Label[Any]], id_: Expression
    ) -> Select[Any]:
        """One row of those with one id. They should be equal; where they are not, the choice is at
        least the same every time. Rows without an id are events of their own."""
        order = [one.element.asc().nulls_first() for one in columns.values()]
        copy = func.row_number().over(partition_by=id_, order_by=order)
        every = found.add_columns(copy.label(_COPY), id_.label(_ID)).subquery()
        kept = [every.c[name] for name in columns]
        once = select(*kept).where(or_(every.c[_COPY] == 1, every.c[_ID].is_(None)))
        return once if self.since is None else once.where(every.c[TIME] >= bound(self.since))


def property_of(event: Event, name: str) -> Property:
    """The declared property; the pass `resolve` has seen to it that there is one."""
    declared = event.property_named(name)
    if declared is None:
        raise AssertionError(f"event {event.name} has no property {name}")
    return declared


def _id(id_: EventId | None, source: TableClause, name: str) -> Expression:
    """The id where its type belongs into the column of that name, else missing."""
    if id_ is not None and id_.type == "string" and name == _TEXT:
        return cast(source.c[id_.column], String)
    if id_ is not None and id_.type == "integer" and name == _NUMBER:
        return cast(source.c[id_.column], BigInteger)
    return cast(null(), String if name == _TEXT else BigInteger)
