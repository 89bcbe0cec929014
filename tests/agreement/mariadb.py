"""Tables of tests in MariaDB, in a database of their own; the collation of texts ignores case,
accents and spaces at the end.

Making a table takes longer than most tests: one that was made alike is emptied instead.
"""

import atexit
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from math import isinf, isnan
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

from segflow.model.project import Project
from segflow.model.types import ValueType
from tests.agreement.data import KEY, Row, Tables, columns
from tests.services import mariadb_owner_url, mariadb_url

DATABASE = f"segflow_test_{os.getpid()}"


def in_database(name: str, url: str | None = None) -> str:
    """The url of the server, or another one, for the tables of one database."""
    return urlsplit(url or mariadb_url())._replace(path=f"/{name}").geturl()


@contextmanager
def connected(url: str) -> Iterator[pymysql.cursors.Cursor]:
    """Somebody's cursor, each of whose statements is committed."""
    place = urlsplit(url)
    connection = pymysql.connect(
        host=place.hostname or "",
        port=place.port or 0,
        user=place.username,
        password=place.password or "",
        charset="utf8mb4",
        autocommit=True,
    )
    with closing(connection), closing(connection.cursor()) as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        yield cursor


_made: dict[str, str] = {}
"""How the tables of DATABASE were made that are in it."""


@contextmanager
def mariadb_database(name: str = DATABASE) -> Iterator[pymysql.cursors.Cursor]:
    """The owner in an empty database."""
    if name == DATABASE:
        _made.clear()
        atexit.register(drop_database)
    with connected(mariadb_owner_url()) as cursor:
        if cursor.execute("SHOW DATABASES LIKE %s", [name]):
            cursor.execute(f"DROP DATABASE {name}")
        cursor.execute(f"CREATE DATABASE {name} COLLATE utf8mb4_general_ci")
        cursor.execute(f"USE {name}")
        yield cursor


def drop_database(name: str = DATABASE) -> None:
    """Remove the database, if there is one."""
    with connected(mariadb_owner_url()) as cursor:
        if cursor.execute("SHOW DATABASES LIKE %s", [name]):
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def _kept_database() -> Iterator[pymysql.cursors.Cursor]:
    """The owner in DATABASE, as it was left."""
    if not _made:
        with mariadb_database() as cursor:
            yield cursor
        return
    with connected(mariadb_owner_url()) as cursor:
        cursor.execute(f"USE {DATABASE}")
        yield cursor


def insert(cursor: pymysql.cursors.Cursor, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Put rows into a table, many at a time."""
    if rows:
        places = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO `{table}` VALUES ({places})", rows)


def write_mariadb(
    folder: Path, project: Project, tables: Tables, stored_as: Mapping[str, str]
) -> None:
    """Write the tables of a project."""
    with _kept_database() as cursor:
        for name, types in columns(project).items():
            unit, rows = stored_as.get(name, "us"), tables.get(name, ())
            declared = ", ".join(
                f"`{column}` {_type(type_, unit, rows, column)} NULL"
                for column, type_ in types.items()
            )
            if _made.get(name) == declared:
                cursor.execute(f"DELETE FROM `{name}`")
            else:
                cursor.execute(f"CREATE OR REPLACE TABLE `{name}` ({declared})")
                _made[name] = declared
            insert(cursor, name, [[_value(row.get(one), unit) for one in types] for row in rows])


def _type(type_: ValueType, unit: str, rows: Sequence[Row], column: str) -> str:
    if type_.is_list:
        return "longtext"
    match type_.name:
        case "integer":
            return "bigint unsigned" if type_ == KEY else "bigint"
        case "decimal":
            return "double" if unit == "double" else f"decimal({type_.precision}, {type_.scale})"
        case "float":
            return "double"
        case "timestamp" if unit == "us utc" and all(_is_near(row.get(column)) for row in rows):
            return "timestamp(6)"
        case "timestamp":
            return {"ms": "datetime(3)", "date": "date"}.get(unit, "datetime(6)")
        case "string" | "version":
            return "longtext"
        case name:
            return name


def _is_near(moment: datetime | None) -> bool:
    """A TIMESTAMP has 32 bits of seconds."""
    return moment is None or 1970 < moment.year < 2038


def _value(value: Any, unit: str) -> Any:
    match value:
        case Decimal() if value.is_nan():
            return None
        case Decimal() if unit == "double":
            return float(value)
        case float():
            return None if isnan(value) else value
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None)
            if unit == "ms":
                return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            return moment.date() if unit == "date" else moment
        case list():
            return json.dumps(value)
        case _:
            return value


def can_hold(value: Any) -> bool:
    """MariaDB has no infinity; NaN is missing, and so is what is written for it."""
    return not (isinstance(value, float) and isinf(value))
