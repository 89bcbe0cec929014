"""An entity as a source sees it that is not its own: there is no population, only keys."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from segflow.compiler.passes.reads import Mention
from segflow.model.catalog import Entity, Population
from segflow.model.compiled import population_set


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned(Population):
    """The keys that any of the tables mentions."""

    tables: tuple[Mention, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Population):
    """The population itself, given as the id set that the table is called by."""


def seen_by_mentions(entity: Entity, source: str, mentions: Iterable[Mention]) -> Entity:
    """The users of whom tables of a source speak, of which there is one at least."""
    tables = tuple(dict.fromkeys(mentions))
    population = Mentioned(source=source, table=tables[0].table, key=tables[0].key, tables=tables)
    return replace(_placed(entity), population=population)


def seen_when_sent(entity: Entity, source: str) -> Entity:
    """Exactly the users of the population, whose keys are sent to the source."""
    population = Sent(source=source, table=population_set(entity.name), key="key")
    return replace(_placed(entity), population=population)


def _placed(entity: Entity) -> Entity:
    """The entity whose fields say themselves where they are, and not by its population."""
    table, key = entity.population.table, entity.population.key
    fields = tuple(
        replace(
            field,
            at=tuple(replace(at, table=at.table or table, key=at.key or key) for at in field.at),
        )
        for field in entity.fields
    )
    return replace(entity, fields=fields)
