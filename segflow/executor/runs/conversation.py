"""The sends of one run to one user: messages in order, and coupons by how the messages went."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from segflow.campaign.message import Unrendered
from segflow.executor.runs.arms import ReadyAction
from segflow.executor.runs.ending import (
    CALLING,
    MAYBE,
    NO_CODE,
    NO_MESSAGE,
    NOT_TRIED,
    OUT_OF_STOCK,
    RESTED,
    UNSURE,
    Ending,
    coupon_status,
    ending_of,
    settlement,
)
from segflow.executor.runs.letter import letter
from segflow.executor.runs.pacing import Pacing
from segflow.executor.runs.running import Running
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
    _in_call: int | None = None

    def __post_init__(self) -> None:
        self._now = {send.action: send for send in self.sends}

    def end(self) -> Ending | None:
        """Do what is left to do. None where the user waits: for another pass, or as work stops."""
        if any(send.detail == OUT_OF_STOCK for send in self.sends):
            self._end_all(NO_CODE)
        for ready in self.actions:
            if not ready.gives_coupon and not self._message(ready):
                return None
        self._coupons()
        return ending_of(self._now.values(), live=self.run.live)

    def put_back(self) -> None:
        """Note of what was claimed to be called, and was not, that it has reached nobody."""
        for send in self._now.values():
            if send.detail == CALLING and send.action != self._in_call:
                self._noted(send, "claimed", None)

    # --- messages ---

    def _message(self, ready: ReadyAction) -> bool:
        """See to one message; False where it waits."""
        send = self._now[ready.number]
        if send.status != "claimed":
            return True
        if self._failed_before(ready):
            self._not_sent(send, NOT_TRIED)
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
            self._not_sent(send, f"{ready.action.template}: {message.reason}")
            return True
        if not self.pacing.wait(ready.channel):
            return False
        self._begin_call(ready, send)
        self.running.effects.failpoint(f"run.before.call.{send.key}.{send.action}")
        answer = ready.port.deliver(message)
        self.running.effects.failpoint(f"run.after.call.{send.key}.{send.action}")
        self._in_call = None
        self.pacing.answered(ready.channel, clearly=answer.status in ("delivered", "failed"))
        return self._answered(ready, replace(send, attempts=send.attempts + 1), answer)

    def _begin_call(self, ready: ReadyAction, send: Send) -> None:
        """Where a second call would be a second message: make durable that this one begins."""
        self._in_call = send.action
        if not ready.port.idempotent:
            self._noted(send, "claimed", CALLING)
            self.settle()

    def _answered(self, ready: ReadyAction, send: Send, answer: Delivery) -> bool:
        may_arrive = answer.status == "unknown" and ready.port.idempotent
        if answer.status == "retry" or may_arrive:
            unsure = may_arrive or send.detail == UNSURE
            waiting = self._noted(send, "claimed", UNSURE if unsure else answer.detail)
            return self._give_up(waiting, answer.detail)
        self._noted(send, answer.status, answer.detail)
        return True

    def _give_up(self, send: Send, detail: str | None) -> bool:
        """In the last pass what was not taken is not sent; before it the message waits."""
        if self.pacing.is_last:
            self._not_sent(send, detail)
        return self.pacing.is_last

    def _not_sent(self, send: Send, detail: str | None) -> None:
        """Now or ever, unless an earlier call was."""
        self._noted(send, "unknown" if send.detail == UNSURE else "failed", detail)

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
        status = coupon_status(messages) if messages else "delivered"
        for ready in self.actions:
            send = self._now[ready.number]
            if not ready.gives_coupon or send.status != "claimed":
                continue
            if status == "delivered":
                self._hand_over(ready, send)
            else:
                self._noted(send, status, NO_MESSAGE if status == "failed" else MAYBE)

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
        for send in tuple(self._now.values()):
            if send.status == "claimed":
                self._not_sent(send, detail)

    def _noted(self, send: Send, status: SendStatus, detail: str | None) -> Send:
        """The send as it is now."""
        self._now[send.action] = made = replace(send, status=status, detail=detail)
        self.note(settlement(made, self.running.now()))
        return made
