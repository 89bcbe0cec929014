"""The file channel: a JSON line per message, each message once."""

from pathlib import Path

from segflow.channels.envelope import to_json
from segflow.channels.lines import OnceLines
from segflow.ports import Delivery, Message


class FileChannel:
    """Appends messages to a file. A message that stands there already counts as delivered."""

    idempotent = True

    def __init__(self, path: Path) -> None:
        self._lines = OnceLines(path, durable=True)

    def deliver(self, message: Message) -> Delivery:
        """See Channel."""
        try:
            self._lines.append(message.send_id, to_json(message))
        except OSError as error:
            return Delivery(status="retry", detail=error.strerror or "the file can't be written")
        return Delivery(status="delivered")

    def close(self) -> None:
        """See Channel."""
