"""Tables as the database file that SQLite reads."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

from segflow.errors import UnusableDataError
from segflow.model.scalar import Stored
from segflow.model.types import ValueType
from segflow.ports import StagedTable

_FILE = "stage.db"


def write_sqlite(folder: Path, tables: Iterable[StagedTable]) -> str:
    """Write the tables into a database file of the folder; give the file's name.

    Raises UnusableDataError for a key beyond the integers that SQLite holds.
    """
    with closing(sqlite3.connect(folder / _FILE)) as connection:
        for table in tables:
            columns = ", ".join(f'"{one.name}" {_type(one.type)}' for one in table.columns)
            connection.execute(f'CREATE TABLE "{table.name}" ({columns})')
            places = ", ".join("?" * len(table.columns))
            rows = [[_stored(row.get(one.name)) for one in table.columns] for row in table.rows]
            try:
                connection.executemany(f'INSERT INTO "{table.name}" VALUES ({places})', rows)
            except OverflowError as error:
                raise UnusableDataError(
                    "SQLite holds no integer beyond 2^63 - 1", hint="give the user another key"
                ) from error
        connection.commit()
    return _FILE


def _type(type_: ValueType | None) -> str:
    match None if type_ is None else "string" if type_.is_list else type_.name:
        case None | "integer" | "timestamp" | "boolean":
            return "INTEGER"
        case "float":
            return "REAL"
        case _:
            return "TEXT"


def _stored(value: Stored | None) -> str | int | float | None:
    """Decimals and dates as their texts, lists as JSON; the engine reads these."""
    match value:
        case tuple():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case _:
            return value
