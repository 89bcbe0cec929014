"""The coupon channel: gives a user the code that was reserved for the send."""

from segflow.ports import Delivery, Message


class CouponChannel:
    """Hands over `code` of the message's facts. Which code it is, and that nobody else has it, is
    the ledger's promise; it also keeps whose it is, so there is nothing to send."""

    idempotent = True

    def deliver(self, message: Message) -> Delivery:
        """See Channel. A message without a code fails: giving nothing would look like giving."""
        code = message.facts.get("code")
        if not isinstance(code, str) or not code:
            return Delivery(status="failed", detail="no code was reserved")
        return Delivery(status="delivered")

    def close(self) -> None:
        """See Channel."""
