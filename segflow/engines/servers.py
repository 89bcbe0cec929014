"""What engines share whose source is a server: how long a query may take, and what went wrong."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from segflow.model.catalog import Limits

TIMED_OUT = "the query took longer than `limits.timeout` of the source allows"
DENIED = "the user of the url needs the right to SELECT"
UNREACHABLE = "the url, the server and its log may tell why"
SILENT = "something listens there and does not answer: the server, or what is before it, hangs"

_GREETING_SECONDS = 10.0
GRACE_SECONDS = 2.0
"""What the client waits longer than the server, which tells best what took long."""


def longest(limits: Limits | None) -> int:
    """How many milliseconds a query may take; 0 is for ever."""
    timeout = None if limits is None or limits.timeout is None else limits.timeout.milliseconds
    return min(timeout or 0, 2**31 - 1)


def patience(limits: Limits | None) -> float | None:
    """How many seconds to wait for the answer to a query, whatever the server does; None is for
    ever."""
    timeout = longest(limits)
    return timeout / 1000 + GRACE_SECONDS if timeout else None


def greeting(limits: Limits | None) -> float:
    """How many seconds to wait for a server to be ready for questions."""
    return min(_GREETING_SECONDS, patience(limits) or _GREETING_SECONDS)


def whole_keys(found: Iterable[Any]) -> Iterator[Any]:
    """Keys of which those that are whole decimals become integers."""
    return (int(key) if isinstance(key, Decimal) and not key % 1 else key for key in found)
