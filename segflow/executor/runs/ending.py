"""Where a user ends whose sends have ended, and the words for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segflow.campaign.gate import Bucket
from segflow.model.instant import Instant
from segflow.model.run import Send, SendStatus, Settlement

OUT_OF_STOCK = "out_of_stock"
"""The ledger's detail of a send for which no code was left."""

CALLING = "calling"
"""The detail of a claimed send whose channel may be underway to its receiver at this moment."""

UNSURE = "may have arrived"
"""The detail of a claimed send that is tried again, although an earlier call may have reached its
receiver. With all other details a claimed send has reached nobody."""

DIED = "the process ended during the call"
RESTED = "the receiver did not answer others"

NOT_TRIED = "an action before it failed"
NO_MESSAGE = "no message brought the code"
NO_CODE = "no code was left for the user"
MAYBE = "nobody can say whether a message brought the code"

_FOLLOWS = (NOT_TRIED, NO_MESSAGE, NO_CODE, MAYBE)
"""Details that say only that something else went wrong."""

_WORST: tuple[tuple[SendStatus, Bucket], ...] = (("failed", "failed"), ("unknown", "unknown"))


def settlement(send: Send, at: Instant) -> Settlement:
    """That a send is as it is here."""
    return Settlement(
        send_id=send.id, status=send.status, at=at, attempts=send.attempts, detail=send.detail
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where a user ended, and why."""

    bucket: Bucket
    reason: str


def coupon_status(messages: Sequence[Send]) -> SendStatus:
    """What becomes of a code by the messages that bring it: it is given where one did, or may
    have; else it goes back."""
    found = {send.status for send in messages}
    if "delivered" in found:
        return "delivered"
    return "unknown" if "unknown" in found else "failed"


def ending_of(sends: Iterable[Send], *, live: bool) -> Ending:
    """By the worst of a user's sends, and there by the first that is no consequence of another."""
    ended = sorted(sends, key=lambda send: send.detail in _FOLLOWS)
    for send in ended:
        if send.detail == OUT_OF_STOCK:
            return Ending(bucket="out_of_stock", reason=f"{send.channel}: no code was left")
    for status, bucket in _WORST:
        for send in ended:
            if send.status == status:
                reason = f"{send.channel}: {send.detail or 'it did not say why'}"
                return Ending(bucket=bucket, reason=reason)
    return Ending(bucket="delivered", reason="sent" if live else "recorded")
