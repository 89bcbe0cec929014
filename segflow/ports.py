"""Every port to the world as a Protocol, with its promise and the errors it raises.

Adapters (engines, store, …) implement these and are chosen in app/wiring.py alone. Id sets cross as
64-bit roaring bitmaps of ordinals; instants as milliseconds UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pyroaring import BitMap64
from sqlalchemy.sql import Select

from segflow.model.address import Address
from segflow.model.channel import Channel as ChannelObject
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.run import (
    BucketRecord,
    Decision,
    ExposureRecord,
    Run,
    Send,
    Settlement,
    Stock,
)
from segflow.model.state import (
    ApplyRecord,
    DeployedObject,
    JournalEntry,
    Lease,
    LeaseName,
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


class Chance(Protocol):
    """Draws what nobody can foresee, not even from what it drew before."""

    def __call__(self, count: int, /) -> bytes:
        """So many bytes, each value as likely as any other."""


class Progress(Protocol):
    """Is told how far long work has come; shows it or does not."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` parts of `what` are finished. Never raises."""


class Failpoint(Protocol):
    """Is passed at every place where a crash must be harmless; tests make it kill the process."""

    def __call__(self, name: str) -> None:
        """Do nothing, or end the process on the spot."""


class Pause(Protocol):
    """Waits, unless work has to stop."""

    def __call__(self, seconds: float) -> bool:
        """Wait so long and return True; False, and without waiting any longer, once work has to
        stop."""


class Log(Protocol):
    """Is told what happens while nobody looks: a name in words, and facts about it."""

    def __call__(
        self,
        event: str,
        *,
        level: Literal["info", "warning", "alarm"] = "info",
        **facts: str | int | float | bool | None,
    ) -> None:
        """Tell it. An alarm is for a person to act upon. Facts hold no secrets and nothing of
        users but their number. Never raises."""


# --- engines ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A query for the keys of one segment at one instant: one column, `key`, each key once; for
    Engine.values() with more columns behind it.

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

    def values(
        self, selection: Selection, sets: Mapping[str, BitMap64]
    ) -> Sequence[Mapping[str, Any]]:
        """The rows of a selection of more columns than the key, as rows() gives them. `sets` holds
        every set that it names; raises as members() does."""

    def render(self, statement: Select[Any]) -> str:
        """The statement in the engine's SQL for a person to read, with its parameters filled in."""

    def close(self) -> None:
        """Let go of the connection; harmless when done twice."""


# --- state -----------------------------------------------------------------------------------


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
        """In one transaction: snapshots and log entries of refreshed segments, the next serial."""


class SnapshotStore(Protocol):
    """Bytes by their SHA-256. Raises StateUnavailableError when the place can't be used."""

    def put(self, content: bytes) -> str:
        """Keep the bytes durably and return their digest in hex; the same bytes are kept once."""

    def get(self, digest: str) -> bytes:
        """The bytes under a digest. Raises CorruptStateError when missing or altered."""


# --- running rules ---------------------------------------------------------------------------


