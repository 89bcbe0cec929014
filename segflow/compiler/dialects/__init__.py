"""What differs between SQL engines, in one place: a module per engine, all with the same hooks."""

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Dialect, Expression, Traits
from segflow.compiler.dialects.clickhouse import CLICKHOUSE
from segflow.compiler.dialects.duckdb import DUCKDB, DuckDb
from segflow.compiler.dialects.mysql import MYSQL
from segflow.compiler.dialects.postgres import POSTGRES
from segflow.compiler.dialects.sqlite import SQLITE

DIALECTS: dict[str, Dialect] = {
    "duckdb": DUCKDB,
    "sqlite": SQLITE,
    "postgres": POSTGRES,
    "mysql": MYSQL,
    "clickhouse": CLICKHOUSE,
}
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
