"""What tests of servers ask: a table of a thousand people, and what happens elsewhere in time."""

import time
from collections.abc import Callable

from sqlalchemy import column, literal, select, table

ONE = select(literal(1).label("one"))
PEOPLE = table("people", column("id"), column("name"))
KEYS = select(PEOPLE.c.id.label("key"))
DEADLINE = 20.0
"""Seconds until a test gives up waiting for what it was promised."""


def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens elsewhere; fail where it does not."""
    limit = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < limit
