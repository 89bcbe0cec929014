"""MySQL and MariaDB: asked in transactions that can only read.

Sets of keys and texts are variables of the session, in parts that fit into a packet: nothing is
written, no temporary table either. What the server only warns of is an error here, since it has
put another value in the place of the one that it could not read.
"""

import json
import socket
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import pymysql
from pyroaring import BitMap64
from sqlalchemy import Connection, Select, create_engine, event, select, text, union_all
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from segflow.engines.connected import MISSING, TOO_LARGE, UNFIT, ConnectedEngine, first_line
from segflow.engines.servers import (
    DENIED,
    SILENT,
    TIMED_OUT,
    UNREACHABLE,
    greeting,
    longest,
    patience,
    whole_keys,
)
from segflow.errors import (
    RefusedError,
    SegflowError,
    SourceSilentError,
    SourceUnavailableError,
    TooLargeError,
    UnusableDataError,
)
from segflow.model.catalog import Source
from segflow.ports import KeyColumn, Keys, Selection
from segflow.sockets import cut_after

_EXAMPLE = "mysql://user:password@host:3306/database"
_DRIVERS = ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql")

# Numbers of errors; those of the driver mean to SQLAlchemy that a connection is lost.
_CANT_CONNECT, _LOST = 2003, 2013
_SLOW = (1969, 3024)
_FORBIDDEN = (1142, 1143, 1370)
_NAMES = (1054, 1109, 1146, 1305)
_LIMITS = (1116, 1436, 4003)
_DATA = (1264, 1292, 1366, 1690)

_KEYS_OF_A_PART = 100_000
_CHARACTERS_OF_A_PART = 1_000_000
_SECONDS_TO_KILL = 5

_VARIABLES = (
    "sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY'",
    "time_zone = '+00:00'",
    "sql_notes = 0",  # warnings are told alone
    "max_sort_length = 65536",  # what is longer is sorted by its beginning only
    "sort_buffer_size = 67108864",  # at least fifteen rows with texts of that length
    "group_concat_max_len = 1073741824",  # what is longer is cut
)
_SESSION = (
    "SET SESSION " + ", SESSION ".join(_VARIABLES),
    # All that one question needs is of one state of the data.
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION TRANSACTION READ ONLY",
)
_SESSION_OF_MARIADB = (
    # Else it groups the events of each user anew, by an index on the user's key; all are asked for.
    "SET SESSION optimizer_switch = 'split_materialized=off'",
)
_COLUMNS = text(
    "SELECT column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = :name ORDER BY ordinal_position"
)
_UNIQUE = text(
    "SELECT index_name FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND table_name = :name AND non_unique = 0"
    " GROUP BY index_name HAVING COUNT(*) = 1 AND MAX(LOWER(column_name)) = LOWER(:key)"
)


class MySqlEngine(ConnectedEngine):
    """One MySQL or MariaDB source."""

    def __init__(self, source: Source, url: str | None = None) -> None:
        """Connects when it is first asked. `url` is that of the source with its secret filled in.

        Raises RefusedError for a url that can't be read.
        """
        self._at = _arguments(source, url or str(source.url))
        self._limits = source.limits
        engine = create_engine("mysql+pymysql://", creator=self._connect, pool_pre_ping=True)
        # Known of all servers that can be asked, and asked for before one was connected to.
        engine.dialect._support_float_cast = True  # type: ignore[attr-defined]
        # What the server warned of is known when all rows are here.
        engine.dialect.supports_server_side_cursors = False
        event.listen(engine, "after_cursor_execute", self._check_warnings)
        super().__init__(source, engine)

    # --- what an engine says of itself ---

    def _columns(self, connection: Connection, table: str) -> Mapping[str, str] | None:
        found = connection.execute(_COLUMNS, {"name": table})
        return {name: _word(type_) for name, type_ in found} or None

    def _prepared(
        self, connection: Connection, selection: Selection, sets: Mapping[str, Keys]
    ) -> Select[Any]:
        connection.info["given"] = 0
        return super()._prepared(connection, selection, sets)

    def _given_keys(self, connection: Connection, keys: BitMap64) -> Select[Any]:
        listed = list(keys)
        parts = range(0, max(1, len(listed)), _KEYS_OF_A_PART)
        written = (json.dumps(listed[start : start + _KEYS_OF_A_PART]) for start in parts)
        return self._listed(connection, written, "`key`", "`key` BIGINT UNSIGNED PATH '$'")

    def _given_texts(self, connection: Connection, texts: Sequence[str]) -> Select[Any]:
        written = map(json.dumps, _parted(texts))
        value = "CAST(value AS BINARY) AS value"
        return self._listed(connection, written, value, "value LONGTEXT PATH '$'")

    def _listed(
        self, connection: Connection, parts: Iterable[str], value: str, column: str
    ) -> Select[Any]:
        """The elements of the parts, which are texts of JSON, as a table of one column."""
        made = []
        for part in parts:
            connection.info["given"] += 1
            name = f"@segflow_{connection.info['given']}"
            connection.exec_driver_sql(f"SET {name} = %s", (part,))
            elements = text(f"JSON_TABLE({name}, '$[*]' COLUMNS ({column})) AS part")
            made.append(select(text(value)).select_from(elements))
        whole = union_all(*made).subquery("given")
        return select(text("*")).select_from(whole)

    def _extend(self, keys: "array[int]", found: Iterable[Any]) -> None:
        """See ConnectedEngine; keys that were calculated are whole decimals."""
        super()._extend(keys, whole_keys(found))

    def _is_unique(self, connection: Connection, of: KeyColumn) -> bool:
        return connection.execute(_UNIQUE, {"name": of.table, "key": of.column}).first() is not None

    def _error(self, error: DBAPIError, told: str) -> SegflowError:
        arguments: tuple[Any, ...] = error.orig.args if error.orig else ()
        number = arguments[0] if arguments else None
        if len(arguments) == 2:
            told = f"source {self._source}: {first_line(arguments[1])}"
        if isinstance(error.orig, _SilentError):
            return SourceSilentError(told, hint=SILENT)
        if number in _SLOW or isinstance(error.orig, _LateError):
            return SourceUnavailableError(told, hint=TIMED_OUT)
        if number in _FORBIDDEN:
            return UnusableDataError(told, hint=DENIED)
        if number in _NAMES:
            return UnusableDataError(told, hint=MISSING)
        if number in _LIMITS:
            return TooLargeError(told, hint=TOO_LARGE)
        if number in _DATA:
            return UnusableDataError(told, hint=UNFIT)
        return SourceUnavailableError(told, hint=UNREACHABLE)

    # --- asking ---

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """See ConnectedEngine. Where a person gives up, so does the server."""
        with super()._asking() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                yield connection
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                self._kill(driver.thread_id())
                raise

    def _kill(self, thread: int) -> None:
        """End what the server does for a connection. The query was not to change anything, so
        nothing is said where that fails."""
        with (
            suppress(pymysql.Error),
            closing(
                pymysql.connect(
                    **{**self._at, "connect_timeout": _SECONDS_TO_KILL},
                    read_timeout=_SECONDS_TO_KILL,
                )
            ) as other,
            closing(other.cursor()) as cursor,
        ):
            cursor.execute(f"KILL QUERY {thread:d}")

    def _check_warnings(
        self, connection: Connection, cursor: Any, statement: str, *others: Any
    ) -> None:
        """Raise UnusableDataError if the server warned of something."""
        if not cursor.warning_count:
            return
        driver: Any = connection.connection.driver_connection
        _, _, message = driver.show_warnings()[0]
        raise UnusableDataError(f"source {self._source}: {message}", hint=UNFIT)

    # --- opening ---

    def _connect(self) -> Any:
        try:
            connection = _TimelyConnection(**self._at)
        except (TypeError, RuntimeError) as error:
            # An option of the url that there is none of, or a package that the server asks for.
            raise RefusedError(
                f"source {self._source}: {error}", hint=f"a url is for example {_EXAMPLE}"
            ) from error
        connection.patience = patience(self._limits)
        is_mariadb = "MariaDB" in connection.get_server_info()
        statements = [*_SESSION, *(_SESSION_OF_MARIADB if is_mariadb else ())]
        timeout = longest(self._limits)
        if timeout and is_mariadb:
            statements.append(f"SET SESSION max_statement_time = {timeout / 1000}")
        elif timeout:
            statements.append(f"SET SESSION max_execution_time = {timeout}")
        with closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
        return connection


