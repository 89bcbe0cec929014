"""Tables of tests in ClickHouse: in a folder of chDB, or in a database of a server."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chdb
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client

from segflow.model.project import Project
from tests.agreement.data import Tables, arrow_table, columns
from tests.services import clickhouse_owner_url, clickhouse_url

FOLDER = "shop.chdb"
DATABASE = f"segflow_test_{os.getpid()}"


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
            owner.query(f'DROP TABLE IF EXISTS "{name}" SYNC')
            owner.query(_made(name, content))
            if content.num_rows:
                file = folder / f"{name}.given.parquet"
                pq.write_table(content, file)
                owner.query(f"INSERT INTO \"{name}\" SELECT * FROM file('{file}', Parquet)")


@contextmanager
def clickhouse_owner(database: str = DATABASE) -> Iterator[Client]:
    """Somebody who may write to an empty database of the server."""
    drop_clickhouse(database)
    with closing(clickhouse_client(clickhouse_owner_url())) as owner:
        owner.command(f"CREATE DATABASE {database}")
        owner.database = database
        yield owner


def drop_clickhouse(database: str = DATABASE) -> None:
    """Remove the database of the server, if there is one."""
    with closing(clickhouse_client(clickhouse_owner_url())) as owner:
        owner.command(f"DROP DATABASE IF EXISTS {database} SYNC")


def in_clickhouse(database: str = DATABASE, url: str | None = None) -> str:
    """The url of the server, or another one, for the tables of one database."""
    return urlsplit(url or clickhouse_url())._replace(path=f"/{database}").geturl()


def write_to_server(tables: Mapping[str, pa.Table], database: str = DATABASE) -> None:
    """Make tables as write_tables() does, in an empty database of the server."""
    with clickhouse_owner(database) as owner:
        for name, content in tables.items():
            owner.command(_made(name, content))
            if content.num_rows:
                written = BytesIO()
                pq.write_table(content, written)
                owner.raw_insert(f'"{name}"', insert_block=written.getvalue(), fmt="Parquet")


def clickhouse_client(url: str) -> Client:
    """Whoever the url names, in no database."""
    place = urlsplit(url)
    return get_client(
        host=place.hostname,
        port=place.port,
        username=place.username,
        password=place.password,
        settings={"session_timezone": "UTC"},
    )


def _made(name: str, content: pa.Table) -> str:
    declared = ", ".join(f'"{one.name}" {_type(one.type)}' for one in content.schema)
    return f'CREATE TABLE "{name}" ({declared}) ENGINE = MergeTree ORDER BY tuple()'


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
