"""ClickHouse: a folder of chDB in this process, or a server; asked with the power to read only.

All that a question needs is bound as its parameters, sets of keys too, so that it writes nothing.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyroaring import BitMap64
from sqlalchemy import String, bindparam, func, literal, literal_column, select, text
from sqlalchemy.sql import Select

from segflow.compiler.dialects import dialect_of
from segflow.compiler.targets.keys import repeated_keys
from segflow.compiler.targets.newest import select_newest
from segflow.compiler.values import text_matches
from segflow.engines.arrow import key_set, key_sets, plain_rows, typed_keys
from segflow.engines.clickhouse_hosts import FailedQueryError, Host
from segflow.engines.clickhouse_sql import CLICKHOUSE_SQL, query_of, rendered
from segflow.engines.connected import MISSING, TOO_LARGE, UNFIT, newest_of, repeated_error
from segflow.engines.servers import DENIED, TIMED_OUT
from segflow.errors import (
    SegflowError,
    SourceUnavailableError,
    TooLargeError,
    UnusableDataError,
)
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.ports import KeyColumn, Keys, Reached, Selection, Statement, Volume, as_select

# Numbers of errors.
_SLOW = (159,)
_FORBIDDEN = (164, 291, 497)
_NAMES = (10, 16, 46, 47, 60, 81)
_LIMITS = (62, 162, 167, 168, 306)
_FULL = ("HTML Form Exception", "URI invalid or too long")
"""What a server says of a request with more, or with longer fields, than it takes."""
_DATA = (6, 26, 27, 32, 38, 41, 43, 53, 69, 70, 72, 117, 131, 321, 349, 386, 407, 457, 611)

_SIGNED = 2**63
_COLUMNS = text(
    "SELECT name, type FROM system.columns"
    " WHERE database = currentDatabase() AND table = :name ORDER BY position"
)


class ClickHouseEngine:
    """One ClickHouse source, wherever it runs."""

    def __init__(self, source: Source, host: Host) -> None:
        self._source = source.name
        self._host = host
        self._read = Volume(rows=0, bytes=0)

    # --- the port ---

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        found = self._run(_COLUMNS.bindparams(name=table).columns(name=String, type=String))
        return {row["name"]: row["type"] for row in found.to_pylist()} or None

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        return key_set(self._typed(self._select(selection, sets), selection))

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        found = self._select(selection, sets)
        return key_sets(self._typed(found, selection), found, count)

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        return self._plain(as_select(selection.statement), self._select(selection, sets))

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        return self._plain(statement, self._run(statement))

    def reached(self) -> Reached:
        """See Engine."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        return newest_of(self.rows(select_newest(table, column, dialect_of("clickhouse"))))

    def read_so_far(self) -> Volume:
        """See Engine."""
        return self._read

    def render(self, statement: Statement) -> str:
        """See Engine."""
        return rendered(as_select(statement))

    def close(self) -> None:
        """See Engine."""
        self._host.close()

    # --- asking ---

    def _select(self, selection: Selection, sets: Mapping[str, Keys]) -> pa.Table:
        for of in selection.one_row:
            self._check_one_row(of)
        statement = as_select(selection.statement)
        for name in selection.sets:
            statement = statement.add_cte(_given(sets[name]).cte(name))
        for split in selection.splits:
            found = self._run(split.values).column(0).to_pylist()
            passing = [one for one in found if text_matches(split.test.op, one, split.test.text)]
            statement = statement.add_cte(_given_texts(passing, "value").cte(split.name))
        return self._run(statement)

    def _run(self, statement: Any) -> pa.Table:
        query = query_of(statement)
        with self._errors():
            answer = self._host.ask(query)
            self._read += answer.read
            return pa.ipc.open_file(pa.BufferReader(answer.content)).read_all()

    def _plain(self, statement: Select[Any], found: pa.Table) -> Sequence[Mapping[str, Any]]:
        with self._errors():
            return plain_rows(found, statement, CLICKHOUSE_SQL)

    def _typed(self, found: pa.Table, selection: Selection) -> pa.ChunkedArray:
        return typed_keys(self._source, found.column(0), selection.key_type)

    def _check_one_row(self, of: KeyColumn) -> None:
        """Refuse a table of fields in which a key has two rows; no table promises that here."""
        (found,) = self._run(repeated_keys(of, dialect_of("clickhouse"))).to_pylist()
        count, example = found.values()
        if count:
            raise repeated_error(self._source, of, count, example)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """ClickHouse's errors as ours."""
        try:
            yield
        except FailedQueryError as error:
            raise _error(error, f"source {self._source}: {error}") from error
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise UnusableDataError(f"source {self._source}: {error}", hint=UNFIT) from error


def _error(error: FailedQueryError, told: str) -> SegflowError:
    match error.number:
        case number if number in _SLOW:
            return SourceUnavailableError(told, hint=TIMED_OUT)
        case number if number in _FORBIDDEN:
            return UnusableDataError(told, hint=DENIED)
        case number if number in _NAMES:
            return UnusableDataError(told, hint=MISSING)
        case number if number in _LIMITS or any(one in told for one in _FULL):
            return TooLargeError(told, hint=TOO_LARGE)
        case number if number in _DATA:
            return UnusableDataError(told, hint=UNFIT)
        case _:
            return SourceUnavailableError(told)


def _given(keys: Keys) -> Select[Any]:
    """A query that gives the keys in one column `key`. Ordinals are one text of their bytes, as an
    array of a million would take seconds to read; they are signed where they fit, as most keys
    are."""
    if not isinstance(keys, BitMap64):
        return _given_texts(sorted(keys), "key")
    kind = "Int64" if not keys or keys.max() < _SIGNED else "UInt64"
    content = literal(b64encode(keys.to_array().tobytes()).decode(), String)
    every = func.reinterpret(func.base64Decode(content), literal_column(f"'Array({kind})'"))
    return select(func.arrayJoin(every).label("key"))


def _given_texts(texts: Sequence[str], name: str) -> Select[Any]:
    """A query that gives the texts in one column of that name."""
    listed = bindparam("texts", list(texts), String, unique=True, expanding=True)
    return select(func.arrayJoin(listed).label(name))
