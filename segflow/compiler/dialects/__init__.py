"""What differs between SQL engines, in one place: a module per engine, all with the same hooks."""

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Dialect, Expression, Traits
from segflow.compiler.dialects.duckdb import DUCKDB, DuckDb

DIALECTS: dict[str, Dialect] = {"duckdb": DUCKDB}
"""By the catalog's name of the engine."""

__all__ = [
    "DIALECTS",
    "DUCKDB",
    "UTC_TIMESTAMP",
    "Condition",
    "Dialect",
    "DuckDb",
    "Expression",
    "Traits",
]
