"""DuckDB with the files of one source, which it reads without the power to write or reach others.

Files are handed to DuckDB as Arrow datasets, or as a database opened read-only; its own access to
the file system is off before anything is asked, and so is the power to change that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from segflow.engines.files import Stamp, file_inside, stamp_of
from segflow.engines.parquet import finer_columns, open_parquet
from segflow.model.catalog import Source

Connection = duckdb.DuckDBPyConnection

_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": "false",  # else a query could name a variable of ours
}
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    **_SAFE,
    "enable_external_access": "false",
}
# Keys that lie within so many bits of each other are grouped by their places in an array, which
# takes a third of the time of a hash table; the array has a row for each key that there could be.
_DENSE_BITS = 21
_SETTLED = (
    f"SET GLOBAL TimeZone = 'UTC'; SET GLOBAL perfect_ht_threshold = {_DENSE_BITS};"
    " SET GLOBAL preserve_insertion_order = false"
)
_COUNTING = "SET enable_profiling = 'no_output'; SET tracked_metrics = ['query.total_rows_scanned']"
_LOCKED = "SET lock_configuration = true"

# The nanoseconds of a timestamp, floored to what DuckDB compares exactly: its own cast rounds.
_FLOORED = "make_timestamp(epoch_ns({0}) // 1000 - CAST(epoch_ns({0}) % 1000 < 0 AS BIGINT))"

_IN_EACH = ("memory", "system", "temp")
_AGAIN = 0.1
"""Seconds until those that are still asking are interrupted once more."""


class Written(NamedTuple):
    """A statement in DuckDB's words, and its parameters."""

    text: str
    values: Sequence[Any]


class Answer(NamedTuple):
    """What a statement gives, and how many rows of tables were read for it, where that is told."""

    found: pa.Table
    rows_read: int | None


class Instance:
    """One source, open for reading by one `connection` that is asked in turn. Relative paths are
    relative to the project."""

    def __init__(self, source: Source, root: Path, url: str | None = None) -> None:
        """Open the source; `url` is that of the source with its secret filled in.

        Raises SourceUnavailableError, and DuckDB's errors.
        """
        self._source = source.name
        self._files = {table: file_inside(source.name, root, path) for table, path in source.tables}
        self._datasets: dict[str, Any] = {}
        self._stamps: dict[str, Stamp] = {}
        self._database: Path | None = None
        if source.tables:
            self.connection = _locked(":memory:")
            self.open_changed()
        else:
            self._database = file_inside(source.name, root, url or str(source.url))
            self.connection = _locked(str(self._database), read_only=True)
            _floor_stored(self.connection)

    def _name(self) -> str:
        """What another instance calls the database: as this one does, after its file, unless there
        is one of that name in each."""
        (name,) = self.connection.execute("SELECT current_database()").fetchall()[0]
        return quoted("source" if name in _IN_EACH else name)

    def close(self) -> None:
        """Let go of the files; harmless when done twice."""
        self.connection.close()

    # --- files ---

    def open_changed(self) -> None:
        """Open the files that were not opened yet, or are others by now: what was read of a file
        when it was opened does not fit one that was written in its place."""
        for table, file in self._files.items():
            stamp = stamp_of(self._source, file)
            if self._stamps.get(table) != stamp:
                self._datasets[table] = open_parquet(self._source, table, file)
                _register_dataset(self.connection, table, self._datasets[table])
                self._stamps[table] = stamp

    def stamp(self, table: str) -> Stamp | None:
        """What tells the file of a table from a later one; None for those of a database."""
        return self._stamps.get(table)

    # --- asking ---

    def ask(self, asked: Written) -> Answer:
        """The answer to a statement, by all threads there are."""
        return _answer(self.connection, asked, counts=not self._files)

    def ask_apart(self, asked: Sequence[Written], given: Mapping[str, pa.Table]) -> list[Answer]:
        """The answers to several statements in their order, which are asked side by side in an
        instance of their own, each by one thread if there are no more threads than statements.
        `given` are tables beside those of the source.

        One statement by several threads would take the memory of its groups for each of these, and
        would wait for one of them to put the groups together.
        """
        (threads,) = self.connection.execute("SELECT current_setting('threads')").fetchall()[0]
        side_by_side = min(threads, len(asked))
        with self._beside(side_by_side, threads - side_by_side + 1, given) as connections:
            return _side_by_side(connections, asked, counts=not self._files)

    @contextmanager
    def _beside(
        self, count: int, threads: int, given: Mapping[str, pa.Table]
    ) -> Iterator[Sequence[Connection]]:
        """So many connections to another instance on the same files, which has so many threads with
        one of those who ask."""
        with ExitStack() as closing:
            first = closing.enter_context(duckdb.connect(":memory:", config=_SAFE))
            if self._database is not None:
                database = self._name()
                file = str(self._database).replace("'", "''")
                first.execute(f"ATTACH '{file}' AS {database} (TYPE duckdb, READ_ONLY)")
            first.execute(
                f"SET enable_external_access = false; SET threads = {threads}; {_SETTLED}"
            )
            connections = [first]
            connections += [closing.enter_context(first.cursor()) for _ in range(1, count)]
            for connection in connections:
                connection.execute(_COUNTING)
                if self._database is not None:
                    connection.execute(f"USE {database}")
                    _floor_stored(connection)
                for table, dataset in self._datasets.items():
                    _register_dataset(connection, table, dataset)
                for name, content in given.items():
                    connection.register(name, content)
            first.execute(_LOCKED)
            yield connections


