"""DuckDB as a source: Parquet files or a database file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb_engine import Dialect
from sqlalchemy.sql import Select

from segflow.compiler.dialects import dialect_of
from segflow.compiler.targets.keys import repeated_keys
from segflow.compiler.targets.newest import select_newest
from segflow.compiler.values import text_matches
from segflow.engines.arrow import key_set, key_sets, keys_given, typed_keys
from segflow.engines.connected import MISSING, UNFIT, first_line, newest_of, repeated_error
from segflow.engines.duckdb_instance import Answer, Instance, Written
from segflow.engines.files import Stamp
from segflow.engines.merging import merged
from segflow.errors import SourceUnavailableError, UnusableDataError
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.ports import KeyColumn, Keys, Reached, Selection, Split, Statement, Volume, as_select

# What can't name a column unquoted; SQLAlchemy knows PostgreSQL's words, and these are more.
_RESERVED = (
    "SELECT keyword_name FROM duckdb_keywords()"
    " WHERE keyword_category IN ('reserved', 'type_function')"
)

# What DuckDB makes of the KeyboardInterrupt when a person stops it while a query runs.
_INTERRUPTED = "Query interrupted"


class DuckDbEngine:
    """One DuckDB source, open for reading. Relative paths are relative to the project."""

    def __init__(self, source: Source, root: Path, url: str | None = None) -> None:
        """Open the source; `url` is that of the source with its secret filled in.

        Raises SourceUnavailableError.
        """
        self._source = source.name
        self._dialect = Dialect(paramstyle="numeric_dollar")
        self._checked: dict[KeyColumn, Stamp | None] = {}
        # Rows of its own tables are counted by DuckDB; those of Arrow it takes as they come.
        self._rows_read: int | None = None if source.tables else 0
        with self._errors():
            self._instance = Instance(source, root, url)
            names = self._dialect.identifier_preparer
            words = self._instance.connection.execute(_RESERVED).fetchall()
            names.reserved_words = names.reserved_words.union(word for (word,) in words)

    # --- the port ---

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        query = (
            "SELECT column_name, data_type FROM duckdb_columns()"
            " WHERE lower(table_name) = lower($1) ORDER BY internal, column_index"
        )
        with self._errors():
            self._instance.open_changed()
            found = self._instance.connection.execute(query, [table]).fetchall()
        return dict(found) or None

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        with self._errors():
            return key_set(self._typed(self._select(selection, sets), selection))

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine. Keys are put in order once they are here: DuckDB takes longer for it."""
        unordered = as_select(selection.statement).order_by(None)
        with self._errors():
            found = self._select(replace(selection, statement=unordered), sets)
            return key_sets(self._typed(found, selection), found, count)

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._errors():
            found: list[dict[str, Any]] = self._select(selection, sets).to_pylist()
        return found

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._errors():
            self._instance.open_changed()
            found: list[dict[str, Any]] = self._run(statement).to_pylist()
        return found

    def reached(self) -> Reached:
        """See Engine."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        return newest_of(self.rows(select_newest(table, column, dialect_of("duckdb"))))

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
        self._instance.close()

    # --- asking ---

    def _select(self, selection: Selection, sets: Mapping[str, Keys]) -> pa.Table:
        self._instance.open_changed()
        for of in selection.one_row:
            self._check_one_row(of)
        given = {name: pa.table({"key": keys_given(sets[name])}) for name in selection.sets}
        given |= {split.name: self._passing(split) for split in selection.splits}
        given |= {name: self._merged(parts, given) for name, parts in selection.merged.items()}
        for name, content in given.items():
            self._instance.connection.register(name, content)
        try:
            return self._run(as_select(selection.statement))
        finally:
            for name in given:
                self._instance.connection.unregister(name)

    def _merged(self, parts: Sequence[Select[Any]], given: Mapping[str, pa.Table]) -> pa.Table:
        answers = self._instance.ask_apart(list(map(self._written, parts)), given)
        for answer in answers:
            self._count(answer)
        first, *others = (answer.found for answer in answers)
        return merged(first, others)

    def _passing(self, split: Split) -> pa.Table:
        found = self._run(split.values).column("value").to_pylist()
        passing = [text for text in found if text_matches(split.test.op, text, split.test.text)]
        return pa.table({"value": pa.array(passing, pa.string())})

    def _run(self, statement: Select[Any]) -> pa.Table:
        answer = self._instance.ask(self._written(statement))
        self._count(answer)
        return answer.found

    def _written(self, statement: Select[Any]) -> Written:
        compiled = statement.compile(
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        values = compiled.params
        return Written(str(compiled), [values[name] for name in compiled.positiontup or ()])

    def _count(self, answer: Answer) -> None:
        if self._rows_read is not None:
            read = answer.rows_read
            self._rows_read = None if read is None else self._rows_read + read

    def _typed(self, found: pa.Table, selection: Selection) -> pa.ChunkedArray:
        return typed_keys(self._source, found.column(0), selection.key_type)

    def _check_one_row(self, of: KeyColumn) -> None:
        """Refuse a table of fields in which a key has two rows; asked once while the file stays as
        it is (nobody can write to a database file that is open here)."""
        stamp = self._instance.stamp(of.table)
        if of in self._checked and self._checked[of] == stamp:
            return
        (found,) = self._run(repeated_keys(of, dialect_of("duckdb"))).to_pylist()
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
