"""One user looked up for an explanation: the queries for what the reference evaluator sees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, cast, func, null, or_, select

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Expression
from segflow.compiler.passes.walk import tied_by
from segflow.compiler.storage import storage_of_property
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
from segflow.compiler.targets.keys import has_key, key_of
from segflow.compiler.targets.needs import (
    declared_field,
    inlined_segment,
    own_sites,
    properties_of,
)
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
    Aggregate,
    Changed,
    Feature,
    FieldFeature,
    InSegment,
    Predicate,
    PropertyFeature,
    Test,
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
    the user's.

    All are for the source named `source`; what they give is read by user_of() and events_of().
    """

    source: str
    entity: Entity
    key: Key
    user: Select[Any]
    events: Mapping[str, Select[Any]]
    properties: Mapping[str, Mapping[str, ValueType]]
    histories: Mapping[str, Select[Any]] = field(default_factory=dict)


def look_up(compiled: Compiled, name: str, key: Key) -> Lookup:
    """The queries for the fields and events of one user that a segment's predicate rests on."""
    segment = compiled.segments[name]
    entity = compiled.entities[segment.segment.entity]
    # No aggregate is asked, nor what a field was: nothing depends on the instant.
    facts = replace(facts_about(compiled, entity.name, Instant(0)), then=False)
    where = entity.population.where
    features = dict.fromkeys(
        feature
        for predicate in ((segment.where,) if where is None else (segment.where, where))
        for feature in _features(predicate, compiled, entity)
    )
    read = _read(features)
    return Lookup(
        source=entity.population.source,
        entity=entity,
        key=key,
        user=_user(facts, key, [one for one in features if isinstance(one, FieldFeature)]),
        events={
            event: _events(facts, key, event, properties) for event, properties in read.items()
        },
        properties={
            event: {declared.name: declared.type for declared in facts.event(event).properties}
            for event in read
        },
        histories={
            one.field: _history(facts, key, declared_field(one, entity))
            for one in features
            if isinstance(one, FieldFeature) and declared_field(one, entity).history is not None
        },
    )


def user_of(
    lookup: Lookup,
    rows: Sequence[Mapping[str, Any]],
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
) -> User | None:
    """The user in the rows of `lookup.user` and of each of `lookup.histories`; None where the
    population has no such key.

    Raises UnusableDataError where a field has two values.
    """
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
            name: tuple(
                (_instant(_scalar(one[TIME])), _value(one[VALUE], types[name])) for one in found
            )
            for name, found in histories.items()
        },
    )


def events_of(lookup: Lookup, event: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[EventRow]:
    """The events in the rows of `lookup.events[event]`."""
    for found in rows:
        id_ = _scalar(found[_ID])
        keys = {
            name[2:]: _key(_scalar(value))
            for name, value in found.items()
            if name.startswith(_OWNER)
        }
        yield EventRow(
            event=event,
            key=keys[lookup.entity.name],
            keys=tuple(keys[name] for name in sorted(keys)),
            time=_instant(_scalar(found[TIME])),
            id=_key(id_),
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


def _key(value: Scalar | None) -> Key | None:
    """A key or an id as the engine gives it."""
    if isinstance(value, str):
        return value
    return int(value) if isinstance(value, int | Decimal) else None


def _instant(value: Scalar | None) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None


# --- what is read ----------------------------------------------------------------------------


def _features(predicate: Predicate, compiled: Compiled, entity: Entity) -> Iterator[Feature]:
    """Every stored field, property and aggregate that the predicate rests on, however deep."""
    for site in own_sites(predicate):
        match site.node:
            case InSegment():
                nested = inlined_segment(site.node, compiled)
                if nested is not None:
                    yield from _features(nested, compiled, entity)
            case FieldFeature():
                yield from _of_field(site.node, compiled, entity)
            case Changed(field=name):
                yield FieldFeature(field=name)
            case Aggregate():
                yield site.node
            case PropertyFeature(property=name):
                yield from (_read_of(event, name) for event in site.events)
            case _:
                yield from (_read_of(event, name) for event, name in tied_by(site.node))
        if isinstance(site.node, Test | Aggregate) and site.node.user_zone:
            yield from _zone_field(entity)


def _zone_field(entity: Entity) -> Iterator[FieldFeature]:
    if entity.timezone_field is not None:
        yield FieldFeature(field=entity.timezone_field)


def _read_of(event: str, name: str) -> Aggregate:
    """A property of an event that is read."""
    return Aggregate(kind="last", events=(event,), property=name)


def _of_field(feature: FieldFeature, compiled: Compiled, entity: Entity) -> Iterator[Feature]:
    derived = declared_field(feature, entity).derived
    if derived is None:
        yield feature
    elif isinstance(derived, FieldFeature):
        yield from _of_field(derived, compiled, entity)
    else:
        yield derived
        if isinstance(derived, Aggregate):
            if derived.user_zone:
                yield from _zone_field(entity)
            if derived.where is not None:
                yield from _features(derived.where, compiled, entity)


def _read(features: Iterable[Feature]) -> Mapping[str, tuple[str, ...]]:
    """The properties that are read of each event."""
    read: dict[str, dict[str, None]] = {}
    for feature in features:
        if isinstance(feature, Aggregate):
            for event in feature.events:
                read.setdefault(event, {}).update(dict.fromkeys(properties_of(feature)))
    return {event: tuple(properties) for event, properties in read.items()}


# --- queries ---------------------------------------------------------------------------------


def _user(facts: Facts, key: Key, fields: Iterable[FieldFeature]) -> Select[Any]:
    """One row: since when the user exists, and the fields."""
    population = facts.entity.population
    read = [population.key] if population.since is None else [population.key, population.since]
    source = stored_table(population.table, read)
    since: Expression = cast(null(), UTC_TIMESTAMP)
    if population.since is not None:
        since = func.min(facts.dialect.stored(source.c[population.since], TIMESTAMP))
    column: Expression = source.c[population.key]
    own = key_of(column, facts.entity.key_type, facts.dialect)
    found = (
        select(own.label(_KEY), since.label(_SINCE))
        .where(has_key(column, key, facts.dialect))
        .group_by(own)
    )
    user = found.cte(facts.name("person"))
    joined = facts.joined(user, user.c[_KEY], fields)
    values = [
        _read_as(value.expression, value.type, facts).label(f"{_FIELD}{feature.field}")
        for feature, value in joined.values.items()
        if isinstance(feature, FieldFeature)
    ]
    return select(_read_as(user.c[_SINCE], TIMESTAMP, facts).label(_SINCE), *values).select_from(
        joined.relation
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
