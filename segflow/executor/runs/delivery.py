"""Delivery: claims sends, calls channels, and records how each ended, in passes over who waits.

A send is claimed before its channel is called. Where a channel is not idempotent the call itself is
noted before it is made, so that a process that dies inside it leaves an unknown and never a second
message. Where it is, the claim notes the call, and what was not called is put back behind it. What
a receiver could not take is tried again in the next pass, after a growing pause.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pyroaring import BitMap64

from segflow.campaign.gate import Bucket, Placed
from segflow.errors import StateUnavailableError
from segflow.executor.evaluate import Evaluator
from segflow.executor.lease import Hold
from segflow.executor.runs.arms import Arms, ReadyAction
from segflow.executor.runs.conversation import Conversation
from segflow.executor.runs.ending import CALLING, UNSURE, settlement
from segflow.executor.runs.pacing import Pacing
from segflow.executor.runs.running import Running, send_id
from segflow.executor.timing import rule_zone
from segflow.model.compiled import Compiled, CompiledRule
from segflow.model.keys import Key
from segflow.model.run import Run, Send, Settlement

PAUSES = (0.0, 1.0, 5.0, 25.0, 120.0)
"""Seconds before each pass; as many passes are made at most."""

CHUNK = 500
"""Users whose sends are claimed, and settled, in one transaction."""

BLOCK = 20_000
"""Users whose fields are asked for in one query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Work had to stop: what is not settled is taken up by the next process."""


class Sender:
    """The sends of one run that was decided."""

    def __init__(
        self,
        running: Running,
        hold: Hold,
        compiled: Compiled,
        rule: CompiledRule,
        run: Run,
        arms: Arms,
        evaluator: Evaluator,
    ) -> None:
        self._running = running
        self._hold = hold
        self._rule = rule
        self._run = run
        self._arms = arms
        self._evaluator = evaluator
        self._zone = rule_zone(rule.rule, compiled)
        self._pacing = Pacing(running)
        self._ended: defaultdict[tuple[str, str, Bucket], BitMap64] = defaultdict(BitMap64)
        self._notes: list[Settlement] = []
        self._stopped = False
        self._done = self._total = 0
        self._settled = 0

    def deliver(self, to_send: Mapping[str, BitMap64]) -> tuple[Placed, ...] | Stopped:
        """Send to the users of each arm. Everybody ends in one bucket, or work had to stop.

        Raises LeaseLostError, and what the sources and the state raise: then nothing is settled
        that did not happen, and the run can be taken up again.
        """
        waiting = dict(to_send)
        self._total = sum(map(len, waiting.values()))
        for number, seconds in enumerate(PAUSES):
            if seconds and not self._pause(seconds, sum(map(len, waiting.values()))):
                return Stopped()
            self._pacing.begin(is_last=number == len(PAUSES) - 1)
            waiting = {arm: self._pass(arm, users) for arm, users in waiting.items()}
            if self._stopped:
                return Stopped()
            if not any(waiting.values()):
                break
        return tuple(
            Placed(bucket=bucket, reason=reason, arm=arm, members=members)
            for (arm, reason, bucket), members in sorted(self._ended.items())
        )

    def _pause(self, seconds: float, waiting: int) -> bool:
        """Wait for the next pass, and say so: a receiver that is down is what a person waits for
        without knowing. False where work has to stop."""
        rule, run = self._run.rule, self._run.id
        self._running.log("sends wait", rule=rule, run=run, users=waiting, seconds=seconds)
        what = f"sending {rule}: {waiting:,} wait {seconds:g} s for another try"
        self._running.progress(what, self._done, self._total)
        return self._running.pause(seconds)

    # --- a pass ---

    def _pass(self, arm: str, users: BitMap64) -> BitMap64:
        """Those who still wait behind it."""
        waiting = BitMap64()
        for block in _parts(users, BLOCK):
            names = self._rule.user_fields
            entity = self._rule.audience.segment.entity
            fields = self._evaluator.fields(entity, names, BitMap64(block))
            for chunk in _parts(block, CHUNK):
                if self._stopped or not self._running.pause(0):
                    self._stopped = True
                    return waiting
                waiting |= self._chunk(arm, chunk, fields)
        return waiting

    def _chunk(
        self, arm: str, keys: Sequence[int], fields: Mapping[Key, Mapping[str, object]]
    ) -> BitMap64:
        """Those who still wait. What was done is settled, whatever goes wrong behind it."""
        claimed = self._claim(arm, keys)
        talks = [
            self._talk(arm, sends, fields.get(key, {}))
            for key, sends in zip(keys, claimed, strict=True)
        ]
        waiting = BitMap64()
        try:
            for key, talk in zip(keys, talks, strict=True):
                if not self._running.pause(0):
                    self._stopped = True
                    break
                ending = talk.end()
                if ending is None:
                    waiting.add(key)
                    continue
                self._ended[arm, ending.reason, ending.bucket].add(key)
                self._done += 1
                self._running.progress(f"sending {self._run.rule}", self._done, self._total)
        finally:
            for talk in talks:
                talk.put_back()
            self._settle()
        return waiting

    def _talk(self, arm: str, sends: Sequence[Send], user: Mapping[str, object]) -> Conversation:
        return Conversation(
            running=self._running,
            run=self._run,
            actions=self._arms[arm],
            sends=sends,
            user=user,
            zone=self._zone,
            pacing=self._pacing,
            note=self._notes.append,
            settle=self._settle,
        )

    # --- the ledger ---

    def _claim(self, arm: str, keys: Sequence[int]) -> list[Sequence[Send]]:
        """The sends of each user, one per action; new ones are claimed, the others as they are,
        except that all that may be called without a note of each call are noted here."""
        actions = self._arms[arm]
        wanted = [self._send(arm, key, ready) for key in keys for ready in actions]
        offers = {
            send.id: str(ready.action.offer)
            for send, ready in zip(wanted, actions * len(keys), strict=True)
            if ready.gives_coupon
        }
        effects = self._running.effects
        effects.failpoint(f"run.before.claim.{keys[0]}")
        claimed = effects.ledger.claim(self._hold.lease, wanted, offers)
        effects.failpoint(f"run.after.claim.{keys[0]}")
        begun = [self._begun(send, actions[send.action]) for send in claimed]
        self._settle()
        width = len(actions)
        return [begun[start : start + width] for start in range(0, len(begun), width)]

    def _begun(self, send: Send, ready: ReadyAction) -> Send:
        """A send of an earlier pass, noted as about to be called like the new ones."""
        is_waiting = send.status == "claimed" and send.detail not in (CALLING, UNSURE)
        if not is_waiting or not _is_called_at_once(ready):
            return send
        again = replace(send, detail=CALLING)
        self._notes.append(settlement(again, self._running.now()))
        return again

    def _send(self, arm: str, key: int, ready: ReadyAction) -> Send:
        return Send(
            id=send_id(self._run.id, key, arm, 0, ready.number),
            run_id=self._run.id,
            rule=self._run.rule,
            channel=ready.channel.name,
            key=key,
            variant=arm,
            step=0,
            action=ready.number,
            claimed_at=self._running.now(),
            detail=CALLING if _is_called_at_once(ready) else None,
        )

    def _settle(self) -> None:
        """Make durable what was noted. Nobody else knows it: a state that can't be written is
        waited for."""
        if not self._notes:
            return
        effects = self._running.effects
        self._settled += 1
        effects.failpoint(f"run.before.settle.{self._settled}")
        for seconds in (*PAUSES[1:], None):
            try:
                effects.ledger.settle(self._hold.lease, tuple(self._notes))
                break
            except StateUnavailableError:
                if seconds is None or not self._running.pause(seconds):
                    raise
        self._notes.clear()
        effects.failpoint(f"run.after.settle.{self._settled}")


def _is_called_at_once(ready: ReadyAction) -> bool:
    """Whether a send is called after its claim without a note of its own."""
    return ready.port.idempotent and not ready.gives_coupon


def _parts(keys: BitMap64 | Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    rest = iter(keys)
    while part := tuple(islice(rest, size)):
        yield part
