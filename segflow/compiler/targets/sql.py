"""A segment as one SQL query: the keys of the population that satisfy its predicate at an instant.

population LEFT JOIN tables of fields LEFT JOIN one grouped scan per event WHERE predicate
"""

from typing import Any

from sqlalchemy import Select, select

from segflow.compiler.dialects import DIALECTS, Dialect, Expression
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import needs_of
from segflow.compiler.targets.values import not_later, stored_table
from segflow.compiler.timeline import zone
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.predicate import All, Predicate
from segflow.model.types import TIMESTAMP
from segflow.ports import Selection


def select_members(compiled: Compiled, name: str, as_of: Instant) -> Selection:
    """The query for the members of a segment by its definition, static or not."""
    segment = compiled.segments[name]
    return select_keys(compiled, segment.segment.entity, segment.where, as_of)


def select_audience(compiled: Compiled, rule: str, as_of: Instant) -> Selection:
    """The query for the users whom a rule reaches before the gate."""
    audience = compiled.rules[rule].audience
    return select_keys(compiled, audience.segment.entity, audience.where, as_of)


def select_keys(
    compiled: Compiled, entity_name: str, where: Predicate, as_of: Instant
) -> Selection:
    """The query for the users of an entity's population that satisfy a typed predicate."""
    entity = compiled.entities[entity_name]
    dialect = dialect_of(compiled, entity)
    facts = Facts(
        compiled=compiled,
        entity=entity,
        as_of=as_of,
        zone=zone(compiled.project.settings.timezone),
        dialect=dialect,
    )
    described = entity.population.where
    predicate = where if described is None else All(items=(described, where))
    needs = needs_of(predicate, compiled)
    population = _population(entity, as_of, dialect).cte(facts.name("population"))
    key = population.c.key
    joined = facts.joined(population, key, needs.features)
    condition = facts.conditions(joined.values.__getitem__, key).of(predicate)
    return Selection(
        source=entity.population.source,
        statement=select(key).select_from(joined.relation).where(condition),
        sets=needs.sets,
        splits=tuple(facts.splits.values()),
        one_row=tuple(facts.one_row),
    )


def dialect_of(compiled: Compiled, entity: Entity) -> Dialect:
    """The dialect of the source that the entity's population is in."""
    source = compiled.project.source(entity.population.source)
    if source is None:
        raise AssertionError(f"there is no source {entity.population.source}")
    return DIALECTS[source.engine]


def _population(entity: Entity, as_of: Instant, dialect: Dialect) -> Select[Any]:
    """Every key once that exists at the instant; rows without a key are nobody."""
    population = entity.population
    read = [population.key] if population.since is None else [population.key, population.since]
    source = stored_table(population.table, read)
    key: Expression = source.c[population.key]
    found = select(dialect.whole(key).label("key")).distinct().where(key.is_not(None))
    if population.since is not None:
        since = dialect.stored(source.c[population.since], TIMESTAMP)
        found = found.where(not_later(since, as_of))
    return found
