"""The engines that agreements ask: each is given the rows of a project's tables in its own way."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from segflow.engines.clickhouse import ClickHouseEngine
from segflow.engines.clickhouse_chdb import EmbeddedHost
from segflow.engines.duckdb import DuckDbEngine
from segflow.engines.mysql import MySqlEngine
from segflow.engines.postgres import PostgresEngine
from segflow.engines.sqlite import SqliteEngine
from segflow.model.catalog import Source
from segflow.model.project import Project
from segflow.model.types import ValueType
from segflow.ports import Engine
from tests.agreement.clickhouse import FOLDER, write_clickhouse
from tests.agreement.data import (
    KEY,
    Row,
    Tables,
    columns,
    floored,
    well_formed,
    write_parquet,
)
from tests.agreement.mariadb import (
    DATABASE,
    can_hold,
    in_database,
    write_mariadb,
)
from tests.agreement.spark import MASTER, spark_engine
from tests.services import postgres_owner_url, postgres_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An engine under test. `url` gives what its source says, None for the files of the project;
    `keys` is the greatest key that it can hold, and `holds` says so of other values. `write` puts
    tables where `opened` reads them, and `forget` removes what is not in the folder. `version` is
    the function of its SQL that tells which it is; one of `files` reads those of the project,
    whatever its url is; `strict` engines fail on text that is no JSON
    where JSON is read. A full run goes on until so many `pairs` were judged, and each cell was hit
    the `least` number of times."""

    name: str
    url: Callable[[], str] | None
    keys: int
    write: Callable[[Path, Project, Tables, Mapping[str, str]], None]
    open: Callable[[Source, Path], Engine]
    forget: Callable[[], None] = lambda: None
    version: str = "version"
    files: bool = False
    strict: bool = False
    holds: Callable[[Any], bool] = lambda value: True
    pairs: int = 10_000
    least: int = 50

    def of(self, project: Project) -> Project:
        """The project with its sources on this engine."""
        if self.url is None:
            return project
        moved = {
            address: replace(
                found, engine=self.name, url=self.url(), tables=found.tables if self.files else ()
            )
            for address, found in project.objects.items()
            if isinstance(found, Source)
        }
        return replace(project, objects={**project.objects, **moved})

    def held(self, project: Project, tables: Tables) -> Tables:
        """The rows that the engine can hold, with nothing in place of what it would fail on."""

        def fits(row: Row) -> bool:
            return all(
                one <= self.keys if isinstance(one, int) else self.holds(one)
                for one in row.values()
            )

        held = {name: [row for row in rows if fits(row)] for name, rows in tables.items()}
        return well_formed(project, held) if self.strict else held

    @contextmanager
    def opened(self, project: Project, folder: Path) -> Iterator[Engine]:
        """The engine on the project's one source."""
        (source,) = (found for found in project if isinstance(found, Source))
        engine = self.open(source, folder)
        try:
            yield engine
        finally:
            engine.close()
            self.forget()


# --- SQLite ----------------------------------------------------------------------------------

_SQLITE_FILE = "shop.db"


def _write_sqlite(
    folder: Path, project: Project, tables: Tables, stored_as: Mapping[str, str]
) -> None:
    (folder / _SQLITE_FILE).unlink(missing_ok=True)
    connection = sqlite3.connect(folder / _SQLITE_FILE)
    for name, types in columns(project).items():
        unit = stored_as.get(name, "us")
        declared = ", ".join(
            f'"{column}" {_sqlite_type(type_, unit)}' for column, type_ in types.items()
        )
        connection.execute(f'CREATE TABLE "{name}" ({declared})')
        rows = [
            [_sqlite_value(row.get(column), unit) for column in types]
            for row in tables.get(name, ())
        ]
        places = ", ".join("?" * len(types))
        connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
    connection.commit()
    connection.close()


def _sqlite_type(type_: ValueType, unit: str) -> str:
    if type_.is_list:
        return "TEXT"
    match type_.name:
        case "integer":
            return "INTEGER"
        case "float":
            return "REAL"
        case "boolean":
            return "BOOLEAN"
        case "timestamp" if unit == "ms":
            return "INTEGER"
        case "timestamp":
            return "TIMESTAMP"
        case "string":
            return "TEXT COLLATE NOCASE"
        case _:
            return "TEXT"


def _sqlite_value(value: Any, unit: str) -> Any:
    match value:
        case Decimal():
            return str(value)
        case datetime():
            return _sqlite_instant(value.astimezone(UTC), unit)
        case date():
            return value.isoformat()
        case list():
            return json.dumps(value)
        case _:
            return value


def _sqlite_instant(moment: datetime, unit: str) -> Any:
    match unit:
        case "ms":
            return floored(moment)
        case "ns":
            return moment.isoformat().replace("+00:00", "Z")
        case "us utc":
            return moment.isoformat()
        case "date":
            return moment.date().isoformat()
        case _:
            return moment.replace(tzinfo=None).isoformat(" ")


