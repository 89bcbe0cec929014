"""One user looked up for an explanation: the queries for what the reference evaluator sees."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, cast, func, null, or_, select

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Expression
from segflow.compiler.storage import storage_of_property
from segflow.compiler.targets.asked import Asked, asked_of_sources
from segflow.compiler.targets.contact_lookup import (
    consent_row,
    consent_rows,
    suppression_row,
    suppression_rows,
)
from segflow.compiler.targets.events import (
    TIME,
    is_of_event,
    may_repeat,
    properties_that_decide,
    property_column,
    property_of,
    stored_id,
)
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.histories import VALUE, history_of
from segflow.compiler.targets.keys import constant_key, has_key, key_of
from segflow.compiler.targets.needs import (
    declared_field,
)
from segflow.compiler.targets.seen import Sent, seen_when_sent
from segflow.compiler.targets.sql import facts_about
from segflow.compiler.targets.stored import property_value, read_back
from segflow.compiler.targets.values import floored, stored_table
from segflow.compiler.worlds import EventRow, User
from segflow.errors import UnusableDataError
from segflow.model.catalog import Entity, Field
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, instant_of
from segflow.model.keys import Key
from segflow.model.predicate import (
    FieldFeature,
    Predicate,
)
from segflow.model.scalar import Scalar, Stored
from segflow.model.types import TIMESTAMP, ValueType

_KEY, _SINCE, _ID, _VERSION = "key", "since", "id", "version"
_FIELD, _PROPERTY, _OWNER = "f_", "p_", "k_"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The queries for one user: `user` gives at most one row, `histories` the rows of each field
    that has one, `events` the rows of each event, and with them those of others that have an id of
    the user's, `consents` those of each topic, `suppressions` those of each suppression.

    All are for the source named `source`; `elsewhere` are those for others, which do not tell
    whether there is such a user. user_of() and events_of() ask them.
    """

    source: str
    entity: Entity
    key: Key
    user: Select[Any]
    events: Mapping[str, Select[Any]]
    properties: Mapping[str, Mapping[str, ValueType]]
    histories: Mapping[str, Select[Any]] = field(default_factory=dict)
    consents: Mapping[str, Select[Any]] = field(default_factory=dict)
    suppressions: Mapping[str, Select[Any]] = field(default_factory=dict)
    elsewhere: "tuple[Lookup, ...]" = ()


Ask = Callable[[str, Select[Any]], Sequence[Mapping[str, Any]]]
"""Gives the rows of a small query to the source of that name, as Engine.rows() does."""


def look_up(compiled: Compiled, name: str, key: Key) -> Lookup:
    """The queries for the fields and events of one user that a segment's predicate rests on."""
    segment = compiled.segments[name]
    return look_up_of(compiled, segment.segment.entity, (segment.where,), key)


def look_up_of(
    compiled: Compiled, entity_name: str, wheres: Iterable[Predicate], key: Key
) -> Lookup:
    """The same of one user of an entity, for predicates and for the population's condition."""
    entity = compiled.entities[entity_name]
    where = entity.population.where
    predicates = (*wheres,) if where is None else (*wheres, where)
    asked = asked_of_sources(predicates, compiled, entity)
    own = asked.pop(entity.population.source)
    others = (
        _look_up(compiled, seen_when_sent(entity, source), key, found)
        for source, found in asked.items()
    )
    return replace(_look_up(compiled, entity, key, own), elsewhere=tuple(others))


def _look_up(compiled: Compiled, entity: Entity, key: Key, asked: Asked) -> Lookup:
    # No aggregate is asked, nor what a field was: nothing depends on the instant.
    facts = replace(facts_about(compiled, entity, Instant(0)), then=False)
    return Lookup(
        source=entity.population.source,
        entity=entity,
        key=key,
        user=_user(facts, key, asked.fields),
        events={
            event: _events(facts, key, event, properties)
            for event, properties in asked.events.items()
        },
        properties={
            event: {declared.name: declared.type for declared in facts.event(event).properties}
            for event in asked.events
        },
        histories={
            one.field: _history(facts, key, declared_field(one, entity))
            for one in asked.fields
            if declared_field(one, entity).history is not None
        },
        consents={name: consent_rows(facts, key, name) for name in asked.topics},
        suppressions={
            one.name: suppression_rows(facts, key, one, asked.addresses)
            for one in asked.suppressions
        },
    )


