"""Stopping in peace: the first signal asks work to come to an end, Ctrl-C after it ends it."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from segflow.ports import Pause

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopped_by_signals(told: Callable[[str], None]) -> Iterator[Pause]:
    """A pause that waits no more once SIGTERM or SIGINT came. `told` gets the signal's name, in the
    middle of whatever is being done, and must not raise. From then on Ctrl-C interrupts as it does
    elsewhere. Only the main thread may call this.
    """
    came: list[int] = []
    # A pipe and no Event: a handler runs in the middle of whatever the main thread does, also while
    # that holds the lock which Event.set() would wait for.
    bell, ring = os.pipe()

    def ask(number: int, frame: FrameType | None) -> None:
        if not came:
            came.append(number)
            os.write(ring, b"!")
            signal.signal(signal.SIGINT, signal.default_int_handler)
            told(signal.Signals(number).name)

    def pause(seconds: float) -> bool:
        if seconds > 0 and not came:
            select.select([bell], [], [], seconds)
        return not came

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield pause
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(ring)
        os.close(bell)
