"""Slots: so many questions to a source at a time, counted over all processes of a project."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from segflow.errors import SourceUnavailableError


class Slots:
    """Files in a folder, of which who asks holds one locked. The system lets go of what a process
    held that ended, however it ended."""

    def __init__(self, folder: Path, source: str, count: int) -> None:
        self._source = source
        self._files = [folder / f"{source}-{number}" for number in range(count)]

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot; waits while others hold them all.

        Raises SourceUnavailableError where the folder can't be written.
        """
        with ExitStack() as held:
            try:
                self._take(held)
            except OSError as error:
                raise SourceUnavailableError(
                    f"source {self._source}: who else asks it can't be told: {error}",
                    hint="`limits.concurrency` needs a folder that can be written",
                ) from error
            yield

    def _take(self, held: ExitStack) -> None:
        self._files[0].parent.mkdir(parents=True, exist_ok=True)
        opened = [held.enter_context(path.open("ab")) for path in self._files]
        for file in opened:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
        # Any of them will do; which one is left to who asks, so that not all wait for the same.
        fcntl.flock(opened[os.getpid() % len(opened)], fcntl.LOCK_EX)
