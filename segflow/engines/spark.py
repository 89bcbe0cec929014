"""Spark on Parquet files, in this process or on any cluster; asked with SELECTs only.

A question is one job, whatever it asks of how many segments. Keys come back as bitmaps that are
made where the rows are, see spark_keys.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pyroaring import BitMap64
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DecimalType, IntegralType, StringType
from sqlalchemy import column, select, table
from sqlalchemy.sql import Select

from segflow.compiler.dialects import dialect_of
from segflow.compiler.targets.keys import repeated_keys
from segflow.compiler.targets.newest import select_newest
from segflow.compiler.values import text_matches
from segflow.engines.arrow import key_set, key_sets, keys_given, plain_rows
from segflow.engines.connected import (
    NEGATIVE,
    NO_INTEGERS,
    NO_TEXTS,
    newest_of,
    repeated_error,
)
from segflow.engines.files import Stamp, file_inside, stamp_of
from segflow.engines.parquet import finer_columns, open_parquet
from segflow.engines.servers import TIMED_OUT, longest
from segflow.engines.spark_errors import spark_errors
from segflow.engines.spark_keys import SCHEMA, packing, unpacked
from segflow.engines.spark_session import (
    close_session,
    master_of,
    open_session,
    without_warnings,
)
from segflow.engines.spark_sql import SPARK_SQL, query_of, quoted, rendered
from segflow.errors import (
    SourceUnavailableError,
    UnusableDataError,
)
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.ports import (
    MASK_BITS,
    KeyColumn,
    Keys,
    Reached,
    Selection,
    Statement,
    Volume,
    as_select,
)

_Answer = TypeVar("_Answer")
_AGAIN = 0.1
"""Seconds until what was given up is told so once more."""

_FLOORED = "timestamp_micros({0} DIV 1000 - IF({0} % 1000 < 0, 1, 0))"
"""The nanoseconds of a timestamp, floored to what Spark has."""


class SparkEngine:
    """One Spark source. Spark is started when it is first asked; paths without a scheme are files
    of the project, which the machines of a cluster see at the same place."""

    def __init__(self, source: Source, root: Path, url: str | None = None) -> None:
        """`url` is that of the source with its secret filled in: the master.

        Raises RefusedError for a url that is none, SourceUnavailableError for a file that is not
        there.
        """
        self._source = source.name
        self._master = master_of(source.name, url or str(source.url))
        self._seconds = longest(source.limits) / 1_000 or None
        self._opened: SparkSession | None = None
        self._workers: ThreadPoolExecutor
        self._remote = {name: path for name, path in source.tables if "://" in path}
        self._files = {
            name: file_inside(source.name, root, path)
            for name, path in source.tables
            if name not in self._remote
        }
        self._names = {name.casefold() for name, _ in source.tables}
        self._stamps: dict[str, Stamp] = {}
        self._checked: dict[KeyColumn, Stamp] = {}

    # --- the port ---

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        return self._answered(self._columns, table)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        return self._answered(self._members, selection, sets)

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine. The order of the rows, which costs a pass over them, is of no use here."""
        return self._answered(self._memberships, selection, sets, count)

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        return self._answered(self._values, selection, sets)

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        return self._answered(self._rows, statement)

    def reached(self) -> Reached:
        """See Engine."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        return newest_of(self.rows(select_newest(table, column, dialect_of("spark"))))

    def read_so_far(self) -> Volume:
        """See Engine. Spark counts for its own pages alone, which are not open."""
        return Volume()

    def render(self, statement: Statement) -> str:
        """See Engine."""
        return rendered(as_select(statement))

    def close(self) -> None:
        """See Engine."""
        if self._opened is not None:
            self._opened = None
            self._workers.shutdown()
            close_session()

    # --- questions, in a thread that Ctrl-C does not reach ---

    def _columns(self, session: SparkSession, table: str) -> Mapping[str, str] | None:
        self._register_changed(session)
        if table.casefold() not in self._names:
            return None
        return dict(session.table(quoted(table)).dtypes)

    def _members(
        self, session: SparkSession, selection: Selection, sets: Mapping[str, Keys]
    ) -> Keys:
        with self._selected(session, selection, sets) as found:
            self._check_keys(found, selection)
            if selection.key_type == "string":
                return key_set(found.toArrow().column(0))
            (members,) = self._packed(found, 0)
            return members

    def _memberships(
        self, session: SparkSession, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        with self._selected(session, selection, sets, in_order=False) as found:
            self._check_keys(found, selection)
            if selection.key_type == "string":
                rows = found.toArrow()
                return key_sets(rows.column(0), rows, count)
            return tuple(self._packed(found, count))

    def _values(
        self, session: SparkSession, selection: Selection, sets: Mapping[str, Keys]
    ) -> Sequence[Mapping[str, Any]]:
        with self._selected(session, selection, sets) as found:
            return plain_rows(found.toArrow(), as_select(selection.statement), SPARK_SQL)

    def _rows(self, session: SparkSession, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        self._register_changed(session)
        return plain_rows(self._frame(session, statement).toArrow(), statement, SPARK_SQL)

    def _answered(self, question: Callable[..., _Answer], *given: Any) -> _Answer:
        """What a question gives. PySpark waits for a job to its end, and what interrupts it in the
        middle breaks its connection to Java: so another thread asks than the one that hears
        Ctrl-C, and what is given up is cancelled."""
        session = self._session()
        answer = self._workers.submit(self._asked, question, session, *given)
        try:
            wait([answer], self._seconds)
            if not answer.done():
                told = f"source {self._source}: no answer within {self._seconds:g} seconds"
                raise SourceUnavailableError(told, hint=TIMED_OUT)
            return answer.result()
        finally:
            # What has only just begun has no job yet that could be cancelled.
            while not (answer.done() or answer.cancel()):
                self._workers.submit(session.sparkContext.cancelAllJobs)
                wait([answer], _AGAIN)

    def _asked(self, question: Callable[..., _Answer], *given: Any) -> _Answer:
        with spark_errors(self._source):
            return question(*given)

    def _session(self) -> SparkSession:
        if self._opened is None:
            self._workers = ThreadPoolExecutor(max_workers=2)
            opening = self._workers.submit(self._open)
            try:
                self._opened = opening.result()
            finally:
                if self._opened is None:
                    self._workers.shutdown()
                    if opening.exception() is None:
                        close_session()
        return self._opened

    def _open(self) -> SparkSession:
        session = open_session(self._source, self._master)
        self._stamps.clear()
        try:
            with spark_errors(self._source):
                for name, path in self._remote.items():
                    self._register(name, session.read.parquet(path))
        except BaseException:
            close_session()
            raise
        return session

    # --- tables ---

    def _register_changed(self, session: SparkSession) -> None:
        """Open the files that were not opened yet, or are others by now: Spark keeps in mind what
        was there when it looked first."""
        for name, file in self._files.items():
            stamp = stamp_of(self._source, file)
            if self._stamps.get(name) != stamp:
                self._register(name, self._read(session, name, file))
                self._stamps[name] = stamp

    def _register(self, name: str, frame: DataFrame) -> None:
        frame.createOrReplaceTempView(quoted(name))

    def _read(self, session: SparkSession, name: str, file: Path) -> DataFrame:
        fine = finer_columns(open_parquet(self._source, name, file).schema)
        # A path is a name, not a pattern of several.
        reader = session.read.option("__globPaths__", "false")
        frame = reader.parquet(f"file:{file}")
        if not fine:
            return frame
        floored = (
            f"{_FLOORED.format(quoted(one))} AS {quoted(one)}" if one in fine else quoted(one)
            for one in frame.columns
        )
        return frame.selectExpr(*floored)

    # --- asking ---

    @contextmanager
    def _selected(
        self,
        session: SparkSession,
        selection: Selection,
        sets: Mapping[str, Keys],
        *,
        in_order: bool = True,
    ) -> Iterator[DataFrame]:
        """What the selection gives, which is asked for when it is read. The sets that it names are
        views until the end."""
        self._register_changed(session)
        for of in selection.one_row:
            self._check_one_row(session, of)
        statement = as_select(selection.statement)
        if not in_order:
            statement = statement.order_by(None)
        given = {name: (_keys(sets[name]), "key") for name in selection.sets}
        for split in selection.splits:
            found = self._frame(session, split.values).toArrow().column(0).to_pylist()
            passing = [one for one in found if text_matches(split.test.op, one, split.test.text)]
            given[split.name] = pa.array(passing, pa.string()), "value"
        try:
            for number, (name, (content, header)) in enumerate(given.items(), start=1):
                view = _view(number)
                with without_warnings():
                    frame = session.createDataFrame(pa.table({header: content}))
                frame.createOrReplaceTempView(view)
                held: Select[Any] = select(column(header)).select_from(table(view))
                statement = statement.add_cte(held.cte(name))
            yield self._frame(session, statement)
        finally:
            for number in range(1, len(given) + 1):
                session.catalog.dropTempView(_view(number))

    def _frame(self, session: SparkSession, statement: Select[Any]) -> DataFrame:
        query = query_of(statement)
        # SparkSession.sql() would take ten times as long to hand over the parameters.
        return DataFrame(session._jsparkSession.sql(query.text, dict(query.parameters)), session)

    def _packed(self, found: DataFrame, count: int) -> list[BitMap64]:
        with without_warnings():
            parts = found.mapInArrow(packing(count, MASK_BITS), SCHEMA)
        sets = unpacked(parts.toArrow(), max(count, 1))
        if sets is None:
            raise UnusableDataError(
                f"source {self._source}: a key is negative, or beyond 64 bits", hint=NEGATIVE
            )
        return sets

    def _check_keys(self, found: DataFrame, selection: Selection) -> None:
        type_ = found.schema.fields[0].dataType
        if selection.key_type == "string":
            if not isinstance(type_, StringType):
                raise self._unfit_keys(type_.simpleString(), "texts", NO_TEXTS)
        elif not (isinstance(type_, IntegralType) or _is_whole(type_)):
            raise self._unfit_keys(type_.simpleString(), "integers", NO_INTEGERS)

    def _unfit_keys(self, held: str, wanted: str, hint: str) -> UnusableDataError:
        told = f"source {self._source}: keys are of type {held}, not {wanted}"
        return UnusableDataError(told, hint=hint)

    def _check_one_row(self, session: SparkSession, of: KeyColumn) -> None:
        """Refuse a table of fields in which a key has two rows; asked once while the file stays as
        it is, of files elsewhere each time."""
        stamp = self._stamps.get(of.table)
        if stamp is not None and self._checked.get(of) == stamp:
            return
        asked = repeated_keys(of, dialect_of("spark"))
        (found,) = self._frame(session, asked).toArrow().to_pylist()
        count, example = found.values()
        if count:
            raise repeated_error(self._source, of, count, example)
        if stamp is not None:
            self._checked[of] = stamp


def _view(number: int) -> str:
    return f"segflow_given_{number}"


def _keys(keys: Keys) -> pa.Array:
    """The keys as a column; those that no integer of Spark holds as decimals."""
    found = keys_given(keys)
    return found.cast(pa.decimal128(20, 0)) if found.type == pa.uint64() else found


def _is_whole(type_: Any) -> bool:
    return isinstance(type_, DecimalType) and type_.scale == 0
