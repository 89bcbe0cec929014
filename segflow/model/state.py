"""Records of deployed state: objects, snapshots, the membership log, applies and the lease."""

from dataclasses import dataclass
from typing import Literal

from segflow.model.address import Address
from segflow.model.cost import Cost
from segflow.model.instant import Instant

Cause = Literal["data", "time", "definition", "population", "correction"]
"""Why a membership changed. `time` and `population` count as `data` until told apart."""

LeaseName = Literal["state", "runner"]
"""What a lease gives the right to: writing the deployed state, or running rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedObject:
    """An object as it was last applied.

    `canonical` is its canonical JSON, `fingerprint` the SHA-256 of that in hex; `definition` is the
    definition hash of a segment, of a rule that of its audience, else None. `files` pairs each file
    that it names (a list, a template, codes), by its path, with the digest of the blob kept of it.
    `deployed_at` is noted by the store; None where an older version deployed it.
    """

    address: Address
    canonical: str
    fingerprint: str
    definition: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    deployed_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The members of a segment as of one instant.

    A serialised 64-bit roaring bitmap lies in the snapshot store under `digest` (SHA-256 of its
    bytes, hex). `definition` is the hash it was made with.
    """

    segment: str
    as_of: Instant
    definition: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One change of a segment's members: who entered and who exited, at one instant, for one cause.

    The bitmaps lie in the snapshot store under their digests; None stands for the empty set.
    `sequence` counts from 1 per segment.
    """

    segment: str
    sequence: int
    as_of: Instant
    cause: Cause
    definition: str
    entered: int
    exited: int
    entered_digest: str | None = None
    exited_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What one evaluation adds to a segment's membership: the new snapshot and the log entries that
    lead to it, in order of cause (the store numbers them; `sequence` is 0 until then). `costs` are
    those of the evaluation."""

    snapshot: Snapshot
    entries: tuple[LogEntry, ...]
    costs: tuple[Cost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRefresh:
    """The last refresh of a segment, to the instant `as_of`, failed: what is recorded is stale.
    `reason` says why in words that may be kept."""

    segment: str
    as_of: Instant
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRecord:
    """One apply. `plan` is the plan file's bytes, so that an interrupted apply can be finished
    without the file; `finished_at` is None while it runs or was interrupted. `serial` is that of
    the state it made; an abandoned one made none and says why in `abandoned`."""

    id: str
    plan_id: str
    plan: bytes
    started_at: Instant
    finished_at: Instant | None = None
    serial: int | None = None
    abandoned: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of an apply's journal. "begin" is durable before the step acts; "end" carries what
    the step made (the JSON of a Membership for a segment step), before it counts."""

    apply_id: str
    step: int
    phase: Literal["begin", "end"]
    at: Instant
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write until `expires_at`, renewed by heartbeats. `token` is the fencing token:
    it grows with every acquisition under one name and the store refuses an older one."""

    owner: str
    token: int
    purpose: str
    acquired_at: Instant
    heartbeat_at: Instant
    expires_at: Instant
    name: LeaseName = "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVersion:
    """Which state this is. `lineage` is a random id made with the state; `serial` counts its writes
    and only orders them; `project` is the name of the project that owns it, `timezone` its time
    zone as of the last apply, by which the deployed definitions are read."""

    lineage: str
    serial: int
    project: str
    timezone: str = "UTC"
