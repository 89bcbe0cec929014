"""SQLite: a database file of the project, opened without the power to write or to reach others."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from pyroaring import BitMap64
from sqlalchemy import Connection, column, create_engine, event, func, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import SingletonThreadPool
from sqlalchemy.sql import Select

from segflow.engines import sqlite_storage
from segflow.engines.connected import MISSING, NO_INTEGERS, TOO_LARGE, UNFIT, ConnectedEngine
from segflow.engines.files import file_inside
from segflow.engines.sqlite_functions import FUNCTIONS, Total, UnfitError
from segflow.errors import SegflowError, SourceUnavailableError, TooLargeError, UnusableDataError
from segflow.model.catalog import Source
from segflow.ports import KeyColumn, Keys, Selection

_LIMITS = ("tables in a join", "Expression tree", "parser stack", "too many")
"""What SQLite says of queries that are larger than it takes."""

_STEPS = 100_000
"""So many steps of SQLite's own machine are made before a person who stops it is heard."""

_STOPPED = ("interrupted", "user-defined function raised exception")
"""What SQLite says when Python raised something. If `_guarded` kept nothing, it was a signal:
Python hears one as a function begins, before the `try` in it."""


class SqliteEngine(ConnectedEngine):
    """One SQLite source. A relative path is relative to the project."""

    def __init__(self, source: Source, root: Path, url: str | None = None) -> None:
        """Open the source; `url` is that of the source with its secret filled in.

        Raises SourceUnavailableError, and UnusableDataError for a database whose text is UTF-16:
        it has another order.
        """
        self._file = file_inside(source.name, root, url or str(source.url))
        self._raised: BaseException | None = None
        engine = create_engine("sqlite://", creator=self._connect, poolclass=SingletonThreadPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        super().__init__(source, engine)
        try:
            self._check_encoding()
        except BaseException:
            self.close()  # else the connection and its functions keep each other alive
            raise

    # --- what an engine says of itself ---

    def _columns(self, connection: Connection, table: str) -> Mapping[str, str] | None:
        query = text("SELECT name, type FROM pragma_table_xinfo(:name)")
        found = connection.execute(query, {"name": table})
        return {name: word or "ANY" for name, word in found} or None

    def _given_keys(self, connection: Connection, keys: BitMap64) -> Select[Any]:
        held = [key for key in keys if key < 2**63]  # no greater one can be in a table
        return _listed(held, "key")

    def _given_texts(self, connection: Connection, texts: Sequence[str]) -> Select[Any]:
        return _listed(texts, "value")

    def _error(self, error: DBAPIError, told: str) -> SegflowError:
        raised, self._raised = self._raised, None
        if isinstance(raised, UnfitError):
            return UnusableDataError(f"source {self._source}: {raised}", hint=UNFIT)
        if raised is None and any(stop in told for stop in _STOPPED):
            raised = KeyboardInterrupt()
        if raised is not None:
            raise raised
        if any(limit in told for limit in _LIMITS):
            return TooLargeError(told, hint=TOO_LARGE)
        if "no such" in told:
            return UnusableDataError(told, hint=MISSING)
        return SourceUnavailableError(told)

    def _prepared(
        self, connection: Connection, selection: Selection, sets: Mapping[str, Keys]
    ) -> Select[Any]:
        for of in selection.one_row:
            if of.type == "integer":
                self._check_integers(connection, of.table, of.column)
        return super()._prepared(connection, selection, sets)

    def _check_integers(self, connection: Connection, name: str, key: str) -> None:
        """Refuse a table of fields with a key that is no integer: it would be nobody's."""
        of = table(name, column(key))
        kind = func.typeof(of.c[key])
        found = connection.execute(
            select(of.c[key]).where(kind.not_in(("integer", "null"))).limit(1)
        ).first()
        if found is not None:
            raise UnusableDataError(
                f"source {self._source}: table {name} holds {found[0]!r} as {key}; keys are"
                " integers",
                hint=NO_INTEGERS,
            )

    def _is_unique(self, connection: Connection, of: KeyColumn) -> bool:
        """See ConnectedEngine. To a primary key 1 and '1' differ, and both are the text '1'."""
        return of.type == "integer" and super()._is_unique(connection, of)

    # --- opening ---

    def _check_encoding(self) -> None:
        with self._asking() as connection:
            if connection.exec_driver_sql("PRAGMA encoding").scalar() != "UTF-8":
                raise UnusableDataError(
                    f"source {self._source}: the database's text is not UTF-8",
                    hint="copy it into a database with PRAGMA encoding = 'UTF-8'",
                )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._file.as_uri()}?mode=ro", uri=True, isolation_level=None
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.set_authorizer(_without_other_files)
        connection.set_progress_handler(self._guarded(lambda: None), _STEPS)
        for name, (arguments, function) in (FUNCTIONS | sqlite_storage.FUNCTIONS).items():
            connection.create_function(name, arguments, self._guarded(function), deterministic=True)
        connection.create_aggregate("segflow_sum", 1, Total)  # type: ignore[arg-type]
        connection.create_aggregate(
            "segflow_count_elements",
            1,
            sqlite_storage.CountElements,  # type: ignore[arg-type]
        )
        return connection

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function; what it raises is kept, since SQLite says only that something was."""

        @wraps(function)
        def guarded(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except BaseException as error:
                self._raised = error
                raise

        return guarded


def _listed(values: Sequence[int] | Sequence[str], name: str) -> Select[Any]:
    listed = func.json_each(json.dumps(values)).table_valued("value")
    return select(listed.c.value.label(name))


def _without_other_files(action: int, *_: Any) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK
