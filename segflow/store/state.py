"""The state store on a SQL database: every method of the port is one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from segflow.errors import SegflowError
from segflow.model.address import Address
from segflow.model.cost import Cost, ScanCost
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.state import (
    ApplyRecord,
    DeployedObject,
    FailedRefresh,
    JournalEntry,
    Lease,
    LeaseName,
    LogEntry,
    Membership,
    Snapshot,
    StateVersion,
)
from segflow.ports import StateCommit
from segflow.store import applies, blobs, costs, histories, identity, leases, objects
from segflow.store.database import StateDatabase
from segflow.store.deployment import deploy, refresh
from segflow.store.schema import MIGRATIONS, Migration
from segflow.store.sqlite import BUSY_MS


class SqlStateStore:
    """Implements ports.StateStore on a StateDatabase, made from the same arguments. Other stores
    may use its `database` too."""

    def __init__(
        self,
        url: str,
        *,
        root: Path | None = None,
        busy_ms: int = BUSY_MS,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.database = StateDatabase(url, root=root, busy_ms=busy_ms, migrations=migrations)

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
        """As StateDatabase.close()."""
        self.database.close()

    # --- reading -----------------------------------------------------------------------------

    def version(self) -> StateVersion | None:
        return self.database.ask(identity.read_version, None)

    def fingerprints(self) -> Mapping[Address, str]:
        return self.database.ask(objects.fingerprints, {})

    def deployed(
        self, addresses: Iterable[Address] | None = None
    ) -> Mapping[Address, DeployedObject]:
        return self.database.ask(lambda connection: objects.deployed(connection, addresses), {})

    def snapshots(self) -> Mapping[str, Snapshot]:
        return self.database.ask(histories.current_snapshots, {})

    def costs(self) -> Mapping[str, Sequence[Cost]]:
        return self.database.ask(costs.current_costs, {})

    def scan_costs(self) -> Sequence[ScanCost]:
        return self.database.ask(costs.scan_costs, ())

    def snapshot_at(self, segment: str, as_of: Instant) -> Snapshot | None:
        return self.database.ask(lambda found: histories.snapshot_at(found, segment, as_of), None)

    def log(self, segment: str) -> Sequence[LogEntry]:
        return self.database.ask(lambda connection: histories.log(connection, segment), ())

    def failed_refreshes(self) -> Mapping[str, FailedRefresh]:
        return self.database.ask(histories.failed_refreshes, {})

    def applies(self) -> Sequence[ApplyRecord]:
        return self.database.ask(applies.all_applies, ())

    def unfinished_apply(self) -> ApplyRecord | None:
        return self.database.ask(applies.unfinished, None)

    def is_applied(self, plan_id: str) -> bool:
        return self.database.ask(lambda connection: applies.is_applied(connection, plan_id), False)

    def journal(self, apply_id: str) -> Sequence[JournalEntry]:
        return self.database.ask(lambda connection: applies.journal(connection, apply_id), ())

    def blob(self, digest: str) -> bytes | None:
        return self.database.ask(lambda connection: blobs.read(connection, digest), None)

    def lease(self, name: LeaseName = "state") -> Lease | None:
        return self.database.ask(lambda found: leases.read_lease(found, name), None)

    # --- leases ------------------------------------------------------------------------------

    def create(self, lineage: str, project: str) -> StateVersion:
        self.version()  # refuses what is not ours before anything is written to it
        self.database.sqlite.make()
        self.database.upgrade()
        return self.database.last(lambda found: identity.settle_version(found, lineage, project))

    def acquire(
        self,
        owner: str,
        purpose: str,
        now: Instant,
        ttl: Duration,
        name: LeaseName = "state",
    ) -> Lease:
        try:
            return self.database.change(
                lambda found: leases.acquire(found, name, owner, purpose, now, ttl)
            )
        except SegflowError:
            self.database.sqlite.release()
            raise

    def renew(self, lease: Lease, now: Instant, ttl: Duration) -> Lease:
        return self.database.change(lambda connection: leases.renew(connection, lease, now, ttl))

    def release(self, lease: Lease) -> None:
        if self.database.sqlite.exists():
            self.database.last(lambda connection: leases.release(connection, lease))

    def break_lease(self, name: LeaseName = "state") -> Lease | None:
        if self.version() is None:
            return None
        self.database.upgrade()
        return self.database.last(lambda connection: leases.break_lease(connection, name))

    # --- writing -----------------------------------------------------------------------------

    def put_blob(self, lease: Lease, digest: str, content: bytes) -> None:
        self.database.write(
            lease, "state", lambda connection: blobs.keep(connection, digest, content)
        )

    def begin_apply(self, lease: Lease, record: ApplyRecord) -> None:
        self.database.write(lease, "state", lambda connection: applies.begin(connection, record))

    def append_journal(self, lease: Lease, entry: JournalEntry) -> None:
        self.database.write(lease, "state", lambda connection: applies.append(connection, entry))

    def commit_apply(
        self, lease: Lease, apply_id: str, commit: StateCommit, now: Instant
    ) -> StateVersion:
        return self.database.write(
            lease, "state", lambda found: deploy(found, apply_id, commit, now)
        )

    def abandon_apply(self, lease: Lease, apply_id: str, reason: str, now: Instant) -> None:
        self.database.write(
            lease, "state", lambda found: applies.abandon(found, apply_id, reason, now)
        )

    def commit_refresh(self, lease: Lease, memberships: Sequence[Membership]) -> StateVersion:
        return self.database.write(
            lease, "state", lambda connection: refresh(connection, memberships)
        )

    def note_failures(self, lease: Lease, failed: Sequence[FailedRefresh]) -> None:
        self.database.write(lease, "state", lambda found: histories.note_failures(found, failed))
