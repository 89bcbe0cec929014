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


class SilentChannel:
    """Stands in while a span of time is replayed: the ledger has all that is asked of it."""

    idempotent = True

    def deliver(self, message: Message) -> Delivery:
        """See Channel."""
        return Delivery(status="delivered", detail=DETAIL)

    def close(self) -> None:
        """See Channel."""
