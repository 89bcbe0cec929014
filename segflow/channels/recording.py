"""What stands in for a channel where it must not send: it keeps what would have been sent."""

from pathlib import Path

from segflow.channels.envelope import to_json
from segflow.channels.lines import OnceLines
from segflow.ports import Delivery, Message

DETAIL = "recorded"
"""The detail of a delivery that reached nobody."""


class RecordingChannel:
    """Stands in outside of a channel's live environments: JSON lines in FOLDER/CHANNEL.jsonl."""

    idempotent = True

    def __init__(self, channel: str, folder: Path) -> None:
        self._channel = channel
        self._lines = OnceLines(folder / f"{channel}.jsonl", durable=False)

    def deliver(self, message: Message) -> Delivery:
        """See Channel."""
        try:
            self._lines.append(message.send_id, to_json(message, channel=self._channel))
        except OSError as error:
            return Delivery(status="retry", detail=error.strerror or "the file can't be written")
        return Delivery(status="delivered", detail=DETAIL)

    def close(self) -> None:
        """See Channel."""


class MemoryChannel:
    """Stands in while a span of time is replayed: keeps messages by their send id."""

    idempotent = True

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}

    def deliver(self, message: Message) -> Delivery:
        """See Channel."""
        self.messages.setdefault(message.send_id, message)
        return Delivery(status="delivered", detail=DETAIL)

    def close(self) -> None:
        """See Channel."""
