"""DuckDB: Parquet files or a database file, read without the power to write or to reach others.

Files are handed to DuckDB as Arrow datasets, or as a database opened read-only; its own access to
the file system is off from the start and the configuration is locked before anything is asked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb_engine import Dialect
from pyroaring import BitMap64
from sqlalchemy.sql import Select

from segflow.compiler.dialects import DIALECTS
from segflow.compiler.targets.keys import repeated_keys
from segflow.compiler.targets.newest import select_newest
from segflow.compiler.values import text_matches
from segflow.engines.arrow import key_set, key_sets, typed_keys
from segflow.engines.connected import MISSING, UNFIT, first_line, newest_of, repeated_error
from segflow.engines.files import Stamp, file_inside, stamp_of
from segflow.engines.parquet import finer_columns, open_parquet
from segflow.errors import SourceUnavailableError, UnusableDataError
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.ports import KeyColumn, Keys, Reached, Selection, Split, Statement, Volume, as_select

_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # else a query could name a variable of ours
}
# Keys that lie within so many bits of each other are grouped by their places in an array, which
# takes a third of the time of a hash table; the array has a row for each key that there could be.
_DENSE_BITS = 21
_SETTLED = (
    f"SET GLOBAL TimeZone = 'UTC'; SET GLOBAL perfect_ht_threshold = {_DENSE_BITS};"
    " SET GLOBAL preserve_insertion_order = false; SET enable_profiling = 'no_output';"
    " SET tracked_metrics = ['query.total_rows_scanned']; SET lock_configuration = true"
)
_SIGNED = 2**63

# What can't name a column unquoted; SQLAlchemy knows PostgreSQL's words, and these are more.
_RESERVED = (
    "SELECT keyword_name FROM duckdb_keywords()"
    " WHERE keyword_category IN ('reserved', 'type_function')"
)

# What DuckDB makes of the KeyboardInterrupt when a person stops it while a query runs.
_INTERRUPTED = "Query interrupted"

# The nanoseconds of a timestamp, floored to what DuckDB compares exactly: its own cast rounds.
_FLOORED = "make_timestamp(epoch_ns({0}) // 1000 - CAST(epoch_ns({0}) % 1000 < 0 AS BIGINT))"


class DuckDbEngine:
    """One DuckDB source, open for reading. Relative paths are relative to the project."""

    def __init__(self, source: Source, root: Path, url: str | None = None) -> None:
        """Open the source; `url` is that of the source with its secret filled in.

        Raises SourceUnavailableError.
        """
        self._source = source.name
        self._dialect = Dialect(paramstyle="numeric_dollar")
        self._files: dict[str, Path] = {}
        self._stamps: dict[str, Stamp] = {}
        self._checked: dict[KeyColumn, Stamp | None] = {}
        # Rows of its own tables are counted by DuckDB; those of Arrow it takes as they come.
        self._rows_read: int | None = None if source.tables else 0
        with self._errors():
            if source.tables:
                self._connection = _locked(":memory:")
                for table, path in source.tables:
                    self._files[table] = file_inside(source.name, root, path)
                self._register_changed()
            else:
                file = file_inside(source.name, root, url or str(source.url))
                self._connection = _locked(str(file), read_only=True)
                self._floor_stored()
            names = self._dialect.identifier_preparer
            words = self._connection.execute(_RESERVED).fetchall()
            names.reserved_words = names.reserved_words.union(word for (word,) in words)

    # --- the port ---

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        query = (
            "SELECT column_name, data_type FROM duckdb_columns()"
            " WHERE lower(table_name) = lower($1) ORDER BY internal, column_index"
        )
        with self._errors():
            self._register_changed()
            found = self._connection.execute(query, [table]).fetchall()
        return dict(found) or None

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        with self._errors():
            return key_set(self._typed(self._select(selection, sets), selection))

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        with self._errors():
            found = self._select(selection, sets)
            return key_sets(self._typed(found, selection), found, count)

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._errors():
            found: list[dict[str, Any]] = self._select(selection, sets).to_pylist()
        return found

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._errors():
            self._register_changed()
            found: list[dict[str, Any]] = self._run(statement).to_pylist()
        return found

    def reached(self) -> Reached:
        """See Engine."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        return newest_of(self.rows(select_newest(table, column, DIALECTS["duckdb"])))

    def read_so_far(self) -> Volume:
        """See Engine. Bytes that DuckDB counts are those that were not in its memory."""
        return Volume(rows=self._rows_read)

    def render(self, statement: Statement) -> str:
        """See Engine."""
        compiled = as_select(statement).compile(
            dialect=self._dialect, compile_kwargs={"literal_binds": True}
        )
        return str(compiled)

    def close(self) -> None:
        """See Engine."""
        self._connection.close()

    # --- opening ---

    def _register_changed(self) -> None:
        """Open the files that were not opened yet, or are others by now: what was read of a file
        when it was opened does not fit one that was written in its place."""
        for table, file in self._files.items():
            stamp = stamp_of(self._source, file)
            if self._stamps.get(table) != stamp:
                self._register_file(table, file)
                self._stamps[table] = stamp

    def _register_file(self, table: str, file: Path) -> None:
        dataset = open_parquet(self._source, table, file)
        fine = finer_columns(dataset.schema)
        stored = f"{table}, as stored" if fine else table
        self._connection.register(stored, dataset)
        if fine:
            self._floor(table, _quoted(stored), fine)

    def _floor_stored(self) -> None:
        """Do for the tables of a database file what is done for files as they are registered."""
        query = (
            "SELECT database_name, schema_name, table_name, list(column_name) FROM duckdb_columns()"
            " WHERE data_type IN ('TIMESTAMP_NS', 'TIMESTAMPTZ_NS') AND NOT internal GROUP BY ALL"
        )
        for *path, table, columns in self._connection.execute(query).fetchall():
            self._floor(table, ".".join(map(_quoted, (*path, table))), columns)

    def _floor(self, table: str, stored: str, columns: Sequence[str]) -> None:
        """Put a view before a table whose timestamps are finer than DuckDB compares exactly."""
        floored = ", ".join(
            f"{_FLOORED.format(_quoted(name))} AS {_quoted(name)}" for name in columns
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {_quoted(table)} AS"
            f" SELECT * REPLACE ({floored}) FROM {stored}"
        )

    # --- asking ---

    def _select(self, selection: Selection, sets: Mapping[str, Keys]) -> pa.Table:
        self._register_changed()
        for of in selection.one_row:
            self._check_one_row(of)
        given = {name: pa.table({"key": _keys(sets[name])}) for name in selection.sets}
        given |= {split.name: self._passing(split) for split in selection.splits}
        for name, content in given.items():
            self._connection.register(name, content)
        try:
            made = sum(self._make(name, stage) for name, stage in selection.stages.items())
            return self._run(as_select(selection.statement), of_stages=made)
        finally:
            for name in selection.stages:
                self._connection.execute(f"DROP TABLE IF EXISTS temp.{_quoted(name)}")
            for name in given:
                self._connection.unregister(name)

    def _passing(self, split: Split) -> pa.Table:
        found = self._run(split.values).column("value").to_pylist()
        passing = [text for text in found if text_matches(split.test.op, text, split.test.text)]
        return pa.table({"value": pa.array(passing, pa.string())})

    def _run(self, statement: Select[Any], of_stages: int = 0) -> pa.Table:
        text, parameters = self._written(statement)
        found = self._connection.sql(text, params=parameters).to_arrow_table()
        self._count_rows(of_stages)
        return found

    def _make(self, name: str, stage: Select[Any]) -> int:
        """Make a table and tell how many rows it has. A temporary one of DuckDB's own knows between
        which keys it lies, as Arrow's don't."""
        text, parameters = self._written(stage)
        made = self._connection.execute(
            f"CREATE TEMP TABLE {_quoted(name)} AS {text}", parameters
        ).fetchall()
        self._count_rows()
        return int(made[0][0])

    def _written(self, statement: Select[Any]) -> tuple[str, list[Any]]:
        compiled = statement.compile(
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        values = compiled.params
        return str(compiled), [values[name] for name in compiled.positiontup or ()]

    def _count_rows(self, of_stages: int = 0) -> None:
        """Add what the last query read, but for the rows of stages. A connection that did not
        settle the settings of its database file is told nothing."""
        if self._rows_read is not None:
            told = json.loads(self._connection.get_profiling_information(format="json"))
            read = told.get("query", {}).get("total_rows_scanned")
            self._rows_read = None if read is None else self._rows_read + int(read) - of_stages

    def _typed(self, found: pa.Table, selection: Selection) -> pa.ChunkedArray:
        return typed_keys(self._source, found.column(0), selection.key_type)

    def _check_one_row(self, of: KeyColumn) -> None:
        """Refuse a table of fields in which a key has two rows; asked once while the file stays as
        it is (nobody can write to a database file that is open here)."""
        stamp = self._stamps.get(of.table)
        if of in self._checked and self._checked[of] == stamp:
            return
        (found,) = self._run(repeated_keys(of, DIALECTS["duckdb"])).to_pylist()
        count, example = found.values()
        if count:
            raise repeated_error(self._source, of, count, example)
        self._checked[of] = stamp

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """DuckDB's errors as ours."""
        try:
            yield
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise UnusableDataError(
                f"source {self._source}: {first_line(error)}",
                hint=MISSING,
            ) from error
        except duckdb.DataError as error:
            raise UnusableDataError(
                f"source {self._source}: {first_line(error)}",
                hint=UNFIT,
            ) from error
        except (duckdb.Error, OSError) as error:
            raise SourceUnavailableError(f"source {self._source}: {first_line(error)}") from error
        except RuntimeError as error:
            if str(error) != _INTERRUPTED:
                raise
            raise KeyboardInterrupt from error


def _locked(database: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(database, read_only=read_only, config=_SAFE)
    # Within a process, connections to one database file share its settings: the first one settles.
    (locked,) = connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0]
    if not locked:
        connection.execute(_SETTLED)
    return connection


def _keys(keys: Keys) -> pa.Array:
    """The keys as an Arrow array. Ordinals are not copied; they are signed where they fit, as most
    keys are."""
    return _ordinals(keys) if isinstance(keys, BitMap64) else pa.array(sorted(keys), pa.string())


def _ordinals(ordinals: BitMap64) -> pa.Array:
    type_ = pa.int64() if not ordinals or ordinals.max() < _SIGNED else pa.uint64()
    return pa.Array.from_buffers(type_, len(ordinals), [None, pa.py_buffer(ordinals.to_array())])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