class LedgerReader(Protocol):
    """What was run and sent, read only. Raises as StateReader does."""

    def run(self, run_id: str) -> Run | None:
        """One run."""

    def runs(self, rule: str | None = None, limit: int | None = None) -> Sequence[Run]:
        """Runs, newest scheduled first."""

    def last_scheduled(self, rule: str, at: Instant) -> Instant | None:
        """The newest scheduled instant, at or before `at`, of a rule that has a run of any status
        then."""

    def unfinished_runs(self) -> Sequence[Run]:
        """Runs that were begun and not finished, oldest first."""

    def buckets(self, run_id: str) -> Sequence[BucketRecord]:
        """Where the users of a run are: as decided while it runs, at the end once it is done."""

    def exposures(self, run_id: str) -> Sequence[ExposureRecord]:
        """Who counts as exposed in a run, by arm."""

    def sends(self, run_id: str) -> Sequence[Send]:
        """The sends of a run, in order of key, step and action."""

    def coupons(self, run_id: str) -> Mapping[str, int]:
        """How many codes of each offer a run reserved or gave away, in order of name."""

    def reached(
        self, start: Instant, end: Instant, *, rule: str | None, channel: str | None
    ) -> Mapping[int, int]:
        """In how many runs scheduled in [start, end) each user was reached, for caps: a send was
        delivered, is unknown or under way. `rule` and `channel` narrow it. Users without any are
        left out; those of a holdout count by held_out().

        A run counts at its scheduled instant however late it was, so that a replay counts alike.
        """

    def held_out(
        self, start: Instant, end: Instant, *, rule: str | None, channel: str | None
    ) -> Sequence[ExposureRecord]:
        """The exposures of holdouts in runs scheduled in [start, end), oldest first: each counts
        once more for caps for the users in its bitmap, who would have been reached. `rule` narrows
        it, `channel` to runs that sent through that channel."""

    def stock(self, offer: str) -> Stock:
        """The codes of an offer."""

    def known_codes(self, codes: Iterable[str]) -> frozenset[str]:
        """Those of the codes that any offer has or gave to somebody."""

    def coupons_given(self, rule: str, start: Instant | None, end: Instant | None) -> int:
        """Codes that a rule reserved or gave away in its runs scheduled in [start, end); None is
        an open end."""


class Ledger(LedgerReader, Protocol):
    """What was run and sent, for those who write it. Every write takes the lease named "runner"
    (of the state store), raises LeaseLostError without writing when it is lost, ValueError for a
    lease of another name, and is durable when it returns."""

    def begin_run(self, lease: Lease, run: Run) -> bool:
        """Record a run; False, and nothing written, where its (rule, scheduled) has one already."""

    def decide_run(self, lease: Lease, decision: Decision) -> None:
        """Record what the gate decided: the run with its audience and digest, buckets and
        exposures, in one transaction. Raises RefusedError for a run that is not running, and for
        one that was decided before: its `digest` says so."""

    def claim(
        self, lease: Lease, sends: Sequence[Send], offers: Mapping[str, str]
    ) -> Sequence[Send]:
        """Claim sends before their channel is called, in one transaction; those that exist already
        come back as they are, all in the order given. A new one keeps its detail. `offers` names,
        by send id, the offer of which a free code is reserved with the claim; where none is left
        the send comes back failed with the detail "out_of_stock". Raises RefusedError unless their
        run is decided and running."""

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> None:
        """Record how sends ended, in one transaction; the code of a delivered or unknown one is
        committed, that of a failed one released. "claimed" notes another attempt and keeps the code
        reserved. Delivered and failed are final: the same again is harmless, another status raises
        RefusedError, and so does a send that was never claimed."""

    def finish_run(self, lease: Lease, run: Run, buckets: Sequence[BucketRecord]) -> None:
        """Record the end of a run and where every user ended, in one transaction. Raises
        RefusedError for a run that is not running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel is asked to deliver. `send_id` is the idempotency key; `key` the user as text.

    `body` is the rendered template, None where the action has none; `facts` are what a receiver
    needs to know besides (rule, run, variant, offer, code, …), JSON-like.
    """

    send_id: str
    key: str
    rule: str
    run_id: str
    variant: str
    body: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A channel's answer: delivered, failed for good, worth another try since nothing was done, or
    unknown (the call began and nobody can say how it ended)."""

    status: Literal["delivered", "failed", "retry", "unknown"]
    detail: str | None = None


class Channel(Protocol):
    """Delivers messages. Never raises for what a receiver does; answers within a time limit."""

    idempotent: bool
    """True where a second delivery under the same send_id has no effect."""

    def deliver(self, message: Message) -> Delivery:
        """Deliver one message, once."""

    def close(self) -> None:
        """Let go of connections; harmless when done twice."""


class Channels(Protocol):
    """Opens the channels that rules name."""

    def open(self, channel: ChannelObject) -> Channel:
        """The open channel; the same one each time. Where it must not send, one that records.

        Raises RefusedError where its settings can't be used or a secret is not set.
        """

    def is_live(self, channel: ChannelObject) -> bool:
        """Whether it sends here; otherwise it records what it would send."""