class _SilentError(pymysql.OperationalError):  # type: ignore[misc]
    """A server that is not ready for questions in time."""


class _LateError(pymysql.OperationalError):  # type: ignore[misc]
    """An answer that did not come in time; the connection is lost with it."""


class _TimelyConnection(pymysql.connections.Connection):  # type: ignore[misc] # has no types
    """One that waits `patience` seconds for an answer, also of a server that hangs."""

    patience: float | None = None

    def connect(self, sock: socket.socket | None = None) -> None:
        """See PyMySQL."""
        try:
            with cut_after(self.connect_timeout, lambda: self._sock):
                super().connect(sock)
        except TimeoutError as error:
            raise _SilentError(_CANT_CONNECT, str(error)) from error
        except pymysql.OperationalError as error:
            if isinstance(getattr(error, "original_exception", None), TimeoutError):
                raise _SilentError(*error.args) from error
            raise

    def query(self, *given: Any, **more: Any) -> Any:
        """See PyMySQL."""
        return self._in_time(lambda: super(_TimelyConnection, self).query(*given, **more))

    def ping(self, *given: Any, **more: Any) -> None:
        """See PyMySQL."""
        self._in_time(lambda: super(_TimelyConnection, self).ping(*given, **more))

    def commit(self) -> None:
        """See PyMySQL."""
        self._in_time(super().commit)

    def rollback(self) -> None:
        """See PyMySQL."""
        self._in_time(super().rollback)

    def show_warnings(self) -> Any:
        """See PyMySQL."""
        return self._in_time(super().show_warnings)

    def _in_time(self, act: Callable[[], Any]) -> Any:
        if self.patience is None:
            return act()
        try:
            with cut_after(self.patience, lambda: self._sock):
                return act()
        except TimeoutError as error:
            raise _LateError(_LOST, str(error)) from error


def _arguments(source: Source, url: str) -> dict[str, Any]:
    """What the driver is given. Raises RefusedError, without the url."""
    read: URL | None = None
    with suppress(ArgumentError, ValueError):
        read = make_url(url)
    if read is None or read.drivername not in _DRIVERS:
        raise RefusedError(
            f"source {source.name}: the url can't be read", hint=f"for example {_EXAMPLE}"
        )
    read = read.set(drivername="mysql+pymysql")
    _, arguments = read.get_dialect()().create_connect_args(read)
    return {
        "connect_timeout": greeting(source.limits),
        **arguments,
        "charset": "utf8mb4",
        "local_infile": False,
    }


def _word(type_: str | bytes) -> str:
    return type_.decode() if isinstance(type_, bytes) else type_


def _parted(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in parts of limited length; at least one part."""
    part: list[str] = []
    length = 0
    for one in texts:
        if part and length + len(one) > _CHARACTERS_OF_A_PART:
            yield part
            part, length = [], 0
        part.append(one)
        length += len(one)
    yield part
