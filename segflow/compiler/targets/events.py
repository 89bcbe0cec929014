"""The rows of events in SQL: of one event or of a union, each event counted once, cut at T."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    FromClause,
    Label,
    Select,
    String,
    TableClause,
    cast,
    func,
    null,
    or_,
    select,
    union_all,
)

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.storage import storage_of_property
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.stored import property_value
from segflow.compiler.targets.values import bound, floored, not_later, stored_table
from segflow.model.catalog import Entity, Event, EventId, Property
from segflow.model.instant import Instant
from segflow.model.types import STRING, TIMESTAMP, ValueType

KEY, TIME, EVENT, TIE = "key", "time", "event", "tie"
Ties = Mapping[str, Mapping[str, str]]
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

    def order(
        self, values: Sequence[Expression], dialect: Dialect, *, newest: bool
    ) -> list[Expression]:
        """By time, id and name of the event, then by what values sort by; missing ones come
        first."""
        columns = self.statement.c
        keys = [dialect.floored(columns[TIME]), *(columns[name] for name in self.ids)]
        if EVENT in columns:
            keys.append(columns[EVENT])
        keys += values
        return [
            part
            for key in keys
            for part in dialect.in_order(key, descending=newest, missing_first=not newest)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """What rows are wanted: which events of which entity's users, not later than T, with which
    properties; `since` leaves out older ones; `ordered` asks for what order() needs. `ties` are
    more columns by name: of each event the property whose value it is, missing in other events.
    `entities` are all of the project."""

    events: tuple[Event, ...]
    entity: str
    entities: Mapping[str, Entity]
    as_of: Instant
    properties: tuple[str, ...]
    since: Instant | None
    ordered: bool
    dialect: Dialect
    ties: Ties = field(default_factory=dict)

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
        found = select(*columns.values()).where(*is_of_event(event, source, self.dialect))
        if may_repeat(event):
            found = self._each_once(found, columns, event, source)
        else:
            found = found.where(not_later(columns[TIME].element, self.as_of))
            if self.since is not None:
                found = found.where(*self.dialect.sought(source.c[event.at.time], self.since))
        if self.since is not None:
            found = found.where(found.selected_columns[TIME] >= bound(self.since))
        return found

    def _read(self, event: Event) -> Iterator[str]:
        """The columns of the event's table that are read."""
        yield dict(event.entities)[self.entity]
        yield event.at.time
        if event.at.id is not None:
            yield event.at.id.column
        yield from (test.column for test in event.at.when)
        for name in self._asked(event):
            yield storage_of_property(property_of(event, name)).column
        if may_repeat(event):
            yield from columns_that_decide(event, self._asked(event))

    def _asked(self, event: Event) -> tuple[str, ...]:
        """The properties of the event that are read."""
        ties = (named[event.name] for named in self.ties.values() if event.name in named)
        return (*self.properties, *ties)

    def _columns(
        self, event: Event, source: TableClause, ids: Sequence[str]
    ) -> dict[str, Label[Any]]:
        """The columns of the rows by name, in the same order for every event of a union."""
        key = self._key(self.entity, dict(event.entities)[self.entity], source)
        time = self.dialect.stored(source.c[event.at.time], TIMESTAMP)
        columns = {KEY: key.label(KEY), TIME: time.label(TIME)}
        for name in ids:
            columns[name] = _id(event.at.id, source, name, self.dialect).label(name)
        if (self.ordered or self.ties) and len(self.events) > 1:
            columns[EVENT] = self.dialect.text(event.name).label(EVENT)
        for name in self.properties:
            value = property_value(property_of(event, name), source, self.dialect)
            columns[property_column(name)] = value.label(property_column(name))
        for column, named in self.ties.items():
            columns[column] = self._tie(event, named, source).label(column)
        return columns

    def _tie(self, event: Event, named: Mapping[str, str], source: TableClause) -> Expression:
        """The value that the event is tied by, such that equal ones are written alike; one that is
        not tied has a missing value of the same type."""
        tied = event if event.name in named else next(e for e in self.events if e.name in named)
        declared = property_of(tied, named[tied.name])
        if tied is event:
            value = property_value(declared, source, self.dialect)
        else:
            value = self.dialect.stored(null(), declared.type)
        return floored(value, declared.type, self.dialect)

    def _each_once(
        self,
        found: Select[Any],
        columns: Mapping[str, Label[Any]],
        event: Event,
        source: TableClause,
    ) -> Select[Any]:
        """The newest of the rows with one id, of equally new ones the first by its contents; those
        without an id are events of their own.

        Without versions, later rows than T are left out before: the earliest row comes first. With
        them they are left out after, since the newest row counts whatever its time is.
        """
        assert event.at.id is not None
        id_ = stored_id(event.at.id, source, self.dialect)
        first = [
            part for one in self._contents(event, source) for part in self.dialect.in_order(one)
        ]
        if event.at.version is None:
            found = found.where(not_later(columns[TIME].element, self.as_of))
        else:
            newest = self.dialect.in_order(source.c[event.at.version], descending=True)
            first = [*newest, *first]
        copy = func.row_number().over(partition_by=id_, order_by=first)
        every = found.add_columns(copy.label(_COPY), id_.label(_ID)).subquery()
        kept = [every.c[name] for name in columns]
        counting = select(*kept).where(or_(every.c[_COPY] == 1, every.c[_ID].is_(None)))
        if event.at.version is None:
            return counting
        return counting.where(not_later(every.c[TIME], self.as_of))

    def _contents(self, event: Event, source: TableClause) -> Iterator[Expression]:
        """What rows of one id are ordered by."""
        yield self.dialect.floored(self.dialect.stored(source.c[event.at.time], TIMESTAMP))
        for entity, column in sorted(event.entities):
            yield self._key(entity, column, source)
        for declared in properties_that_decide(event, self._asked(event)):
            value = property_value(declared, source, self.dialect)
            yield sorted_value(value, declared.type, self.dialect)

    def _key(self, entity: str, column: str, source: TableClause) -> Expression:
        return key_of(source.c[column], self.entities[entity].key_type, self.dialect)


