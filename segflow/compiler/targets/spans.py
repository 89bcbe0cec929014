"""Which rows of events a statement reads, and what of each window is then left to test."""

from segflow.compiler.timeline import Bounds
from segflow.model.instant import Instant


def earliest(bounds: list[Bounds]) -> Instant | None:
    """The start of the widest window; None where one is open."""
    starts = [one.start for one in bounds if one.start is not None]
    return min(starts) if len(starts) == len(bounds) else None


def left_to_test(bounds: Bounds, since: Instant | None, as_of: Instant) -> Bounds:
    """The bounds without what holds for every row that is read; empty ones stay as they are."""
    if bounds.start is not None and bounds.end is not None and bounds.start >= bounds.end:
        return bounds
    return Bounds(
        start=None if bounds.start == since else bounds.start,
        end=None if bounds.end == as_of + 1 else bounds.end,
    )
