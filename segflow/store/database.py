"""The state database as its stores use it: whole transactions, on tables of today's version."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from segflow.model.state import Lease, LeaseName
from segflow.store import leases
from segflow.store.schema import MIGRATIONS, Migration, Schema
from segflow.store.sqlite import BUSY_MS, SqliteDatabase
from segflow.store.urls import sqlite_path

Answer = TypeVar("Answer")


class StateDatabase:
    """The SQLite file of a SQLAlchemy url ("sqlite:///state.db"), or a database in memory
    ("sqlite://") whose users, in any thread, take turns.

    A relative path starts from `root` (None: the working directory). Raises RefusedError for urls
    of other databases.
    """

    def __init__(
        self,
        url: str,
        *,
        root: Path | None = None,
        busy_ms: int = BUSY_MS,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.sqlite = SqliteDatabase(sqlite_path(url, root), busy_ms)
        self._schema = Schema(self.sqlite.place, migrations)

    def upgrade(self) -> None:
        """Brings the tables up to date, durably, after a backup of older ones."""
        self._schema.upgrade_durably(self.sqlite)

    def ask(self, query: Callable[[Connection], Answer], absent: Answer) -> Answer:
        """The answer of one consistent read; `absent` where no state was made yet. Never makes the
        file, nor brings an older one up to date: it reads a copy in memory of that."""
        if not self.sqlite.exists():
            return absent
        with self.sqlite.read() as connection:
            version = self._schema.version(connection)
            if version == self._schema.newest:
                return query(connection)
        if version == 0:
            return absent
        with closing(StateDatabase("sqlite://", migrations=self._schema.migrations)) as copy:
            copy.fill_from(self)
            return copy.ask(query, absent)

    def change(self, act: Callable[[Connection], Answer]) -> Answer:
        """One write, durable when this returns."""
        with self.sqlite.write() as connection:
            # In the transaction: a newer segflow may have brought the tables up to date since.
            self._schema.require_newest(connection)
            return act(connection)

    def last(self, act: Callable[[Connection], Answer]) -> Answer:
        """One write after which no other is expected."""
        try:
            return self.change(act)
        finally:
            self.sqlite.release()

    def write(self, lease: Lease, name: LeaseName, act: Callable[[Connection], Answer]) -> Answer:
        """One write under the lease of that name; LeaseLostError, and nothing written, without."""

        def guarded(connection: Connection) -> Answer:
            leases.require(connection, lease, name)
            return act(connection)

        return self.change(guarded)

    def fill_from(self, other: "StateDatabase") -> None:
        """Makes this database in memory a copy of another one, of today's version."""
        self.sqlite.fill_from(other.sqlite)
        with self.sqlite.write() as connection:
            self._schema.upgrade(connection)

    def close(self) -> None:
        """Lets go of the database; harmless when done twice. One in memory is gone then, a file can
        be used on."""
        self.sqlite.close()
