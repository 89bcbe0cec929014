"""Tables of tests in ClickHouse: a folder of chDB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chdb
import pyarrow as pa
import pyarrow.parquet as pq

from segflow.model.project import Project
from tests.agreement.data import Tables, arrow_table, columns

FOLDER = "shop.chdb"


@contextmanager
def chdb_owner(folder: Path, settings: str = "") -> Iterator[Any]:
    """Somebody who may write to the folder's database; nobody else has it open."""
    (folder / FOLDER).mkdir(exist_ok=True)
    connection = chdb.connect(f"file:{folder / FOLDER}?session_timezone=UTC&{settings}")
    try:
        yield connection
    finally:
        connection.close()


def write_tables(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Make tables with the types that they have in Arrow, each column of which may be missing."""
    with chdb_owner(folder) as owner:
        for name, content in tables.items():
            declared = ", ".join(f'"{one.name}" {_type(one.type)}' for one in content.schema)
            owner.query(f'DROP TABLE IF EXISTS "{name}" SYNC')
            owner.query(f'CREATE TABLE "{name}" ({declared}) ENGINE = MergeTree ORDER BY tuple()')
            if content.num_rows:
                file = folder / f"{name}.given.parquet"
                pq.write_table(content, file)
                owner.query(f"INSERT INTO \"{name}\" SELECT * FROM file('{file}', Parquet)")


def write_clickhouse(
    folder: Path, project: Project, tables: Tables, stored_as: Mapping[str, str]
) -> None:
    """Write the tables of a project."""
    write_tables(
        folder,
        {
            name: arrow_table(types, tables.get(name, ()), stored_as.get(name, "us"))
            for name, types in columns(project).items()
        },
    )


def _type(type_: pa.DataType) -> str:
    named = {
        pa.string(): "String",
        pa.bool_(): "Bool",
        pa.date32(): "Date32",
        pa.float64(): "Float64",
        pa.uint64(): "UInt64",
        pa.uint32(): "UInt32",
        pa.uint8(): "UInt8",
        pa.int64(): "Int64",
        pa.int32(): "Int32",
        pa.int16(): "Int16",
        pa.int8(): "Int8",
    }
    if pa.types.is_list(type_):
        return f"Array({_type(type_.value_type)})"
    if pa.types.is_decimal(type_):
        return f"Nullable(Decimal({type_.precision}, {type_.scale}))"
    if pa.types.is_timestamp(type_):
        return f"Nullable(DateTime64({({'ms': 3, 'us': 6, 'ns': 9})[type_.unit]}, 'UTC'))"
    return f"Nullable({named[type_]})"
