"""PostgreSQL, a primary or a hot standby: asked in transactions that can only read.

Sets of keys and texts are parameters: nothing is written, no temporary table either.
"""

import os
import socket
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pyroaring import BitMap64
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    LargeBinary,
    Numeric,
    Row,
    String,
    Text,
    case,
    cast,
    create_engine,
    func,
    literal,
    select,
    text,
    true,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Select

from segflow.compiler.dialects.base import Condition, Expression
from segflow.engines.connected import (
    MISSING,
    NEGATIVE,
    NO_INTEGERS,
    TOO_LARGE,
    UNFIT,
    ConnectedEngine,
)
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
from segflow.model.instant import instant_of
from segflow.ports import Keys, Reached, Selection
from segflow.sockets import cut_after

_SIGNED = literal(Decimal(2**63), Numeric)
_EXAMPLE = "postgresql://user:password@host:5432/database"

# SQLSTATE: a class of errors by its first two characters.
_DATA, _NAMES, _DENIED = "22", "42", "42501"
_CANCELLED, _LIMITS = "57014", "54"

_COLUMNS = text(
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
    " WHERE attrelid = to_regclass(quote_ident(:name)) AND attnum > 0 AND NOT attisdropped"
    " ORDER BY attnum"
)
# What a standby knows of itself. Where nothing is written its last transaction grows old, and none
# is missing: it has replayed all that it knows of, and a connection to its server stands. (Whether
# that streams, and what is still to come over it, is told to members of pg_read_all_stats alone.)
_STANDING = text(
    "SELECT pg_is_in_recovery() AS follows, known::text,"
    " receiver IS NOT NULL AND coalesce(status, 'streaming') = 'streaming' AS receives,"
    " coalesce(known <= pg_last_wal_replay_lsn(), false) AS replayed,"
    " pg_last_xact_replay_timestamp() AS until, (extract(epoch FROM clock_timestamp()"
    " - pg_last_xact_replay_timestamp()) * 1000)::bigint AS behind"
    " FROM (SELECT greatest(pg_last_wal_receive_lsn(), latest_end_lsn) AS known, status,"
    " pid AS receiver FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver ON true) AS standing"
)
# What is received and is no transaction, a checkpoint for one, makes that old, too, for a moment.
_REPLAYED_BY_NOW = text(
    "SELECT pg_last_wal_replay_lsn() >= CAST(:known AS pg_lsn) FROM pg_sleep(0.1)"
)
_OLD = 1_000
# PostgreSQL's numbers of types: smallint, integer, bigint; numeric.
_INTEGERS, _NUMERIC = (21, 23, 20), 1700


