"""What tables seem to be: those of an entity, of its fields, or of an event. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from segflow.app.draft.tables import Column, Table, singular
from segflow.model.catalog import Entity
from segflow.model.keys import KeyType
from segflow.model.types import STRING


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityGuess:
    """Users by the rows of the first of `tables`, all of which have one row for each of them."""

    reference: str
    tables: tuple[Table, ...]

    @property
    def key_type(self) -> KeyType:
        """The type of the keys."""
        return _key_type(_unique(self.tables[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGuess:
    """Something that users do, a row each. `entity` has the reference `reference`."""

    table: Table
    reference: str
    key: Column
    time: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """What the tables seem to be. `left` says why a table is none of it."""

    entities: tuple[EntityGuess, ...]
    events: tuple[EventGuess, ...]
    left: tuple[tuple[str, str], ...]


_PEOPLE = re.compile(
    r"(user|customer|client|member|person|people|contact|subscriber|guest|player|patient|student)\Z"
)
References = Mapping[str, Entity]
"""Entities of the catalog by what tables call their keys, in lower case."""


def references(known: Iterable[Entity]) -> References:
    """What tables call the keys of entities: as the population does, or after the entity."""
    return {
        reference: entity
        for entity in known
        for reference in (f"{entity.name}_id", entity.population.key.lower())
        if reference != "id"  # that of any table
    }


def guess(tables: Sequence[Table], known: References) -> Guesses:
    """What the tables seem to be, beside the entities that the catalog knows already.

    A table with a column that alone tells its rows apart is one of an entity, and one with a time
    and a column that has the name of an entity's key is an event. Where both hold, it is one of an
    entity if other tables have a column with the name of its key, or if it is named after people.
    """
    known_types = {reference: entity.key_type for reference, entity in known.items()}
    of_users = [table for table in tables if _is_entity(table, tables, known_types)]
    entities = _entities([table for table in of_users if reference_of(table) not in known])
    types = known_types | {one.reference: one.key_type for one in entities}
    of_entities = {table.name for one in entities for table in one.tables}
    events: list[EventGuess] = []
    left: list[tuple[str, str]] = []
    for table in tables:
        if table.name in of_entities:
            continue
        if table in of_users:
            entity = known[reference_of(table)]
            left.append((table.name, f"has fields of the entity {entity.name}, which is there"))
            continue
        found = _event(table, types)
        if isinstance(found, str):
            left.append((table.name, found))
        else:
            events.append(found)
    return Guesses(entities=entities, events=tuple(events), left=tuple(left))


def reference_of(table: Table) -> str:
    """What other tables would call the key of this one."""
    name = _unique(table).name.lower()
    return f"{singular(table.name).lower()}_id" if name == "id" else name


def _is_entity(table: Table, tables: Sequence[Table], known: Mapping[str, KeyType]) -> bool:
    if table.unique is None:
        return False
    reference = reference_of(table)
    if any(reference in _others(other) for other in tables if other is not table):
        return True
    if _PEOPLE.search(singular(table.name).lower()) or not any(_times(table)):
        return True
    keys = {reference_of(other) for other in tables if other.unique and other is not table}
    return not _others(table) & (keys | set(known))


def _others(table: Table) -> set[str]:
    """The names of columns that may hold keys, without that of the table's own."""
    unique = table.unique
    return {one.name.lower() for one in table.columns if one.may_be_key and one is not unique}


def _entities(tables: Sequence[Table]) -> tuple[EntityGuess, ...]:
    """Tables with the same key are of one entity; that with the name of the key comes first."""
    by_reference: dict[tuple[str, KeyType], list[Table]] = {}
    for table in tables:
        by_reference.setdefault((reference_of(table), _key_type(_unique(table))), []).append(table)
    made: dict[str, EntityGuess] = {}
    for (reference, _), found in by_reference.items():
        first = sorted(found, key=lambda one: f"{singular(one.name).lower()}_id" != reference)
        made.setdefault(reference, EntityGuess(reference=reference, tables=tuple(first)))
    return tuple(made.values())


def _event(table: Table, types: Mapping[str, KeyType]) -> EventGuess | str:
    """The event that a table seems to hold, or why it seems to hold none."""
    times = list(_times(table))
    if not times:
        return "has neither a column of its own key nor one of times"
    for column in table.columns:
        reference = column.name.lower()
        if column.may_be_key and types.get(reference) == _key_type(column):
            return EventGuess(table=table, reference=reference, key=column, time=times[0])
    return "has no column with the name of an entity's key"


def _times(table: Table) -> Iterator[Column]:
    """Columns that may say when a row happened, the likeliest first."""
    for name in ("timestamp", "date"):
        yield from (one for one in table.columns if one.type is not None and str(one.type) == name)


def _unique(table: Table) -> Column:
    assert table.unique is not None, "it was made sure of"
    return table.unique


def _key_type(column: Column) -> KeyType:
    return "string" if column.type == STRING else "integer"
