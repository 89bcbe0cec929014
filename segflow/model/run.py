"""Records of running rules: runs, where each user ended, exposures, sends and coupon codes."""

from dataclasses import dataclass
from typing import Literal

from segflow.model.instant import Instant

RunStatus = Literal["running", "done", "skipped", "failed"]
"""skipped: the occurrence was missed or overlapped, nothing was evaluated; failed: the audience
could not be had, nothing was sent."""

SendStatus = Literal["claimed", "delivered", "failed", "unknown"]
"""unknown: the process died inside the call, so that nobody can say whether it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a rule. `id` is the hash of (rule, scheduled).

    `as_of` is the instant its audience was evaluated at, `definition` the audience's definition
    hash, `fingerprint` that of the rule with all that it sends. `live` says whether channels sent
    or recorded. `audience` and `digest` describe the audience's bitmap in the snapshot store (None
    until it is evaluated). `epoch` names the arms' shares. `reason` says why it was skipped or
    failed, or why a run that was decided was not sent to its end.
    """

    id: str
    rule: str
    scheduled: Instant
    as_of: Instant
    status: RunStatus
    live: bool
    fingerprint: str
    definition: str
    epoch: str
    started_at: Instant
    finished_at: Instant | None = None
    audience: int | None = None
    digest: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRecord:
    """Users of a run who ended in one bucket for one reason; the set lies in the snapshot store.

    `arm` is None for those who left before they had one. The bucket "to_send" stands in a decision
    for those who passed the gate; at the end of the run they are in delivered, failed or unknown.
    """

    bucket: str
    reason: str
    arm: str | None
    count: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRecord:
    """Users of one arm who count as exposed, at one point of the run, ghosts of the holdout too."""

    arm: str
    at: Instant
    count: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate decided for a run, durable before anything is claimed."""

    run: Run
    buckets: tuple[BucketRecord, ...]
    exposures: tuple[ExposureRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One delivery to one user. `id` is the hash of (rule, run, user, variant, step, action) and
    the idempotency key that channels get. `key` is the user's ordinal. `code` is the coupon code
    that was reserved for it."""

    id: str
    run_id: str
    rule: str
    channel: str
    key: int
    variant: str
    step: int
    action: int
    claimed_at: Instant
    status: SendStatus = "claimed"
    attempts: int = 0
    settled_at: Instant | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one send ended; `attempts` counts the calls of the channel so far."""

    send_id: str
    status: SendStatus
    at: Instant
    attempts: int
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The codes of an offer: how many are free, reserved for a send under way, and given away."""

    offer: str
    free: int
    reserved: int
    committed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run and where its users are. `buckets` add up to the audience, `coupons` pairs each offer
    with how many of its codes the run reserved or gave away."""

    run: Run
    buckets: tuple[BucketRecord, ...] = ()
    exposures: tuple[ExposureRecord, ...] = ()
    coupons: tuple[tuple[str, int], ...] = ()
