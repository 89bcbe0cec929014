"""What differs between SQL engines, in one place: a module per engine, all with the same hooks."""

from functools import cache
from importlib import import_module

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Dialect, Expression, Traits

_OWN = {
    "duckdb": "DUCKDB",
    "sqlite": "SQLITE",
    "postgres": "POSTGRES",
    "mysql": "MYSQL",
    "clickhouse": "CLICKHOUSE",
    "spark": "SPARK",
}


@cache
def dialect_of(engine: str) -> Dialect:
    """The dialect of an engine by the catalog's name of it; imported when it is first asked for,
    since most projects need one or two. Raises KeyError for an engine without SQL."""
    name = _OWN[engine]
    own: Dialect = getattr(import_module(f"{__name__}.{engine}"), name)
    return own


__all__ = [
    "UTC_TIMESTAMP",
    "Condition",
    "Dialect",
    "Expression",
    "Traits",
    "dialect_of",
]
