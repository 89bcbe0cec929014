"""One user looked up for an explanation: the queries for what the reference evaluator sees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, cast, func, null, or_, select

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Expression
from segflow.compiler.passes.walk import predicate_sites, tied_by
from segflow.compiler.targets.events import (
    may_repeat,
    properties_that_decide,
    property_column,
    property_of,
    stored_id,
)
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import declared_field, inlined_segment, properties_of
from segflow.compiler.targets.sql import facts_about
from segflow.compiler.targets.values import stored_table
from segflow.compiler.worlds import EventRow, User
from segflow.errors import UnusableDataError
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, instant_of
from segflow.model.predicate import (
    Aggregate,
    Feature,
    FieldFeature,
    InSegment,
    Predicate,
    PropertyFeature,
)
from segflow.model.scalar import Scalar
from segflow.model.types import TIMESTAMP, ValueType

_KEY, _SINCE, _TIME, _ID = "key", "since", "time", "id"
_FIELD, _PROPERTY, _OWNER = "f_", "p_", "k_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The queries for one user: `user` gives at most one row, `events` the rows of each event, and
    with them those of others that have an id of the user's.

    All are for the source named `source`; what they give is read by user_of() and events_of().
    """

    source: str
    entity: str
    key: int
    user: Select[Any]
    events: Mapping[str, Select[Any]]


def look_up(compiled: Compiled, name: str, key: int) -> Lookup:
    """The queries for the fields and events of one user that a segment's predicate rests on."""
    segment = compiled.segments[name]
    entity = compiled.entities[segment.segment.entity]
    # No aggregate is asked, so that nothing depends on the instant.
    facts = facts_about(compiled, entity.name, Instant(0))
    where = entity.population.where
    features = dict.fromkeys(
        feature
        for predicate in ((segment.where,) if where is None else (segment.where, where))
        for feature in _features(predicate, compiled, entity)
    )
    return Lookup(
        source=entity.population.source,
        entity=entity.name,
        key=key,
        user=_user(facts, key, [one for one in features if isinstance(one, FieldFeature)]),
        events={
            event: _events(facts, key, event, properties)
            for event, properties in _read(features).items()
        },
    )


def user_of(lookup: Lookup, rows: Sequence[Mapping[str, Any]]) -> User | None:
    """The user in the rows of `lookup.user`; None where the population has no such key.

    Raises UnusableDataError where a field has two values.
    """
    if not rows:
        return None
    if len(rows) > 1:
        raise UnusableDataError(
            f"source {lookup.source}: a table of fields has more than one row for key {lookup.key}",
            hint="a field has one value per key: bring the table to one row each by a view",
        )
    row = {name: _scalar(value) for name, value in rows[0].items()}
    return User(
        key=lookup.key,
        since=_instant(row[_SINCE]),
        fields={name[2:]: value for name, value in row.items() if name.startswith(_FIELD)},
    )


def events_of(lookup: Lookup, event: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[EventRow]:
    """The events in the rows of `lookup.events[event]`."""
    for found in rows:
        row = {name: _scalar(value) for name, value in found.items()}
        id_ = row[_ID]
        keys = {name[2:]: _whole(value) for name, value in row.items() if name.startswith(_OWNER)}
        yield EventRow(
            event=event,
            key=keys[lookup.entity],
            keys=tuple(keys[name] for name in sorted(keys)),
            time=_instant(row[_TIME]),
            id=id_ if isinstance(id_, str) else _whole(id_),
            properties={
                name[2:]: value for name, value in row.items() if name.startswith(_PROPERTY)
            },
        )


def _scalar(value: Any) -> Scalar | None:
    """A value as the engine gives it, instants as milliseconds."""
    if isinstance(value, datetime):
        return instant_of(value)
    assert value is None or isinstance(value, Scalar)
    return value


def _whole(value: Scalar | None) -> int | None:
    return int(value) if isinstance(value, int | Decimal) else None


def _instant(value: Scalar | None) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None


# --- what is read ----------------------------------------------------------------------------


def _features(predicate: Predicate, compiled: Compiled, entity: Entity) -> Iterator[Feature]:
    """Every stored field, property and aggregate that the predicate rests on, however deep."""
    for site in predicate_sites(predicate, (), ""):
        match site.node:
            case InSegment():
                nested = inlined_segment(site.node, compiled)
                if nested is not None:
                    yield from _features(nested, compiled, entity)
            case FieldFeature():
                yield from _of_field(site.node, compiled, entity)
            case Aggregate():
                yield site.node
            case PropertyFeature(property=name):
                yield from (_read_of(event, name) for event in site.events)
            case _:
                yield from (_read_of(event, name) for event, name in tied_by(site.node))


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
        if isinstance(derived, Aggregate) and derived.where is not None:
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


def _user(facts: Facts, key: int, fields: Iterable[FieldFeature]) -> Select[Any]:
    """One row: since when the user exists, and the fields."""
    population = facts.entity.population
    read = [population.key] if population.since is None else [population.key, population.since]
    source = stored_table(population.table, read)
    since: Expression = cast(null(), UTC_TIMESTAMP)
    if population.since is not None:
        since = func.min(facts.dialect.stored(source.c[population.since], TIMESTAMP))
    own: Expression = source.c[population.key]
    found = (
        select(own.label(_KEY), since.label(_SINCE))
        .where(own == facts.dialect.key(key))
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


def _events(facts: Facts, key: int, name: str, asked: Sequence[str]) -> Select[Any]:
    """Every row of the user's events and of others that share an id with one of them; the reference
    leaves out later ones and duplicates."""
    event = facts.event(name)
    at = event.at
    owner = dict(event.entities)[facts.entity.name]
    declared = [property_of(event, one) for one in asked]
    if may_repeat(event):
        declared = list(dict.fromkeys((*declared, *properties_that_decide(event, asked))))
    ids = () if at.id is None else (at.id.column,)
    owners = [column for _, column in event.entities]
    read = (*owners, at.time, *ids, *(one.column or one.name for one in declared))
    source = stored_table(at.table, read)

    def value(column: str, type_: ValueType) -> Expression:
        return _read_as(facts.dialect.stored(source.c[column], type_), type_, facts)

    columns = [
        value(at.time, TIMESTAMP).label(_TIME),
        (null() if at.id is None else stored_id(at.id, source, facts.dialect)).label(_ID),
        *(source.c[column].label(f"{_OWNER}{entity}") for entity, column in event.entities),
        *(
            value(one.column or one.name, one.type).label(property_column(one.name))
            for one in declared
        ),
    ]
    searched = facts.dialect.key(key)
    mine = source.c[owner] == searched
    if at.id is not None and may_repeat(event):
        own = source.alias(facts.name("own"))
        known = select(stored_id(at.id, own, facts.dialect)).where(own.c[owner] == searched)
        mine = or_(mine, stored_id(at.id, source, facts.dialect).in_(known))
    return select(*columns).where(mine)


def _read_as(value: Expression, type_: ValueType, facts: Facts) -> Expression:
    """The value as it can be handed over: instants beyond the calendar have no datetime."""
    return facts.dialect.floored(value) if type_.name == "timestamp" else value
