"""Messages to deliver."""

from typing import Any

from segflow.ports import Message


def message(send_id: str = "s1", *, body: str | None = "Hi Ann", **facts: Any) -> Message:
    """A message to user 42 of a rule's run, with a coupon code."""
    return Message(
        send_id=send_id,
        key="42",
        rule="winback",
        run_id="r1",
        variant="a",
        body=body,
        facts={"code": "FIVE-1", "offer": "five_off", **facts},
    )
