"""A bar on stderr for work that takes longer than two seconds, where somebody looks at it."""

import sys
import threading
from types import TracebackType
from typing import Protocol, Self

PATIENCE = 2.0
"""Seconds of work before the bar appears."""


class Bar(Protocol):
    """What is drawn once patience has run out."""

    def update(self, what: str, done: int, total: int) -> None:
        """Draw that `done` of `total` parts of `what` are finished."""

    def stop(self) -> None:
        """Wipe the bar away."""


class LateBar:
    """A context manager that is told of progress. It shows nothing unless stderr is a terminal and
    the work is still going on after `patience` seconds."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._timer = threading.Timer(patience, self._show)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._last = ("", 0, 0)
        self._bar: Bar | None = None
        self._closed = False

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._bar is not None:
                self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` parts of `what` are finished."""
        with self._lock:
            self._last = (what, done, total)
            if self._bar is not None and not self._closed:
                self._bar.update(what, done, total)

    def _show(self) -> None:
        # Loaded here because it takes 80 ms, which most commands never need.
        from segflow.cli.bar import RichBar

        with self._lock:
            if not self._closed:
                self._bar = RichBar()
                self._bar.update(*self._last)
