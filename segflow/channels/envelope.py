"""What a receiver is given of a message: one JSON object, the same on every channel."""

import json

from segflow.ports import Message


def to_json(message: Message, **more: str) -> str:
    """One line of ASCII JSON. What JSON has no word for in `facts` becomes text."""
    return json.dumps(
        {
            "send_id": message.send_id,
            **more,
            "key": message.key,
            "rule": message.rule,
            "run_id": message.run_id,
            "variant": message.variant,
            "body": message.body,
            "facts": dict(message.facts),
        },
        default=str,
    )
