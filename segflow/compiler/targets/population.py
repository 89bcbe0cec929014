"""The population in SQL: every key that exists at an instant."""

from typing import Any

from sqlalchemy import Select, column, select, table, union

from segflow.compiler.dialects.base import Dialect, Expression
from segflow.compiler.passes.reads import Mention
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.seen import Mentioned, Sent
from segflow.compiler.targets.values import not_later, stored_table
from segflow.model.catalog import Entity
from segflow.model.instant import Instant
from segflow.model.types import TIMESTAMP


def population_keys(entity: Entity, as_of: Instant, dialect: Dialect) -> Select[Any]:
    """Every key once that exists at the instant, as the column KEY; rows without a key are nobody.
    The condition of the population, if it has one, is not tested here."""
    population = entity.population
    match population:
        case Sent():
            given = table(population.table, column(population.key))
            return select(key_of(given.c[population.key], entity.key_type, dialect).label(KEY))
        case Mentioned(tables=tables):
            every = [_mentioned(one, entity, dialect) for one in tables]
            if len(every) == 1:
                return every[0]
            return select(union(*every).subquery("mentioned").c[KEY])
        case _:
            pass
    read = [population.key] if population.since is None else [population.key, population.since]
    source = stored_table(population.table, read)
    held: Expression = source.c[population.key]
    key = key_of(held, entity.key_type, dialect)
    found = select(key.label(KEY)).distinct().where(held.is_not(None))
    if population.since is not None:
        since = dialect.stored(source.c[population.since], TIMESTAMP)
        found = found.where(not_later(since, as_of))
    return found


def _mentioned(mention: Mention, entity: Entity, dialect: Dialect) -> Select[Any]:
    """The keys that a table speaks of; negative numbers are nobody's."""
    held: Expression = stored_table(mention.table, [mention.key]).c[mention.key]
    found = select(key_of(held, entity.key_type, dialect).label(KEY)).distinct()
    found = found.where(held.is_not(None))
    return found.where(held >= 0) if entity.key_type == "integer" else found
