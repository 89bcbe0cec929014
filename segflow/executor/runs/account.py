"""The account of a run: who waits to be sent to, who left and why, and that nobody is missing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pyroaring import BitMap64

from segflow.campaign.gate import Bucket, Placed, check_accounting
from segflow.executor.lease import Hold
from segflow.executor.runs.ending import (
    CALLING,
    DIED,
    MAYBE,
    NO_MESSAGE,
    UNSURE,
    Ending,
    coupon_status,
    ending_of,
    settlement,
)
from segflow.executor.runs.judge import TO_SEND, bucket_record
from segflow.executor.runs.running import Running
from segflow.membership.bitmaps import from_bytes
from segflow.model.instant import format_instant
from segflow.model.run import BucketRecord, Run, RunReport, RunStatus, Send
from segflow.ports import LedgerReader

_Group = tuple[str, str, str | None]
"""A bucket, a reason and an arm."""


def report_of(ledger: LedgerReader, run: Run) -> RunReport:
    """A run as the ledger has it."""
    return RunReport(
        run=run,
        buckets=tuple(ledger.buckets(run.id)),
        exposures=tuple(ledger.exposures(run.id)),
        coupons=tuple(ledger.coupons(run.id).items()),
    )


class Account:
    """Of one run. Until opened() the run has no decision."""

    def __init__(self, running: Running, hold: Hold, run: Run) -> None:
        self._running = running
        self._hold = hold
        self._run = run
        self._left: defaultdict[_Group, BitMap64] = defaultdict(BitMap64)
        self._to_send: dict[str, BitMap64] = {}
        self._known: dict[str, Send] | None = None

    # --- before and while it is sent ---

    def opened(self, run: Run, buckets: Iterable[BucketRecord]) -> None:
        """The run was decided, as these buckets say."""
        self._run = run
        self._left.clear()
        self._to_send.clear()
        self._known = None  # somebody may have sent since they were read
        for record in buckets:
            members = self._load(record.digest)
            if record.bucket == TO_SEND:
                self._to_send[str(record.arm)] = members
            else:
                self._left[record.bucket, record.reason, record.arm] |= members

    def to_send(self) -> Mapping[str, BitMap64]:
        """Who passed the gate and did not leave since, by arm."""
        return self._to_send

    def take_up(self, can_repeat: Callable[[Send], bool]) -> None:
        """Note what became of the calls that a process died in: where a call can't be repeated,
        nobody can say."""
        self._settle(
            [
                replace(send, detail=UNSURE)
                if can_repeat(send)
                else replace(send, status="unknown", detail=DIED)
                for send in self._sends()
                if send.status == "claimed" and send.detail == CALLING
            ]
        )

    def untouched(self) -> BitMap64:
        """Those of them whom nothing that was sent can have reached yet."""
        touched = BitMap64(send.key for send in self._sends() if _is_begun(send))
        return BitMap64.union(BitMap64(), *self._to_send.values()) - touched

    def dismiss(self, users: BitMap64, bucket: Bucket, reason: str) -> None:
        """These are not sent to, although something may be claimed for them."""
        if not users:
            return
        self._settle(
            [
                replace(send, status="failed", detail=reason)
                for send in self._sends()
                if send.status == "claimed" and send.key in users
            ]
        )
        self._leave(users, bucket, reason)

    # --- the end ---

    def finish(self, placed: Iterable[Placed]) -> RunReport:
        """Record where everybody ended. Raises GiveUpError where somebody is missing."""
        for group in placed:
            self._left[group.bucket, group.reason, group.arm] |= group.members
        return self._finished("done", None)

    def close(self, reason: str) -> RunReport:
        """Record that the run ends here: what was not sent is not sent any more. A run without a
        decision has failed, with nobody in it."""
        ledger = self._running.effects.ledger
        if self._run.digest is None:
            return self._finished("failed", reason)
        self.opened(self._run, ledger.buckets(self._run.id))
        self.dismiss(self.untouched(), "failed", reason)
        for ending, users in self._endings(reason).items():
            self._leave(users, ending.bucket, ending.reason)
        return self._finished("done", reason)

    def _endings(self, reason: str) -> Mapping[Ending, BitMap64]:
        """Where those end who were begun with; what may be underway becomes unknown."""
        by_user: defaultdict[int, list[Send]] = defaultdict(list)
        for send in self._sends():
            by_user[send.key].append(send)
        changed: list[Send] = []
        endings: defaultdict[Ending, BitMap64] = defaultdict(BitMap64)
        for key, sends in by_user.items():
            ended = _closed(sends, reason)
            changed += (made for made in ended if made not in sends)
            endings[ending_of(ended, live=self._run.live)].add(key)
        self._settle(changed)
        return endings

    def _leave(self, users: BitMap64, bucket: Bucket, reason: str) -> None:
        for arm, members in self._to_send.items():
            if gone := members & users:
                self._left[bucket, reason, arm] |= gone
                self._to_send[arm] = members - gone

    def _sends(self) -> Sequence[Send]:
        """All sends of the run, read once: there may be millions."""
        if self._known is None:
            read = self._running.effects.ledger.sends(self._run.id)
            self._known = {send.id: send for send in read}
        return tuple(self._known.values())

    def _settle(self, changed: Sequence[Send]) -> None:
        """Record that sends are as they are here."""
        if not changed:
            return
        now = self._running.now()
        notes = [settlement(send, now) for send in changed]
        self._running.effects.ledger.settle(self._hold.lease, notes)
        if self._known is not None:
            self._known |= {send.id: send for send in changed}

    def _finished(self, status: RunStatus, reason: str | None) -> RunReport:
        effects = self._running.effects
        run = replace(self._run, status=status, reason=reason, finished_at=self._running.now())
        if run.digest is not None:
            self._check(run.digest)
        buckets = tuple(
            bucket_record(effects.snapshots, bucket, why, arm, members)
            for (bucket, why, arm), members in self._left.items()
            if members
        )
        effects.failpoint("run.before.finish")
        effects.ledger.finish_run(self._hold.lease, run, buckets)
        effects.failpoint("run.after.finish")
        self._tell(run, buckets)
        return report_of(effects.ledger, run)

    def _check(self, digest: str) -> None:
        """Raises GiveUpError where a user of the audience is in no bucket, or anybody is in two."""
        placed = [
            Placed(bucket=bucket, reason=why, arm=arm, members=members)  # type: ignore[arg-type]
            for (bucket, why, arm), members in self._left.items()
        ]
        check_accounting(self._load(digest), placed)

    def _load(self, digest: str) -> BitMap64:
        return from_bytes(self._running.effects.snapshots.get(digest))

    def _tell(self, run: Run, buckets: Iterable[BucketRecord]) -> None:
        facts: dict[str, int] = {}
        for record in buckets:
            facts[record.bucket] = facts.get(record.bucket, 0) + record.count
        self._running.log(
            "run finished" if run.status == "done" else "run failed",
            level=_level(run, facts),
            rule=run.rule,
            run=run.id,
            scheduled=format_instant(run.scheduled),
            audience=run.audience,
            reason=run.reason,
            **facts,
        )


def _level(run: Run, counts: Mapping[str, int]) -> Literal["info", "warning", "alarm"]:
    """A person has to see to a run that did not come to its end, or reached nobody whom it tried
    to."""
    if run.status != "done" or run.reason is not None:
        return "alarm"
    if not counts.get("failed", 0) + counts.get("unknown", 0):
        return "info"
    return "warning" if counts.get("delivered", 0) else "alarm"


def _is_begun(send: Send) -> bool:
    """Whether the send has ended, or may have reached somebody."""
    return send.status != "claimed" or send.detail in (CALLING, UNSURE)


def _closed(sends: Sequence[Send], reason: str) -> Sequence[Send]:
    """The sends of one user as they end where nothing is sent any more."""
    messages = [
        send
        if send.status != "claimed"
        else replace(send, status="unknown", detail=UNSURE)
        if _is_begun(send)
        else replace(send, status="failed", detail=reason)
        for send in sends
        if send.code is None
    ]
    status = coupon_status(messages)
    detail = {"delivered": None, "unknown": MAYBE}.get(status, NO_MESSAGE)
    coupons = [
        replace(send, status=status, detail=detail) if send.status == "claimed" else send
        for send in sends
        if send.code is not None
    ]
    return (*messages, *coupons)
