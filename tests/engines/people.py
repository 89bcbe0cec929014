"""What tests of servers ask: a table of a thousand people, and what happens elsewhere in time."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import column, literal, select, table

from segflow.ports import Engine

ONE = select(literal(1).label("one"))
PEOPLE = table("people", column("id"), column("name"))
KEYS = select(PEOPLE.c.id.label("key"))
E = TypeVar("E", bound=Engine)
DEADLINE = 60.0
"""Seconds until a test gives up waiting for what it was promised."""


@contextmanager
def all_closed(make: Callable[..., E]) -> Iterator[Callable[..., E]]:
    """Makes engines, and closes them at the end."""
    engines: list[E] = []

    def opened(*given: Any, **more: Any) -> E:
        engines.append(make(*given, **more))
        return engines[-1]

    yield opened
    for engine in engines:
        engine.close()


def ends_by_ctrl_c(script: Path, active: Callable[[], int]) -> None:
    """Ctrl-C ends a program that asks one query, and the query, of which `active` tells whether the
    server is at work on it."""
    asking = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True)
    until(lambda: active() == 1)
    asking.send_signal(signal.SIGINT)
    _, told = asking.communicate(timeout=DEADLINE)
    assert told.rstrip().endswith("KeyboardInterrupt")
    until(lambda: active() == 0)


def hears_ctrl_c(script: Path, within: float) -> None:
    """Ctrl-C ends a program that prints a line before it asks one query without an end, within so
    many seconds."""
    asking = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asks\n"
        asking.send_signal(signal.SIGINT)
        _, told = asking.communicate(timeout=within)
    finally:
        asking.kill()
    assert told.rstrip().endswith("KeyboardInterrupt")


def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens elsewhere; fail where it does not."""
    limit = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < limit
