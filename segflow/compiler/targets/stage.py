"""A test's users as tables, and the catalog that says so: what an engine is shown of a test.

Where a project keeps its data says nothing about what its segments mean. So each entity and each
event has a table of its own here, with a column for everything that the catalog declares.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from segflow.model.address import Address
from segflow.model.catalog import (
    Entity,
    Event,
    EventId,
    EventTable,
    Field,
    History,
    Location,
    Population,
    Property,
    Relation,
    Source,
)
from segflow.model.compiled import Compiled
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)
from segflow.model.keys import value_type
from segflow.model.project import Object
from segflow.model.scalar import Stored
from segflow.model.trial import TypedTrial, TypedUser
from segflow.model.types import BOOLEAN, STRING, TIMESTAMP, ValueType
from segflow.ports import Column, StagedTable

_KEY, _SINCE, _TIME, _ID = "key", "since", "time", "id"
_GRANTED, _CHANNEL = "granted", "channel"

Row = Mapping[str, Stored | None]


def staged(compiled: Compiled, source: Source) -> Compiled:
    """The project with all its data in the tables of stage_tables(), in one source."""
    objects: dict[Address, Object] = {source.address: source}
    for address, one in compiled.project.objects.items():
        match one:
            case Entity():
                objects[address] = _entity(one, source)
            case Event():
                objects[address] = _event(one, source)
            case ConsentTopic():
                objects[address] = _consent(one, source)
            case Suppression():
                objects[address] = _suppression(one, source)
            case ContactAddress(at=Location()):
                column = _column(one.text_field)
                at = Location(source=source.name, table=_users(one.entity), key=_KEY, column=column)
                objects[address] = replace(one, at=at)
            case Relation():
                objects[address] = replace(one, from_column=_leads(one.name))
            case Source():
                pass
            case _:
                objects[address] = one
    return replace(
        compiled,
        project=replace(compiled.project, objects=objects),
        entities={name: _entity(one, source) for name, one in compiled.entities.items()},
    )


def stage_tables(
    compiled: Compiled, trial: TypedTrial, rests_on: Iterable[Address]
) -> Iterator[StagedTable]:
    """The tables of a test: of users, their past and suppressions for each entity among the objects
    that its segment rests on, and one for each event and each topic of consent among them, with the
    rows that there are."""
    for address in sorted(rests_on):
        match compiled.project.objects.get(address):
            case Entity(name=name):
                yield from _entity_tables(compiled, compiled.entities[name], trial)
            case Event() as event:
                yield _event_table(event, compiled.entities, trial)
            case ConsentTopic() as topic:
                yield _consents_table(topic, compiled.entities[topic.entity], trial)
            case _:
                pass


def _entity_tables(compiled: Compiled, entity: Entity, trial: TypedTrial) -> Iterator[StagedTable]:
    users = [one for one in trial.users if one.entity == entity.name]
    leading = [one for one in compiled.project.relations() if one.from_entity == entity.name]
    yield _users_table(entity, leading, compiled.entities, users)
    for field in entity.fields:
        if field.history is not None:
            yield _history_table(entity, field, users)
    yield _suppressed_table(entity, users)


# --- the catalog -----------------------------------------------------------------------------


def _entity(entity: Entity, source: Source) -> Entity:
    population = Population(
        source=source.name,
        table=_users(entity.name),
        key=_KEY,
        since=None if entity.population.since is None else _SINCE,
        where=entity.population.where,
    )
    fields = tuple(_field(field, entity.name, source) for field in entity.fields)
    return replace(entity, population=population, fields=fields)


def _field(field: Field, entity: str, source: Source) -> Field:
    if field.derived is not None:
        return field
    column = _column(field.name)
    at = Location(source=source.name, table=_users(entity), key=_KEY, column=column)
    history = None
    if field.history is not None:
        table = _changes(entity, field.name)
        history = History(source=source.name, table=table, key=_KEY, time=_TIME, column=column)
    return replace(field, at=(at,), history=history)


def _event(event: Event, source: Source) -> Event:
    id_ = None if event.at.id is None else EventId(column=_ID, type=event.at.id.type)
    at = EventTable(
        source=source.name, table=_events(event.name), time=_TIME, id=id_, unique=event.at.unique
    )
    return replace(
        event,
        entities=tuple((name, f"{_KEY}_{name}") for name, _ in event.entities),
        at=at,
        properties=tuple(
            Property(name=one.name, type=one.type, column=_column(one.name))
            for one in event.properties
        ),
        stream=None,
        copies=(),
    )


def _consent(topic: ConsentTopic, source: Source) -> ConsentTopic:
    table = _consents(topic.name)
    at = ConsentTable(source=source.name, table=table, key=_KEY, granted=_GRANTED)
    return replace(topic, at=at)


def _suppression(suppression: Suppression, source: Source) -> Suppression:
    """All suppressions of an entity's users are in one table."""
    table = _suppressed(suppression.entity)
    at = SuppressionTable(source=source.name, table=table, key=_KEY, channel=_CHANNEL)
    return replace(suppression, at=at)


