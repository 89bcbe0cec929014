"""Waiting for a lock that somebody else holds: a daemon refreshes for a moment, an apply ends."""

import threading
from collections.abc import Callable
from typing import TypeVar

import click

from segflow.cli.invocation import Invocation
from segflow.clock import SystemClock
from segflow.errors import LockedError

T = TypeVar("T")

_AGAIN = 0.25
"""Seconds between two tries."""

lock_timeout_option = click.option(
    "--lock-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=40.0,  # the lock of a process that was killed runs out after 30
    show_default=True,
    help="How long to wait while somebody else holds the lock.",
)


def when_free(call: Invocation, seconds: float, work: Callable[[], T]) -> T:
    """Do work that needs the lock, as soon as it is free. Says on stderr that it waits, and for
    whom. Raises LockedError where it is not free in time."""
    clock, told = SystemClock(), False
    end = clock.monotonic() + seconds
    while True:
        try:
            return work()
        except LockedError as error:
            left = end - clock.monotonic()
            if left <= 0:
                raise
            if not told and not call.output.as_json:
                call.output.note(f"Waiting: {error.message}.")
            told = True
        threading.Event().wait(min(_AGAIN, left))