class PostgresEngine(ConnectedEngine):
    """One PostgreSQL source."""

    def __init__(self, source: Source, url: str | None = None) -> None:
        """Connects when it is first asked. `url` is that of the source with its secret filled in:
        one of libpq's or of SQLAlchemy's, or libpq's pairs of key and value."""
        self._url = (url or str(source.url)).replace("postgresql+psycopg://", "postgresql://", 1)
        self._limits = source.limits
        engine = create_engine("postgresql+psycopg://", creator=self._connect, pool_pre_ping=True)
        super().__init__(source, engine)

    def reached(self) -> Reached:
        """See Engine. A copy of a copy tells how far it is behind that one only."""
        with self._asking() as connection:
            found = connection.execute(_STANDING).one()
            if not found.follows:
                return Reached()
            if found.receives and (found.replayed or _is_replayed(connection, found)):
                return Reached(follows=True)
        if found.until is None:
            raise SourceUnavailableError(
                f"source {self._source}: this standby is behind, and can't tell how far: it has"
                " replayed no transaction since it was started",
                hint=UNREACHABLE,
            )
        return Reached(until=instant_of(found.until), behind=max(0, found.behind), follows=True)

    # --- what an engine says of itself ---

    def _columns(self, connection: Connection, table: str) -> Mapping[str, str] | None:
        return {name: word for name, word in connection.execute(_COLUMNS, {"name": table})} or None

    def _prepared(
        self, connection: Connection, selection: Selection, sets: Mapping[str, Keys]
    ) -> Select[Any]:
        # The server takes groups that are then tested for a few rows and would loop over a table
        # for each; every table of a selection is joined whole. A loop that can't be helped then
        # counts as so dear that the server would compile the whole of a statement, for seconds.
        connection.execute(text("SET LOCAL enable_nestloop = off"))
        connection.execute(text("SET LOCAL jit = off"))
        return super()._prepared(connection, selection, sets)

    def _given_keys(self, connection: Connection, keys: BitMap64) -> Select[Any]:
        type_ = BigInteger if not keys or keys.max() < 2**63 else Numeric
        written = "{" + ",".join(map(str, keys)) + "}"
        given = cast(literal(written, Text), ARRAY(type_))
        return select(func.unnest(given, type_=type_).label("key"))

    def _given_texts(self, connection: Connection, texts: Sequence[str]) -> Select[Any]:
        given = cast(literal(list(texts), ARRAY(String)), ARRAY(String))
        return select(func.unnest(given, type_=String).label("value"))

    def _error(self, error: DBAPIError, told: str) -> SegflowError:
        state = getattr(error.orig, "sqlstate", None) or ""
        if isinstance(error.orig, psycopg.errors.ConnectionTimeout):
            return SourceSilentError(told, hint=SILENT)
        if isinstance(error.orig, _LateError) or (state == _CANCELLED and longest(self._limits)):
            return SourceUnavailableError(told, hint=TIMED_OUT)
        if state == _DENIED:
            return UnusableDataError(told, hint=DENIED)
        if state.startswith(_LIMITS):
            return TooLargeError(told, hint=TOO_LARGE)
        if state.startswith(_NAMES):
            return UnusableDataError(told, hint=MISSING)
        if state.startswith(_DATA) or isinstance(error.orig, psycopg.DataError):
            return UnusableDataError(told, hint=UNFIT)
        return SourceUnavailableError(told, hint=UNREACHABLE)

    def _keys(self, connection: Connection, statement: Select[Any]) -> BitMap64:
        """The keys as one value of bytes, which takes a tenth of the time that rows take."""
        nothing = connection.execute(select(statement.subquery("found").c.key).limit(0))
        kind: object = nothing.cursor.description[0][1] if nothing.cursor else None
        key: Expression = statement.subquery("found").c.key
        if kind not in (*_INTEGERS, _NUMERIC):
            raise UnusableDataError(
                f"source {self._source}: keys are not integers", hint=NO_INTEGERS
            )
        wrapped: Expression = key
        whole: Condition = true()
        if kind == _NUMERIC:  # the only type of PostgreSQL for keys beyond 63 bits
            wrapped = case((key >= _SIGNED, key - _SIGNED - _SIGNED), else_=key)
            whole = key == func.trunc(key)
        sent = func.int8send(cast(wrapped, BigInteger), type_=LargeBinary)
        query = select(func.min(key), func.bool_and(whole), _joined(sent))
        least, integers, content = connection.execute(query).one()
        if integers is False:
            raise UnusableDataError(
                f"source {self._source}: keys are not integers", hint=NO_INTEGERS
            )
        if least is not None and least < 0:
            raise UnusableDataError(
                f"source {self._source}: a key is negative: {least}", hint=NEGATIVE
            )
        keys = array("Q", content or b"")
        if sys.byteorder == "little":
            keys.byteswap()
        return BitMap64(keys)

    def _extend(self, keys: "array[int]", found: Iterable[Any]) -> None:
        """See ConnectedEngine; keys of type numeric are whole decimals."""
        super()._extend(keys, whole_keys(found))

    # --- opening ---

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            given = conninfo_to_dict(self._url)
            connection = _TimelyConnection.connect(
                self._url,
                connect_timeout=given.get("connect_timeout", ceil(greeting(self._limits))),
                autocommit=True,
                prepare_threshold=None,
                client_encoding="UTF8",
                fallback_application_name="segflow",
            )
        except psycopg.ProgrammingError:
            # Without its text, which shows parts of the url.
            raise RefusedError(
                f"source {self._source}: the url can't be read", hint=f"for example {_EXAMPLE}"
            ) from None
        connection.patience = patience(self._limits)
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET DateStyle = 'ISO, YMD'")
        if timeout := longest(self._limits):
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{timeout}"])
        connection.autocommit = False
        connection.read_only = True
        # All that one question needs is of one state of the data.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return connection


class _LateError(psycopg.OperationalError):
    """An answer that did not come in time; the connection is lost with it."""


class _TimelyConnection(psycopg.Connection[Any]):
    """One that waits `patience` seconds for an answer, also of a server that hangs."""

    patience: float | None = None

    def wait(self, *given: Any, **more: Any) -> Any:
        """See psycopg, which waits here for all that the server says."""
        if self.patience is None:
            return super().wait(*given, **more)
        with socket.socket(fileno=os.dup(self.fileno())) as ours:
            try:
                with cut_after(self.patience, lambda: ours):
                    return super().wait(*given, **more)
            except TimeoutError as error:
                raise _LateError(str(error)) from error


def _is_replayed(connection: Connection, found: Row[Any]) -> bool:
    """Whether what a standby knew of has been replayed by now. Not asked while there are new
    transactions, of which the last tells well enough how far it has come."""
    is_old = found.until is None or found.behind > _OLD
    if found.known is None or not is_old:
        return False
    return bool(connection.scalar(_REPLAYED_BY_NOW, {"known": found.known}))


def _joined(content: Expression) -> Expression:
    return func.string_agg(content, literal(b"", LargeBinary), type_=LargeBinary)