def _users(entity: str) -> str:
    return f"users_of_{entity}"


def _events(event: str) -> str:
    return f"events_of_{event}"


def _consents(topic: str) -> str:
    return f"consents_to_{topic}"


def _suppressed(entity: str) -> str:
    return f"suppressed_of_{entity}"


def _changes(entity: str, field: str) -> str:
    return f"changes_of_{field}_of_{entity}"


def _column(name: str) -> str:
    return f"its_{name}"


def _leads(relation: str) -> str:
    return f"leads_by_{relation}"


# --- rows ------------------------------------------------------------------------------------


def _users_table(
    entity: Entity,
    leading: Iterable[Relation],
    entities: Mapping[str, Entity],
    users: Iterable[TypedUser],
) -> StagedTable:
    stored = [field for field in entity.fields if field.derived is None]
    columns = [
        _key_column(_KEY, entity),
        Column(name=_SINCE, type=TIMESTAMP),
        *(_value_column(field.name, field.type) for field in stored),
        *(_key_column(_leads(one.name), entities[one.to_entity]) for one in leading),
    ]
    rows: list[Row] = [
        {
            _KEY: user.key,
            _SINCE: user.since,
            **_named(user.fields),
            **{_leads(name): key for name, key in user.via},
        }
        for user in users
    ]
    return StagedTable(name=_users(entity.name), columns=tuple(columns), rows=tuple(rows))


def _history_table(entity: Entity, field: Field, users: Iterable[TypedUser]) -> StagedTable:
    """The changes of a field; who has none has its value at every instant."""
    columns = (
        _key_column(_KEY, entity),
        Column(name=_TIME, type=TIMESTAMP),
        _value_column(field.name, field.type),
    )
    rows: list[Row] = [
        {_KEY: user.key, _TIME: time, _column(field.name): value}
        for user in users
        for name, changes in user.history
        if name == field.name
        for time, value in changes
    ]
    table = _changes(entity.name, field.name)
    return StagedTable(name=table, columns=columns, rows=tuple(rows))


def _event_table(event: Event, entities: Mapping[str, Entity], trial: TypedTrial) -> StagedTable:
    id_ = STRING if event.at.id is None else value_type(event.at.id.type)
    columns = [
        *(_key_column(f"{_KEY}_{name}", entities[name]) for name, _ in event.entities),
        Column(name=_TIME, type=TIMESTAMP),
        Column(name=_ID, type=id_),
        *(_value_column(one.name, one.type) for one in event.properties),
    ]
    rows: list[Row] = [
        {
            f"{_KEY}_{user.entity}": user.key,
            _TIME: one.time,
            _ID: one.id,
            **_named(one.properties),
        }
        for user in trial.users
        for one in user.events
        if one.event == event.name
    ]
    return StagedTable(name=_events(event.name), columns=tuple(columns), rows=tuple(rows))


def _consents_table(topic: ConsentTopic, entity: Entity, trial: TypedTrial) -> StagedTable:
    columns = (_key_column(_KEY, entity), Column(name=_GRANTED, type=BOOLEAN))
    rows: list[Row] = [
        {_KEY: user.key, _GRANTED: said}
        for user in trial.users
        for name, said in user.consents
        if name == topic.name
    ]
    return StagedTable(name=_consents(topic.name), columns=columns, rows=tuple(rows))


def _suppressed_table(entity: Entity, users: Iterable[TypedUser]) -> StagedTable:
    columns = (_key_column(_KEY, entity), Column(name=_CHANNEL, type=STRING))
    rows: list[Row] = [
        {_KEY: user.key, _CHANNEL: name} for user in users for name in user.suppressed
    ]
    return StagedTable(name=_suppressed(entity.name), columns=columns, rows=tuple(rows))


def _key_column(name: str, entity: Entity) -> Column:
    return Column(name=name, type=STRING if entity.key_type == "string" else None)


def _value_column(name: str, type_: ValueType) -> Column:
    return Column(name=_column(name), type=type_)


def _named(values: Iterable[tuple[str, Stored]]) -> Row:
    return {_column(name): value for name, value in values}
