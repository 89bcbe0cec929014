"""What rules are run through: the ledger of runs and sends, and the channels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from segflow.model.channel import Channel as ChannelObject
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
from segflow.model.state import Lease


class LedgerReader(Protocol):
    """What was run and sent, read only. Raises as StateReader does."""

    def run(self, run_id: str) -> Run | None:
        """One run."""

    def runs(self, rule: str | None = None, limit: int | None = None) -> Sequence[Run]:
        """Runs, newest scheduled first."""

    def runs_called(self, beginning: str) -> Sequence[Run]:
        """Runs whose id begins so, in order of id."""

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
