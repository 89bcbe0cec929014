"""Caps: who has been reached so often of late that the next run passes them by."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from pyroaring import BitMap64

from segflow.compiler.timeline import Bounds, window_bounds
from segflow.model.instant import Instant
from segflow.model.rule import Cap
from segflow.model.window import Within


def window(cap: Cap, at: Instant, zone: ZoneInfo) -> Bounds:
    """Which instants count towards a rolling cap for a run at `at`: (at - per, at], as half-open
    milliseconds. Raises ValueError for a calendar cap, which no rule may have yet."""
    if cap.window != "rolling":
        raise ValueError(f"a cap over a {cap.window} window has no meaning yet")
    return window_bounds(Within(duration=cap.per), at, zone)


def at_cap(counts: Mapping[int, int], cap: Cap) -> BitMap64:
    """Those whose count in the cap's window leaves no room for one more.

    A count is of runs that reached the user, not of messages: a coupon and the push that brings it
    are one. For a held-out user the runs count that would have reached them, so that all arms are
    at their cap equally often.
    """
    return BitMap64([key for key, count in counts.items() if count >= cap.at_most])