def user_of(lookup: Lookup, ask: Ask) -> User | None:
    """The user with all that is looked up but the events; None where the population has no such
    key.

    Raises UnusableDataError where a field has two values, and what `ask` raises.
    """
    user = _user_of(lookup, ask)
    if user is None:
        return None
    others = [
        one for one in (_user_of(there, ask) for there in lookup.elsewhere) if one is not None
    ]
    every = (user, *others)
    return replace(
        user,
        fields={name: value for one in every for name, value in one.fields.items()},
        history={name: rows for one in every for name, rows in one.history.items()},
        consents={name: rows for one in every for name, rows in one.consents.items()},
        suppressions={name: rows for one in every for name, rows in one.suppressions.items()},
    )


def _user_of(lookup: Lookup, ask: Ask) -> User | None:
    """What one source says of the user."""

    def rows_of(statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        return ask(lookup.source, statement)

    rows = rows_of(lookup.user)
    if not rows:
        return None
    if len(rows) > 1:
        raise UnusableDataError(
            f"source {lookup.source}: a table of fields has more than one row for key {lookup.key}",
            hint="a field has one value per key: bring the table to one row each by a view",
        )
    types = {field.name: field.type for field in lookup.entity.fields}
    return User(
        key=lookup.key,
        since=_instant(_scalar(rows[0][_SINCE])),
        fields=_values(rows[0], _FIELD, types),
        history={
            name: tuple((_time(one), _value(one[VALUE], types[name])) for one in rows_of(statement))
            for name, statement in lookup.histories.items()
        },
        consents={
            name: tuple(consent_row(one, _time(one)) for one in rows_of(statement))
            for name, statement in lookup.consents.items()
        },
        suppressions={
            name: tuple(suppression_row(one, _time(one)) for one in rows_of(statement))
            for name, statement in lookup.suppressions.items()
        },
    )


def events_of(lookup: Lookup, ask: Ask) -> tuple[EventRow, ...]:
    """The user's events, and all others that have the id of one of them. Raises what `ask` does."""
    return tuple(
        row
        for there in (lookup, *lookup.elsewhere)
        for event, statement in there.events.items()
        for row in _event_rows(there, event, ask(there.source, statement))
    )


def _event_rows(
    lookup: Lookup, event: str, rows: Iterable[Mapping[str, Any]]
) -> Iterator[EventRow]:
    for found in rows:
        keys = {
            name[2:]: read_key(value) for name, value in found.items() if name.startswith(_OWNER)
        }
        yield EventRow(
            event=event,
            key=keys[lookup.entity.name],
            keys=tuple(keys[name] for name in sorted(keys)),
            time=_time(found),
            id=read_key(found[_ID]),
            version=version_of(found[_VERSION]),
            properties=_values(found, _PROPERTY, lookup.properties[event]),
        )


def _values(
    row: Mapping[str, Any], prefix: str, types: Mapping[str, ValueType]
) -> Mapping[str, Stored | None]:
    """The fields or properties in a row."""
    named = {name[2:]: value for name, value in row.items() if name.startswith(prefix)}
    return {name: _value(value, types[name]) for name, value in named.items()}


def _value(value: Any, type_: ValueType) -> Stored | None:
    """What an engine gave for a value of the type."""
    read = type_.is_list or type_.name == "version"
    return read_back(value, type_) if read else _scalar(value)


def version_of(value: Any) -> Scalar | None:
    """What orders the rows of one id, as the engine gives it: instants by their microseconds."""
    if isinstance(value, datetime):
        zoned = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (zoned - _EPOCH) // timedelta(microseconds=1)
    return _scalar(value)


def _scalar(value: Any) -> Scalar | None:
    """A value as the engine gives it, instants as milliseconds."""
    if isinstance(value, datetime):
        return instant_of(value)
    assert value is None or isinstance(value, Scalar)
    return value


def _time(row: Mapping[str, Any]) -> Instant | None:
    return _instant(_scalar(row[TIME]))


def read_key(value: Any) -> Key | None:
    """A key or an id as the engine gives it."""
    value = _scalar(value)
    if isinstance(value, str):
        return value
    return int(value) if isinstance(value, int | Decimal) else None


def _instant(value: Scalar | None) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None


# --- queries ---------------------------------------------------------------------------------


def _user(facts: Facts, key: Key, fields: Iterable[FieldFeature]) -> Select[Any]:
    """One row: since when the user exists, and the fields."""
    population = facts.entity.population
    user = (_given(facts, key) if isinstance(population, Sent) else _of_population(facts, key)).cte(
        facts.name("person")
    )
    joined = facts.joined(user, user.c[_KEY], fields)
    values = [
        _read_as(value.expression, value.type, facts).label(f"{_FIELD}{feature.field}")
        for feature, value in joined.values.items()
        if isinstance(feature, FieldFeature)
    ]
    return select(_read_as(user.c[_SINCE], TIMESTAMP, facts).label(_SINCE), *values).select_from(
        joined.relation
    )


def _given(facts: Facts, key: Key) -> Select[Any]:
    """The key itself, of a user of another source."""
    since: Expression = cast(null(), UTC_TIMESTAMP)
    return select(constant_key(key, facts.dialect).label(_KEY), since.label(_SINCE))


def _of_population(facts: Facts, key: Key) -> Select[Any]:
    population = facts.entity.population
    read = [population.key] if population.since is None else [population.key, population.since]
    source = stored_table(population.table, read)
    since: Expression = cast(null(), UTC_TIMESTAMP)
    if population.since is not None:
        since = func.min(facts.dialect.stored(source.c[population.since], TIMESTAMP))
    column: Expression = source.c[population.key]
    own = key_of(column, facts.entity.key_type, facts.dialect)
    return (
        select(own.label(_KEY), since.label(_SINCE))
        .where(has_key(column, key, facts.dialect))
        .group_by(own)
    )


def _history(facts: Facts, key: Key, field: Field) -> Select[Any]:
    """Every row of a field's history about the user."""
    history = history_of(field)
    source = stored_table(history.table, (history.key, history.time, history.column))
    columns = (
        _read_as(facts.dialect.stored(source.c[column], type_), type_, facts).label(name)
        for name, column, type_ in (
            (TIME, history.time, TIMESTAMP),
            (VALUE, history.column, field.type),
        )
    )
    return select(*columns).where(has_key(source.c[history.key], key, facts.dialect))


def _events(facts: Facts, key: Key, name: str, asked: Sequence[str]) -> Select[Any]:
    """Every row of the user's events and of others that share an id with one of them; the reference
    leaves out later ones and duplicates."""
    event, entities = facts.event(name), facts.compiled.entities
    at = event.at
    owner = dict(event.entities)[facts.entity.name]
    declared = [property_of(event, one) for one in asked]
    if may_repeat(event):
        declared = list(dict.fromkeys((*declared, *properties_that_decide(event, asked))))
    ids = () if at.id is None else (at.id.column,)
    versions = () if at.version is None else (at.version,)
    whens = [test.column for test in at.when]
    owners = [column for _, column in event.entities]
    stored = [storage_of_property(one).column for one in declared]
    source = stored_table(at.table, (*owners, at.time, *ids, *versions, *whens, *stored))
    time = facts.dialect.stored(source.c[at.time], TIMESTAMP)

    columns = [
        _read_as(time, TIMESTAMP, facts).label(TIME),
        (null() if at.id is None else stored_id(at.id, source, facts.dialect)).label(_ID),
        (null() if at.version is None else source.c[at.version]).label(_VERSION),
        *(
            key_of(source.c[column], entities[entity].key_type, facts.dialect).label(
                f"{_OWNER}{entity}"
            )
            for entity, column in event.entities
        ),
        *(
            _read_as(property_value(one, source, facts.dialect), one.type, facts).label(
                property_column(one.name)
            )
            for one in declared
        ),
    ]
    mine = has_key(source.c[owner], key, facts.dialect)
    if at.id is not None and may_repeat(event):
        own = source.alias(facts.name("own"))
        is_own = has_key(own.c[owner], key, facts.dialect)
        known = select(stored_id(at.id, own, facts.dialect)).where(is_own)
        mine = or_(mine, stored_id(at.id, source, facts.dialect).in_(known))
    return select(*columns).where(mine, *is_of_event(event, source, facts.dialect))


def _read_as(value: Expression, type_: ValueType, facts: Facts) -> Expression:
    """The value as it can be handed over: instants beyond the calendar have no datetime."""
    return floored(value, type_, facts.dialect)
