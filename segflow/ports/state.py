"""The deployed state and the bytes of snapshots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCommit:
    """All that becomes deployed at once: objects put and deleted, memberships of segments, the
    segments that are dropped (their log stays, their snapshots are no longer current), the codes
    that enter and leave the stock of offers, and the project's time zone, by which deployed
    definitions are read later (None: as it was).

    Codes are pairs of an offer's name and codes, given to users in that order; those that any offer
    has, or gave to somebody, are passed over. Of `withdrawn` codes, and of all codes of a deleted
    offer, the free ones go, before others come.
    """

    put: tuple[DeployedObject, ...] = ()
    delete: tuple[Address, ...] = ()
    memberships: tuple[Membership, ...] = ()
    dropped: tuple[LogEntry, ...] = ()
    codes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    withdrawn: tuple[tuple[str, tuple[str, ...]], ...] = ()
    timezone: str | None = None


class StateReader(Protocol):
    """The deployed state, read only. Every method raises StateUnavailableError, and
    UnsupportedVersionError where a newer segflow wrote the database."""

    def version(self) -> StateVersion | None:
        """Lineage, serial and owner; None where no state was made yet."""

    def fingerprints(self) -> Mapping[Address, str]:
        """The fingerprint of every deployed object; cheaper than deployed()."""

    def deployed(
        self, addresses: Iterable[Address] | None = None
    ) -> Mapping[Address, DeployedObject]:
        """Deployed objects, all or those asked for; absent ones are left out."""

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The current snapshot of every deployed segment that has one."""

    def costs(self) -> Mapping[str, Sequence[Cost]]:
        """What it cost to find the members of every current snapshot; those that older versions
        made are left out, whose cost nobody kept."""

    def scan_costs(self) -> Sequence[ScanCost]:
        """What reading tables costs, by all commits until now, in order of source and table."""

    def snapshot_at(self, segment: str, as_of: Instant) -> Snapshot | None:
        """The newest snapshot of a segment at or before an instant, also of a dropped one."""

    def log(self, segment: str) -> Sequence[LogEntry]:
        """The membership log of a segment, oldest first."""

    def failed_refreshes(self) -> Mapping[str, FailedRefresh]:
        """Of every deployed segment that is stale, the refresh that failed since its snapshot."""

    def applies(self) -> Sequence[ApplyRecord]:
        """Every apply, newest first, without the bytes of their plans."""

    def unfinished_apply(self) -> ApplyRecord | None:
        """The apply that was begun and not finished, with its plan; at most one exists."""

    def is_applied(self, plan_id: str) -> bool:
        """True where that plan was applied to the end."""

    def journal(self, apply_id: str) -> Sequence[JournalEntry]:
        """The journal of one apply, in the order written."""

    def blob(self, digest: str) -> bytes | None:
        """The kept bytes of a file that an object names, by SHA-256 in hex."""

    def lease(self, name: LeaseName = "state") -> Lease | None:
        """The lease of that name as recorded, expired or not; None where nobody holds it."""


class StateStore(StateReader, Protocol):
    """The deployed state, for those who write it. Every write takes the lease named "state" and
    raises LeaseLostError, without writing, when its token is not the newest of that name, and
    ValueError for a lease of another name. Whoever runs rules holds the lease "runner" beside it:
    the two don't hinder each other."""

    def create(self, lineage: str, project: str) -> StateVersion:
        """Make the database and its tables, or bring older tables up to date; an existing lineage
        and owner stay. Raises StateUnavailableError when the place can't be written."""

    def acquire(
        self,
        owner: str,
        purpose: str,
        now: Instant,
        ttl: Duration,
        name: LeaseName = "state",
    ) -> Lease:
        """Take the lease of that name when it is free or expired. Raises LockedError saying who
        holds it."""

    def renew(self, lease: Lease, now: Instant, ttl: Duration) -> Lease:
        """Prolong the lease. Raises LeaseLostError when somebody else took it."""

    def release(self, lease: Lease) -> None:
        """Give the lease back; harmless when it is already lost."""

    def break_lease(self, name: LeaseName = "state") -> Lease | None:
        """Take the lease from whoever holds it, for a person who knows that the holder is dead.
        Returns what was broken. The old holder's writes are refused from then on."""

    def put_blob(self, lease: Lease, digest: str, content: bytes) -> None:
        """Keep bytes under their SHA-256; the same bytes are kept once."""

    def begin_apply(self, lease: Lease, record: ApplyRecord) -> None:
        """Make the beginning of an apply durable, with its whole plan. Raises PlanAppliedError for
        a plan that was applied, and RefusedError while another apply is unfinished."""

    def append_journal(self, lease: Lease, entry: JournalEntry) -> None:
        """Make one line of the journal durable. Raises RefusedError for an apply that is not
        underway, and for a second end of one step."""

    def commit_apply(
        self, lease: Lease, apply_id: str, commit: StateCommit, now: Instant
    ) -> StateVersion:
        """In one transaction: the commit's content, the next serial, and the end of the apply. What
        is put is deployed at `now`.

        Raises, and writes nothing: RefusedError for an apply that is not underway and a snapshot
        that is not later than what is recorded of its segment, NotDeployedError for a segment or
        a deletion of what is not deployed, CorruptStateError for log entries that do not add up.
        """

    def abandon_apply(self, lease: Lease, apply_id: str, reason: str, now: Instant) -> None:
        """End an apply that made nothing deployed: it is finished without a serial, and its plan
        does not count as applied."""

    def commit_refresh(self, lease: Lease, memberships: Sequence[Membership]) -> StateVersion:
        """In one transaction: snapshots and log entries of refreshed segments, which are stale no
        more, with their costs, and the next serial."""

    def note_failures(self, lease: Lease, failed: Sequence[FailedRefresh]) -> None:
        """Mark segments as stale, whose snapshots stay the last good ones; so does the serial."""


class SnapshotStore(Protocol):
    """Bytes by their SHA-256. Raises StateUnavailableError when the place can't be used."""

    def put(self, content: bytes) -> str:
        """Keep the bytes durably and return their digest in hex; the same bytes are kept once."""

    def write(self, content: bytes) -> str:
        """As put(), but durable not before the next sync()."""

    def sync(self) -> None:
        """Make durable what was written."""

    def get(self, digest: str) -> bytes:
        """The bytes under a digest. Raises CorruptStateError when missing or altered."""
