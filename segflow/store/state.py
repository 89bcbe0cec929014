"""The state store on a SQL database: every method of the port is one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection

from segflow.errors import SegflowError
from segflow.model.address import Address
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.state import (
    ApplyRecord,
    DeployedObject,
    JournalEntry,
    Lease,
    LogEntry,
    Membership,
    Snapshot,
    StateVersion,
)
from segflow.ports import StateCommit
from segflow.store import applies, blobs, histories, identity, leases, objects
from segflow.store.deployment import deploy, refresh
from segflow.store.schema import MIGRATIONS, Migration, Schema
from segflow.store.sqlite import BUSY_MS, SqliteDatabase
from segflow.store.urls import sqlite_path

Answer = TypeVar("Answer")


class SqlStateStore:
    """Implements ports.StateStore on the SQLite file of a SQLAlchemy url ("sqlite:///state.db"), or
    in memory ("sqlite://") for tests and rehearsals in one thread.

    A relative path starts from `root` (None: the working directory). Reading never makes the file,
    nor brings an older one up to date: it reads a copy in memory of that. Raises RefusedError for
    urls of other databases.
    """

    def __init__(
        self,
        url: str,
        *,
        root: Path | None = None,
        busy_ms: int = BUSY_MS,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self._database = SqliteDatabase(sqlite_path(url, root), busy_ms)
        self._schema = Schema(self._database.place, migrations)

    def __enter__(self) -> "SqlStateStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the database; harmless when done twice. A state in memory is gone then, one in
        a file can be used on."""
        self._database.close()

    # --- reading -----------------------------------------------------------------------------

    def version(self) -> StateVersion | None:
        return self._ask(identity.read_version, None)

    def fingerprints(self) -> Mapping[Address, str]:
        return self._ask(objects.fingerprints, {})

    def deployed(
        self, addresses: Iterable[Address] | None = None
    ) -> Mapping[Address, DeployedObject]:
        return self._ask(lambda connection: objects.deployed(connection, addresses), {})

    def snapshots(self) -> Mapping[str, Snapshot]:
        return self._ask(histories.current_snapshots, {})

    def snapshot_at(self, segment: str, as_of: Instant) -> Snapshot | None:
        return self._ask(lambda found: histories.snapshot_at(found, segment, as_of), None)

    def log(self, segment: str) -> Sequence[LogEntry]:
        return self._ask(lambda connection: histories.log(connection, segment), ())

    def applies(self) -> Sequence[ApplyRecord]:
        return self._ask(applies.all_applies, ())

    def unfinished_apply(self) -> ApplyRecord | None:
        return self._ask(applies.unfinished, None)

    def is_applied(self, plan_id: str) -> bool:
        return self._ask(lambda connection: applies.is_applied(connection, plan_id), False)

    def journal(self, apply_id: str) -> Sequence[JournalEntry]:
        return self._ask(lambda connection: applies.journal(connection, apply_id), ())

    def blob(self, digest: str) -> bytes | None:
        return self._ask(lambda connection: blobs.read(connection, digest), None)

    def lease(self) -> Lease | None:
        return self._ask(leases.read_lease, None)

    # --- the lease ---------------------------------------------------------------------------

    def create(self, lineage: str, project: str) -> StateVersion:
        self.version()  # refuses what is not ours before anything is written to it
        self._database.make()
        self._schema.upgrade_durably(self._database)
        return self._last(lambda found: identity.settle_version(found, lineage, project))

    def acquire(self, owner: str, purpose: str, now: Instant, ttl: Duration) -> Lease:
        try:
            return self._change(lambda found: leases.acquire(found, owner, purpose, now, ttl))
        except SegflowError:
            self._database.release()
            raise

    def renew(self, lease: Lease, now: Instant, ttl: Duration) -> Lease:
        return self._change(lambda connection: leases.renew(connection, lease, now, ttl))

    def release(self, lease: Lease) -> None:
        if self._database.exists():
            self._last(lambda connection: leases.release(connection, lease))

    def break_lease(self) -> Lease | None:
        if self.version() is None:
            return None
        self._schema.upgrade_durably(self._database)
        return self._last(leases.break_lease)

    # --- writing -----------------------------------------------------------------------------

    def put_blob(self, lease: Lease, digest: str, content: bytes) -> None:
        self._write(lease, lambda connection: blobs.keep(connection, digest, content))

    def begin_apply(self, lease: Lease, record: ApplyRecord) -> None:
        self._write(lease, lambda connection: applies.begin(connection, record))

    def append_journal(self, lease: Lease, entry: JournalEntry) -> None:
        self._write(lease, lambda connection: applies.append(connection, entry))

    def commit_apply(
        self, lease: Lease, apply_id: str, commit: StateCommit, now: Instant
    ) -> StateVersion:
        return self._write(lease, lambda found: deploy(found, apply_id, commit, now))

    def abandon_apply(self, lease: Lease, apply_id: str, reason: str, now: Instant) -> None:
        self._write(lease, lambda found: applies.abandon(found, apply_id, reason, now))

    def commit_refresh(self, lease: Lease, memberships: Sequence[Membership]) -> StateVersion:
        return self._write(lease, lambda connection: refresh(connection, memberships))

    # --- transactions ------------------------------------------------------------------------

    def _ask(self, query: Callable[[Connection], Answer], absent: Answer) -> Answer:
        """The answer of one consistent read; `absent` where no state was made yet."""
        if not self._database.exists():
            return absent
        with self._database.read() as connection:
            version = self._schema.version(connection)
            if version == self._schema.newest:
                return query(connection)
        if version == 0:
            return absent
        with self._database.copy() as copy:
            self._schema.upgrade(copy)
            return query(copy)

    def _change(self, act: Callable[[Connection], Answer]) -> Answer:
        """One write, durable when this returns."""
        with self._database.write() as connection:
            # In the transaction: a newer segflow may have brought the tables up to date since.
            self._schema.require_newest(connection)
            return act(connection)

    def _last(self, act: Callable[[Connection], Answer]) -> Answer:
        """One write after which no other is expected."""
        try:
            return self._change(act)
        finally:
            self._database.release()

    def _write(self, lease: Lease, act: Callable[[Connection], Answer]) -> Answer:
        """One write under the lease; LeaseLostError, and nothing written, without it."""

        def guarded(connection: Connection) -> Answer:
            leases.require(connection, lease)
            return act(connection)

        return self._change(guarded)
