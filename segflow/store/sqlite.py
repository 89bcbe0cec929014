"""One SQLite database: how it is opened, read, written, copied and let go of."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, Pool, QueuePool, StaticPool

from segflow.errors import StateUnavailableError
from segflow.store.folders import make_folder, sync_folder
from segflow.store.trouble import database_trouble

BUSY_MS = 10_000
"""How long a transaction waits for another process's before it gives up."""

_TRIES = 20


class SqliteDatabase:
    """A SQLite file, or a database in memory where `path` is None.

    A read opens the file and closes it again, which leaves nothing beside it. Writes keep their
    connections until release(), since opening costs more than a short transaction.
    """

    def __init__(self, path: Path | None, busy_ms: int = BUSY_MS) -> None:
        self.place = "in memory" if path is None else str(path)
        self._path = path
        self._busy_ms = busy_ms
        self._turn: AbstractContextManager[object] = nullcontext()
        if self._path is None:
            # One connection, so that threads must take turns.
            self._turn = threading.Lock()
            self._reading = self._writing = self._engine(":memory:", StaticPool, "BEGIN IMMEDIATE")
        else:
            # Not mode=ro: a reader that can't write leaves its -shm and -wal files behind.
            uri = _uri(self._path, "rw")
            self._reading = self._engine(uri, NullPool, "BEGIN")
            self._writing = self._engine(uri, QueuePool, "BEGIN IMMEDIATE")

    def exists(self) -> bool:
        """True where there is a database to read; never makes one."""
        with database_trouble(self.place):
            return self._path is None or self._path.exists()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one consistent state of an existing database."""
        with database_trouble(self.place), self._turn, self._reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that overlaps no other writer's, durable at its end, undone on error."""
        self._require()
        with database_trouble(self.place), self._turn, self._writing.begin() as connection:
            yield connection

    def make(self) -> None:
        """Makes an empty database, durably; harmless where there is one."""
        if self._path is None:
            return
        with database_trouble(self.place):
            make_folder(self._path.parent)
            with closing(self._connect(_uri(self._path, "rwc"))) as connection:
                _write_ahead(connection)
            sync_folder(self._path.parent)

    def back_up(self, suffix: str) -> None:
        """Copies the database to a file beside it, durably, in place of an older copy."""
        if self._path is None:
            return
        target = self._path.with_name(self._path.name + suffix)
        part = target.with_name(target.name + ".part")
        with self.read() as source, closing(sqlite3.connect(part)) as copy:
            _raw(source).backup(copy)
        with database_trouble(self.place):
            os.replace(part, target)
            sync_folder(target.parent)

    def fill_from(self, other: "SqliteDatabase") -> None:
        """Makes this database in memory a copy of another one."""
        other._require()
        with other.read() as source, self._turn, self._writing.connect() as target:
            _raw(source).backup(_raw(target))

    def release(self) -> None:
        """Closes the kept connections; the next write opens new ones."""
        if self._path is not None:
            self._writing.dispose()

    def close(self) -> None:
        """As release(); a database in memory is gone then."""
        self._writing.dispose()

    def _require(self) -> None:
        if not self.exists():
            raise StateUnavailableError(
                f"there is no state database at {self.place}",
                hint="`segflow apply` makes one; was the file moved away meanwhile?",
            )

    def _engine(self, uri: str, pool: type[Pool], begin: str) -> Engine:
        # Parameters are hidden: an error must not show what is in the state.
        engine = create_engine(
            "sqlite://", creator=lambda: self._connect(uri), poolclass=pool, hide_parameters=True
        )
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def _connect(self, uri: str) -> sqlite3.Connection:
        # No isolation level: the driver would begin transactions by itself, and too late.
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=self._busy_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        return connection


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?mode={mode}"


def _write_ahead(connection: sqlite3.Connection) -> None:
    # Where two processes make the database at once SQLite refuses one of them without waiting. An
    # empty transaction does wait, for the other's end.
    for _ in range(_TRIES):
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
            return
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    connection.execute("PRAGMA journal_mode=WAL")


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw
