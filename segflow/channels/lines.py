"""A file of JSON lines in which no send stands twice, whoever writes to it and dies on the way."""

import fcntl
import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class OnceLines:
    """JSON lines with a `send_id` each. Processes and threads may append to one file together.

    A line counts when its last byte is there. What a crash left of one is cut off by the next
    append; lines that people add are left alone. `durable` lines outlive a loss of power too, at
    the price of a write to the disk each.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._path = path
        self._durable = durable
        self._mutex = threading.Lock()
        self._file: tuple[int, int] | None = None
        self._read = 0
        self._seen: set[str] = set()

    def append(self, send_id: str, line: str) -> bool:
        """Add a line; False where the send stands in the file already.

        Raises OSError, and leaves nothing of the line, where it can't be written.
        """
        with self._mutex:
            # For the owner alone, where it is made here: messages are about people.
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # let go of when the file is closed
                self._catch_up(file)
                if send_id in self._seen:
                    return False
                self._write(file, f"{line}\n".encode())
                self._seen.add(send_id)
                return True

    def _catch_up(self, file: BinaryIO) -> None:
        """Read what was added since the last time, all of it where this is another file now."""
        status = os.fstat(file.fileno())
        if self._file != (status.st_dev, status.st_ino) or status.st_size < self._read:
            self._file, self._read, self._seen = (status.st_dev, status.st_ino), 0, set()
        file.seek(self._read)
        for line in file:
            send_id = _send_id(line)
            if line.endswith(b"\n"):
                self._read += len(line)
            elif send_id is None:
                os.ftruncate(file.fileno(), self._read)
            else:
                self._read += len(line)
                self._write(file, b"\n")
            if send_id is not None:
                self._seen.add(send_id)

    def _write(self, file: BinaryIO, content: bytes) -> None:
        # Not through the file's buffer, which would try again when it is closed.
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file.fileno(), rest) :]
            if self._durable:
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.ftruncate(file.fileno(), self._read)
            raise
        self._read += len(content)


def _send_id(line: bytes) -> str | None:
    """The send of a whole line; None for a part of one: a cut JSON object is no JSON."""
    try:
        send_id = json.loads(line)["send_id"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return send_id if isinstance(send_id, str) else None
