"""The sends of one run to one user: messages in order, and coupons by how the messages went."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from segflow.campaign.message import Unrendered
from segflow.executor.arms import ReadyAction
from segflow.executor.ending import (
    CALLING,
    DIED,
    MAYBE,
    NO_CODE,
    NO_MESSAGE,
    NOT_TRIED,
    OUT_OF_STOCK,
    RESTED,
    Ending,
    ending_of,
)
from segflow.executor.letter import letter
from segflow.executor.pacing import Pacing
from segflow.executor.running import Running
from segflow.model.instant import Instant
from segflow.model.run import Run, Send, SendStatus, Settlement
from segflow.ports import Delivery


@dataclass(slots=True, kw_only=True)
class Conversation:
    """What passes between a run and one user. `sends` stand in the order of `actions`, as the
    ledger has them; `note` takes a settlement, `settle` makes all noted ones durable."""

    running: Running
    run: Run
    actions: Sequence[ReadyAction]
    sends: Sequence[Send]
    user: Mapping[str, object]
    zone: ZoneInfo
    pacing: Pacing
    note: Callable[[Settlement], None]
    settle: Callable[[], None]
    _now: dict[int, Send] = field(default_factory=dict)

    def end(self) -> Ending | None:
        """Do what is left to do. None where the user waits: for another pass, or as work stops."""
        self._now = {send.action: send for send in self.sends}
        if any(send.detail == OUT_OF_STOCK for send in self.sends):
            self._end_all(NO_CODE)
        for ready in self.actions:
            if not ready.gives_coupon and not self._message(ready):
                return None
        self._coupons()
        return ending_of(self._now.values(), live=self.run.live)

    # --- messages ---

    def _message(self, ready: ReadyAction) -> bool:
        """See to one message; False where it waits."""
        send = self._now[ready.number]
        if send.status != "claimed":
            return True
        if send.detail == CALLING and not ready.port.idempotent:
            self._noted(send, "unknown", DIED)
            return True
        if self._failed_before(ready):
            self._noted(send, "failed", NOT_TRIED)
            return True
        return self._call(ready, send)

    def _failed_before(self, ready: ReadyAction) -> bool:
        return any(
            self._now[other.number].status == "failed"
            for other in self.actions
            if other.number < ready.number and not other.gives_coupon
        )

    def _call(self, ready: ReadyAction, send: Send) -> bool:
        """Call the channel; False where the message waits."""
        if self.pacing.rests(ready.channel):
            return self._give_up(send, RESTED)
        code = self._code(ready)
        message = letter(ready, self.run, send, code, self.user, self.zone)
        if isinstance(message, Unrendered):
            self._noted(send, "failed", f"{ready.action.template}: {message.reason}")
            return True
        if not self.pacing.wait(ready.channel):
            return False
        self._begin_call(ready, send)
        self.running.effects.failpoint(f"run.before.call.{send.key}.{send.action}")
        answer = ready.port.deliver(message)
        self.running.effects.failpoint(f"run.after.call.{send.key}.{send.action}")
        self.pacing.answered(ready.channel, wants_retry=answer.status == "retry")
        return self._answered(replace(send, attempts=send.attempts + 1), answer)

    def _begin_call(self, ready: ReadyAction, send: Send) -> None:
        """Where a second call would be a second message: make durable that this one begins."""
        if not ready.port.idempotent:
            self._noted(send, "claimed", CALLING)
            self.settle()

    def _answered(self, send: Send, answer: Delivery) -> bool:
        if answer.status != "retry":
            self._noted(send, answer.status, answer.detail)
            return True
        self._noted(send, "claimed", answer.detail)
        return self._give_up(send, answer.detail)

    def _give_up(self, send: Send, detail: str | None) -> bool:
        """In the last pass what was not taken fails; before it the message waits."""
        if self.pacing.is_last:
            self._noted(send, "failed", detail)
        return self.pacing.is_last

    def _code(self, ready: ReadyAction) -> str | None:
        """The code that was reserved for this user of the offer that the message tells of."""
        for other in reversed(self.actions[: ready.number]):
            if other.gives_coupon and other.offer == ready.offer:
                return self._now[other.number].code
        return None

    # --- coupons ---

    def _coupons(self) -> None:
        """A code is given where a message brought it, or may have; else it goes back."""
        messages = [self._now[one.number] for one in self.actions if not one.gives_coupon]
        reached = [send for send in messages if send.status in ("delivered", "unknown")]
        for ready in self.actions:
            send = self._now[ready.number]
            if not ready.gives_coupon or send.status != "claimed":
                continue
            if messages and not reached:
                self._noted(send, "failed", NO_MESSAGE)
            elif messages and all(one.status == "unknown" for one in reached):
                self._noted(send, "unknown", MAYBE)
            else:
                self._hand_over(ready, send)

    def _hand_over(self, ready: ReadyAction, send: Send) -> None:
        message = letter(ready, self.run, send, send.code, self.user, self.zone)
        if isinstance(message, Unrendered):
            self._noted(send, "failed", f"{ready.action.template}: {message.reason}")
            return
        answer = ready.port.deliver(message)
        status = "failed" if answer.status == "retry" else answer.status
        self._noted(replace(send, attempts=send.attempts + 1), status, answer.detail)

    # --- ends ---

    def _end_all(self, detail: str) -> None:
        """Nothing is sent to this user."""
        for send in self._now.values():
            if send.status == "claimed":
                self._noted(send, "failed", detail)

    def _noted(self, send: Send, status: SendStatus, detail: str | None) -> None:
        self.note(_settlement(send, status, self.running.now(), detail))
        self._now[send.action] = replace(send, status=status, detail=detail)


def _settlement(send: Send, status: SendStatus, at: Instant, detail: str | None) -> Settlement:
    return Settlement(send_id=send.id, status=status, at=at, attempts=send.attempts, detail=detail)
