"""A test's user as tables, and the catalog that says so: what an engine is shown of a test.

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
    Source,
)
from segflow.model.compiled import Compiled
from segflow.model.contact import ConsentTable, ConsentTopic, Suppression, SuppressionTable
from segflow.model.keys import Key
from segflow.model.project import Object
from segflow.model.scalar import Scalar
from segflow.model.trial import TypedEvent, TypedTrial
from segflow.model.types import BOOLEAN, INTEGER, STRING, TIMESTAMP
from segflow.ports import Column, StagedTable

_KEY, _SINCE, _TIME, _ID = "key", "since", "time", "id"
_GRANTED, _CHANNEL = "granted", "channel"
_SUPPRESSED = "suppressed"


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
    """The tables of a test: one of its user, one of suppressions, and one for each event and each
    topic of consent among the objects that its segment rests on, with the rows that there are."""
    entity = compiled.entity_of(trial.segment)
    yield _user_table(entity, trial)
    for field in entity.fields:
        if field.history is not None:
            yield _history_table(entity, field)
    yield _suppressed_table(entity, trial)
    for address in sorted(rests_on):
        match compiled.project.objects.get(address):
            case Event() as event:
                happened = [one for one in trial.events if one.event == event.name]
                yield _event_table(event, compiled.entities, entity.name, trial.key, happened)
            case ConsentTopic(name=topic):
                yield _consents_table(topic, entity, trial)
            case _:
                pass


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
    )


def _consent(topic: ConsentTopic, source: Source) -> ConsentTopic:
    table = _consents(topic.name)
    at = ConsentTable(source=source.name, table=table, key=_KEY, granted=_GRANTED)
    return replace(topic, at=at)


def _suppression(suppression: Suppression, source: Source) -> Suppression:
    """All suppressions are in one table."""
    at = SuppressionTable(source=source.name, table=_SUPPRESSED, key=_KEY, channel=_CHANNEL)
    return replace(suppression, at=at)


def _users(entity: str) -> str:
    return f"users_of_{entity}"


def _events(event: str) -> str:
    return f"events_of_{event}"


def _consents(topic: str) -> str:
    return f"consents_to_{topic}"


def _changes(entity: str, field: str) -> str:
    return f"changes_of_{field}_of_{entity}"


def _column(name: str) -> str:
    return f"its_{name}"


# --- rows ------------------------------------------------------------------------------------


def _user_table(entity: Entity, trial: TypedTrial) -> StagedTable:
    stored = [field for field in entity.fields if field.derived is None]
    columns = [
        _key_column(_KEY, entity),
        Column(name=_SINCE, type=TIMESTAMP),
        *(Column(name=_column(field.name), type=field.type) for field in stored),
    ]
    row: dict[str, Scalar | None] = {_KEY: trial.key, _SINCE: trial.since, **_named(trial.fields)}
    return StagedTable(name=_users(entity.name), columns=tuple(columns), rows=(row,))


def _history_table(entity: Entity, field: Field) -> StagedTable:
    """No change is known of a test's user: fields have their values at every instant."""
    columns = (
        _key_column(_KEY, entity),
        Column(name=_TIME, type=TIMESTAMP),
        Column(name=_column(field.name), type=field.type),
    )
    return StagedTable(name=_changes(entity.name, field.name), columns=columns, rows=())


def _key_column(name: str, entity: Entity) -> Column:
    return Column(name=name, type=STRING if entity.key_type == "string" else None)


def _event_table(
    event: Event,
    entities: Mapping[str, Entity],
    entity: str,
    key: Key,
    happened: Iterable[TypedEvent],
) -> StagedTable:
    id_ = INTEGER if event.at.id is not None and event.at.id.type == "integer" else STRING
    columns = [
        *(_key_column(f"{_KEY}_{name}", entities[name]) for name, _ in event.entities),
        Column(name=_TIME, type=TIMESTAMP),
        Column(name=_ID, type=id_),
        *(Column(name=_column(one.name), type=one.type) for one in event.properties),
    ]
    rows: list[Mapping[str, Scalar | None]] = [
        {f"{_KEY}_{entity}": key, _TIME: one.time, _ID: one.id, **_named(one.properties)}
        for one in happened
    ]
    return StagedTable(name=_events(event.name), columns=tuple(columns), rows=tuple(rows))


def _consents_table(topic: str, entity: Entity, trial: TypedTrial) -> StagedTable:
    columns = (_key_column(_KEY, entity), Column(name=_GRANTED, type=BOOLEAN))
    rows: list[Mapping[str, Scalar | None]] = [
        {_KEY: trial.key, _GRANTED: said} for name, said in trial.consents if name == topic
    ]
    return StagedTable(name=_consents(topic), columns=columns, rows=tuple(rows))


def _suppressed_table(entity: Entity, trial: TypedTrial) -> StagedTable:
    columns = (_key_column(_KEY, entity), Column(name=_CHANNEL, type=STRING))
    rows: list[Mapping[str, Scalar | None]] = [
        {_KEY: trial.key, _CHANNEL: name} for name in trial.suppressed
    ]
    return StagedTable(name=_SUPPRESSED, columns=columns, rows=tuple(rows))


def _named(values: Iterable[tuple[str, Scalar]]) -> Mapping[str, Scalar]:
    return {_column(name): value for name, value in values}