def _locked(database: str, *, read_only: bool = False) -> Connection:
    connection = duckdb.connect(database, read_only=read_only, config=_CLOSED)
    # Within a process, connections to one database file share its settings: the first one settles.
    (locked,) = connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0]
    if not locked:
        connection.execute(f"{_SETTLED}; {_COUNTING}; {_LOCKED}")
    return connection


def _register_dataset(connection: Connection, table: str, dataset: Any) -> None:
    fine = finer_columns(dataset.schema)
    stored = f"{table}, as stored" if fine else table
    connection.register(stored, dataset)
    if fine:
        _floor(connection, table, quoted(stored), fine)


def _floor_stored(connection: Connection) -> None:
    """Do for the tables of a database file what is done for files as they are registered."""
    query = (
        "SELECT database_name, schema_name, table_name, list(column_name) FROM duckdb_columns()"
        " WHERE data_type IN ('TIMESTAMP_NS', 'TIMESTAMPTZ_NS') AND NOT internal GROUP BY ALL"
    )
    for *path, table, columns in connection.execute(query).fetchall():
        _floor(connection, table, ".".join(map(quoted, (*path, table))), columns)


def _floor(connection: Connection, table: str, stored: str, columns: Sequence[str]) -> None:
    """Put a view before a table whose timestamps are finer than DuckDB compares exactly."""
    floored = ", ".join(f"{_FLOORED.format(quoted(name))} AS {quoted(name)}" for name in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(table)} AS SELECT * REPLACE ({floored}) FROM {stored}"
    )


def quoted(name: str) -> str:
    """The name as one of DuckDB, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def _answer(connection: Connection, asked: Written, *, counts: bool) -> Answer:
    found = connection.sql(asked.text, params=asked.values).to_arrow_table()
    return Answer(found, _rows_read(connection) if counts else None)


def _rows_read(connection: Connection) -> int | None:
    """What the last statement has read. A connection that did not settle the settings of its
    database file is told nothing."""
    told = json.loads(connection.get_profiling_information(format="json"))
    read = told.get("query", {}).get("total_rows_scanned")
    return None if read is None else int(read)


def _side_by_side(
    connections: Sequence[Connection], asked: Sequence[Written], *, counts: bool
) -> list[Answer]:
    """The answers to the statements, in their order; each connection asks one at a time. Where one
    fails, or Ctrl-C is pressed, the others are interrupted."""
    free: SimpleQueue[Connection] = SimpleQueue()
    for connection in connections:
        free.put(connection)

    def ask(one: Written) -> Answer:
        connection = free.get()
        try:
            return _answer(connection, one, counts=counts)
        finally:
            free.put(connection)

    pool = ThreadPoolExecutor(len(connections))
    # Long statements are much to do, which is begun first.
    by_length = sorted(range(len(asked)), key=lambda number: len(asked[number].text), reverse=True)
    asking = {number: pool.submit(ask, asked[number]) for number in by_length}
    try:
        done, _ = wait(asking.values(), return_when=FIRST_EXCEPTION)
        failed = [error for one in done if (error := one.exception()) is not None]
        if failed:
            raise failed[0]
        return [asking[number].result() for number in range(len(asked))]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        begun = [one for one in asking.values() if not one.cancelled()]
        while wait(begun, timeout=_AGAIN).not_done:
            for connection in connections:
                connection.interrupt()
