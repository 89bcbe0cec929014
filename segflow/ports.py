"""Every port to the world as a Protocol, with its promise and the errors it raises.

Adapters (engines, store, …) implement these and are chosen in app/wiring.py alone. Id sets cross as
64-bit roaring bitmaps of ordinals; instants as milliseconds UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyroaring import BitMap64
from sqlalchemy.sql import Select

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


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """The present instant: milliseconds since the Unix epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""


class Progress(Protocol):
    """Is told how far long work has come; shows it or does not."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` parts of `what` are finished. Never raises."""


class Failpoint(Protocol):
    """Is passed at every place where a crash must be harmless; tests make it kill the process."""

    def __call__(self, name: str) -> None:
        """Do nothing, or end the process on the spot."""


# --- engines ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A query for the keys of one segment at one instant: one column, `key`, each key once.

    `statement` is SQLAlchemy Core with bound parameters. It refers to the id sets named in `sets`
    as tables of one column `key`; the engine provides them (their names are made by segment_set()
    and list_set() in model/compiled.py). `source` names the catalog's source. `one_row` are pairs
    of table and key column in which a key may stand once only.
    """

    source: str
    statement: Select[Any]
    sets: tuple[str, ...] = ()
    one_row: tuple[tuple[str, str], ...] = ()


class Engine(Protocol):
    """One source that can be asked. Reads only; the connection can't write or reach other files."""

    def columns(self, table: str) -> Mapping[str, str] | None:
        """The columns of a table with their types in the engine's words; None: no such table.

        Raises SourceUnavailableError.
        """

    def members(self, selection: Selection, sets: Mapping[str, BitMap64]) -> BitMap64:
        """The keys that the selection gives. `sets` holds every set that it names.

        Raises SourceUnavailableError, and UnusableDataError for keys that are negative or no
        integers and for two rows of one key in a table of `one_row`.
        """

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows of a small query as plain Python values; timestamps as aware UTC datetimes.

        Raises SourceUnavailableError.
        """

    def render(self, statement: Select[Any]) -> str:
        """The statement in the engine's SQL for a person to read, with its parameters filled in."""

    def close(self) -> None:
        """Let go of the connection; harmless when done twice."""


# --- state -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCommit:
    """All that becomes deployed at once: objects put and deleted, memberships of segments, the
    segments that are dropped (their log stays, their snapshots are no longer current), and the
    project's time zone, by which deployed definitions are read later (None: as it was)."""

    put: tuple[DeployedObject, ...] = ()
    delete: tuple[Address, ...] = ()
    memberships: tuple[Membership, ...] = ()
    dropped: tuple[LogEntry, ...] = ()
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

    def snapshot_at(self, segment: str, as_of: Instant) -> Snapshot | None:
        """The newest snapshot of a segment at or before an instant, also of a dropped one."""

    def log(self, segment: str) -> Sequence[LogEntry]:
        """The membership log of a segment, oldest first."""

    def applies(self) -> Sequence[ApplyRecord]:
        """Every apply, newest first, without the bytes of their plans."""

    def unfinished_apply(self) -> ApplyRecord | None:
        """The apply that was begun and not finished, with its plan; at most one exists."""

    def is_applied(self, plan_id: str) -> bool:
        """True where that plan was applied to the end."""

    def journal(self, apply_id: str) -> Sequence[JournalEntry]:
        """The journal of one apply, in the order written."""

    def blob(self, digest: str) -> bytes | None:
        """The kept bytes of a list file or template, by SHA-256 in hex."""

    def lease(self) -> Lease | None:
        """The lease as recorded, expired or not; None where nobody holds it."""


class StateStore(StateReader, Protocol):
    """The deployed state, for those who write it. Every write takes the writer's lease and raises
    LeaseLostError, without writing, when the lease's token is not the newest."""

    def create(self, lineage: str, project: str) -> StateVersion:
        """Make the database and its tables, or bring older tables up to date; an existing lineage
        and owner stay. Raises StateUnavailableError when the place can't be written."""

    def acquire(self, owner: str, purpose: str, now: Instant, ttl: Duration) -> Lease:
        """Take the lease when it is free or expired. Raises LockedError saying who holds it."""

    def renew(self, lease: Lease, now: Instant, ttl: Duration) -> Lease:
        """Prolong the lease. Raises LeaseLostError when somebody else took it."""

    def release(self, lease: Lease) -> None:
        """Give the lease back; harmless when it is already lost."""

    def break_lease(self) -> Lease | None:
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
        """In one transaction: the commit's content, the next serial, and the end of the apply.

        Raises, and writes nothing: RefusedError for an apply that is not underway and a snapshot
        that is not later than what is recorded of its segment, NotDeployedError for a segment or
        a deletion of what is not deployed, CorruptStateError for log entries that do not add up.
        """

    def abandon_apply(self, lease: Lease, apply_id: str, reason: str, now: Instant) -> None:
        """End an apply that made nothing deployed: it is finished without a serial, and its plan
        does not count as applied."""

    def commit_refresh(self, lease: Lease, memberships: Sequence[Membership]) -> StateVersion:
        """In one transaction: snapshots and log entries of refreshed segments, the next serial."""


class SnapshotStore(Protocol):
    """Bytes by their SHA-256. Raises StateUnavailableError when the place can't be used."""

    def put(self, content: bytes) -> str:
        """Keep the bytes durably and return their digest in hex; the same bytes are kept once."""

    def get(self, digest: str) -> bytes:
        """The bytes under a digest. Raises CorruptStateError when missing or altered."""