# --- PostgreSQL ------------------------------------------------------------------------------

POSTGRES_SCHEMA = f"segflow_test_{os.getpid()}"


def in_schema(name: str, url: str | None = None) -> str:
    """The url of the server, or another one, for the tables of one schema."""
    return f"{url or postgres_url()}?options=-csearch_path%3D{name}"


def _write_postgres(
    folder: Path, project: Project, tables: Tables, stored_as: Mapping[str, str]
) -> None:
    with postgres_schema() as connection:
        for name, types in columns(project).items():
            unit, rows = stored_as.get(name, "us"), tables.get(name, ())
            declared = sql.SQL(", ").join(
                sql.SQL("{} " + _postgres_type(type_, unit, rows, column)).format(
                    sql.Identifier(column)
                )
                for column, type_ in types.items()
            )
            table = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, declared))
            copying = sql.SQL("COPY {} FROM STDIN").format(table)
            with connection.cursor().copy(copying) as copy:
                for row in rows:
                    copy.write_row([_postgres_value(row.get(name), unit) for name in types])


@contextmanager
def postgres_schema(name: str = POSTGRES_SCHEMA) -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty schema, whose tables anybody may read; what is made in it is
    committed at the end."""
    drop_schema(name)
    with psycopg.connect(postgres_owner_url()) as connection:
        schema = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO PUBLIC").format(schema))
        readable = "ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO PUBLIC"
        connection.execute(sql.SQL(readable).format(schema))
        connection.execute(sql.SQL("SET search_path = {}").format(schema))
        connection.execute("SET TIME ZONE 'UTC'")
        yield connection


def drop_schema(name: str) -> None:
    """Remove the schema, if there is one, and what is in it."""
    with psycopg.connect(postgres_owner_url()) as connection:
        connection.execute("SET client_min_messages = warning")
        dropped = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name))
        connection.execute(dropped)


def _postgres_type(type_: ValueType, unit: str, rows: Sequence[Row], column: str) -> str:
    if type_.is_list:
        return {"string": "text[]", "integer": "bigint[]"}[type_.name]
    match type_.name:
        case "integer" if type_ == KEY and any((row.get(column) or 0) >= 2**63 for row in rows):
            return "numeric(20)"
        case "integer":
            return "bigint"
        case "decimal":
            return (
                "double precision"
                if unit == "double"
                else f"numeric({type_.precision}, {type_.scale})"
            )
        case "float":
            return "double precision"
        case "timestamp":
            return {"us": "timestamp", "ms": "timestamp(3)", "date": "date"}.get(
                unit, "timestamptz"
            )
        case "string" | "version":
            return 'text COLLATE "en-x-icu"'
        case name:
            return name


def _postgres_value(value: Any, unit: str) -> Any:
    match value:
        case Decimal() if unit == "double":
            return float(value)
        case datetime() if unit in ("us", "ms", "date"):
            moment = value.astimezone(UTC).replace(tzinfo=None)
            if unit == "ms":
                return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            return moment.date() if unit == "date" else moment
        case _:
            return value


DUCKDB = Host(name="duckdb", url=None, keys=2**64 - 1, write=write_parquet, open=DuckDbEngine)
SQLITE = Host(
    name="sqlite",
    url=lambda: _SQLITE_FILE,
    keys=2**63 - 1,
    write=_write_sqlite,
    open=SqliteEngine,
    version="sqlite_version",
)
POSTGRES = Host(
    name="postgres",
    url=lambda: in_schema(POSTGRES_SCHEMA),
    keys=2**64 - 1,
    write=_write_postgres,
    open=lambda source, folder: PostgresEngine(source),
    strict=True,
    forget=lambda: drop_schema(POSTGRES_SCHEMA),
)
MYSQL = Host(
    name="mysql",
    url=lambda: in_database(DATABASE),
    keys=2**64 - 1,
    write=write_mariadb,
    open=lambda source, folder: MySqlEngine(source),
    holds=can_hold,
)
CLICKHOUSE = Host(
    name="clickhouse",
    url=lambda: FOLDER,
    keys=2**64 - 1,
    write=write_clickhouse,
    open=lambda source, folder: ClickHouseEngine(source, EmbeddedHost(source, folder)),
    pairs=5_000,
    least=5,
)
SPARK = Host(
    name="spark",
    url=lambda: MASTER,
    keys=2**64 - 1,
    write=write_parquet,
    open=spark_engine,
    files=True,
    pairs=3_000,
    least=3,
)
HOSTS = (DUCKDB, SQLITE, POSTGRES, MYSQL, CLICKHOUSE)
"""Those that are asked everything; Spark, which takes seconds to plan a question, is asked less."""
