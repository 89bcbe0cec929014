"""The population in SQL: every key that exists at an instant."""

from typing import Any

from sqlalchemy import Select, select

from segflow.compiler.dialects.base import Dialect, Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.values import not_later, stored_table
from segflow.model.catalog import Entity
from segflow.model.instant import Instant
from segflow.model.types import TIMESTAMP


def population_keys(entity: Entity, as_of: Instant, dialect: Dialect) -> Select[Any]:
    """Every key once that exists at the instant, as the column KEY; rows without a key are nobody.
    The condition of the population, if it has one, is not tested here."""
    population = entity.population
    read = [population.key] if population.since is None else [population.key, population.since]
    source = stored_table(population.table, read)
    column: Expression = source.c[population.key]
    key = key_of(column, entity.key_type, dialect)
    found = select(key.label(KEY)).distinct().where(column.is_not(None))
    if population.since is not None:
        since = dialect.stored(source.c[population.since], TIMESTAMP)
        found = found.where(not_later(since, as_of))
    return found