def sorted_value(value: Expression, type_: ValueType | None, dialect: Dialect) -> Expression:
    """What the values of a type are sorted by."""
    if type_ is not None and type_.is_list:
        return dialect.sorted_list(value, type_.element)
    return floored(value, type_, dialect)


def is_of_event(event: Event, source: FromClause, dialect: Dialect) -> Iterator[Condition]:
    """What tells the rows of the event from others in its table."""
    for test in event.at.when:
        text = dialect.stored(source.c[test.column], STRING)
        if test.starts_with is None:
            yield dialect.one_of(text, test.values, STRING)
        else:
            yield dialect.starts_with(text, dialect.text(test.starts_with))


def may_repeat(event: Event) -> bool:
    """Whether several rows may have one id."""
    return event.at.id is not None and not event.at.unique


def columns_that_decide(event: Event, asked: Iterable[str]) -> Iterator[str]:
    """The columns, beside those of time and id, that say which row of an id counts."""
    if event.at.version is not None:
        yield event.at.version
    yield from (column for _, column in sorted(event.entities))
    for declared in properties_that_decide(event, asked):
        yield storage_of_property(declared).column


def properties_that_decide(event: Event, asked: Iterable[str]) -> tuple[Property, ...]:
    """The properties by which rows of one id are ordered, as far as that matters for those that are
    asked for: rows that differ only in what comes after the last of them answer alike."""
    last = max(asked, default="")
    before = (declared for declared in event.properties if declared.name <= last)
    return tuple(sorted(before, key=lambda declared: declared.name))


def property_of(event: Event, name: str) -> Property:
    """The declared property; the pass `resolve` has seen to it that there is one."""
    declared = event.property_named(name)
    if declared is None:
        raise AssertionError(f"event {event.name} has no property {name}")
    return declared


def stored_id(id_: EventId, source: FromClause, dialect: Dialect) -> Expression:
    """The id as one of its declared type: as numbers ids have another order than as texts."""
    return key_of(source.c[id_.column], id_.type, dialect)


def _id(id_: EventId | None, source: TableClause, name: str, dialect: Dialect) -> Expression:
    """The id where its type belongs into the column of that name, else missing."""
    if id_ is not None and name == (_TEXT if id_.type == "string" else _NUMBER):
        return stored_id(id_, source, dialect)
    return cast(null(), String if name == _TEXT else BigInteger)
