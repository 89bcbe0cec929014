"""Tables on each engine, made by the same SQL: what doctor and drafts of catalogs look at."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.agreement.clickhouse import FOLDER, chdb_owner
from tests.agreement.hosts import drop_schema, in_schema, postgres_schema
from tests.agreement.mariadb import drop_database, in_database, mariadb_database

_NAME = f"segflow_stores_{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Store:
    """An engine that makes tables by statements, in which {text} and its like stand for types. They
    are in `folder`, or on a server where nothing else is. `types` are its words for types."""

    engine: str
    types: Mapping[str, str]
    make: Callable[[Path, Sequence[str]], None]
    url: Callable[[], str]
    forget: Callable[[], None] = lambda: None

    def source(self, folder: Path, statements: Sequence[str], name: str = "shop") -> str:
        """The source of the catalog, with the tables that the statements make, and nothing else."""
        self.make(folder, [statement.format(**self.types) for statement in statements])
        return f"source: {name}\nengine: {self.engine}\nurl: {self.url()}\n"


def _duckdb(folder: Path, statements: Sequence[str]) -> None:
    (folder / "shop.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def _sqlite(folder: Path, statements: Sequence[str]) -> None:
    (folder / "shop.db").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _clickhouse(folder: Path, statements: Sequence[str]) -> None:
    """Columns may be missing unless it is said otherwise, as elsewhere; nothing is unique."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    with chdb_owner(folder) as owner:
        for setting in _AS_ELSEWHERE:
            owner.query(f"SET {setting} = 1")
        for statement in statements:
            owner.query(statement.replace(" PRIMARY KEY", " NOT NULL PRIMARY KEY"))


_AS_ELSEWHERE = ("data_type_default_nullable", "create_table_empty_primary_key_by_default")


def _postgres(folder: Path, statements: Sequence[str]) -> None:
    with postgres_schema(_NAME) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _mariadb(folder: Path, statements: Sequence[str]) -> None:
    with mariadb_database(_NAME) as cursor:
        for statement in statements:
            cursor.execute(statement)


DUCKDB = Store(
    "duckdb",
    {
        "text": "VARCHAR",
        "integer": "BIGINT",
        "money": "DECIMAL(18,2)",
        "double": "DOUBLE",
        "time": "TIMESTAMP",
        "date": "DATE",
        "boolean": "BOOLEAN",
    },
    _duckdb,
    lambda: "shop.duckdb",
)
SQLITE = Store(
    "sqlite",
    {
        "text": "TEXT",
        "integer": "INTEGER",
        "money": "TEXT",
        "double": "REAL",
        "time": "TIMESTAMP",
        "date": "DATE",
        "boolean": "BOOLEAN",
    },
    _sqlite,
    lambda: "shop.db",
)
POSTGRES = Store(
    "postgres",
    {
        "text": "text",
        "integer": "bigint",
        "money": "numeric(18,2)",
        "double": "double precision",
        "time": "timestamptz",
        "date": "date",
        "boolean": "boolean",
    },
    _postgres,
    lambda: in_schema(_NAME),
    lambda: drop_schema(_NAME),
)
MARIADB = Store(
    "mysql",
    {
        "text": "varchar(50) COLLATE utf8mb4_nopad_bin",
        "integer": "bigint",
        "money": "decimal(18,2)",
        "double": "double",
        "time": "datetime(6)",
        "date": "date",
        "boolean": "boolean",
    },
    _mariadb,
    lambda: in_database(_NAME),
    lambda: drop_database(_NAME),
)
CLICKHOUSE = Store(
    "clickhouse",
    {
        "text": "String",
        "integer": "Int64",
        "money": "Decimal(18, 2)",
        "double": "Float64",
        "time": "DateTime64(6)",
        "date": "Date32",
        "boolean": "Bool",
    },
    _clickhouse,
    lambda: FOLDER,
)
PROMISING = (DUCKDB, SQLITE, POSTGRES, MARIADB)
"""Those whose tables say what is unique."""
STORES = (*PROMISING, CLICKHOUSE)


@pytest.fixture(params=PROMISING, ids=lambda store: store.engine)
def promising(request: pytest.FixtureRequest) -> Iterator[Store]:
    """As store, of those whose tables say what is unique."""
    yield request.param
    request.param.forget()


@pytest.fixture(params=STORES, ids=lambda store: store.engine)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each engine in turn; what was made on its server is removed afterwards."""
    yield request.param
    request.param.forget()
