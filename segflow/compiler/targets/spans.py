"""Which rows of events a statement reads, and what of each window is then left to test."""

from collections.abc import Sequence
from typing import TypeVar

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


Item = TypeVar("Item")

_ROWS, _JOIN = 7, 2
"""What it costs to read and group rows, and to join one more table of groups, where one aggregate
over the same rows costs one; as measured on DuckDB."""


def side_by_side(items: Sequence[Item], reaches: Sequence[int | None]) -> list[list[Item]]:
    """What is asked of events, in as many scans as are cheapest: one that reads less of the past
    spares what looks back a little the rows of what looks back far.

    `reaches` says how far each looks back, None for all of history. Events are taken to be spread
    evenly, and history for twice what the others reach.
    """
    widest = max((one for one in reaches if one is not None), default=1) or 1
    costs = [2 * widest if one is None else one for one in reaches]
    order = sorted(range(len(items)), key=lambda number: costs[number])
    longest = max(costs, default=0)
    # best[n]: the least cost of the first n of that order, and where the last scan of them begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(order) + 1):
        reach = costs[order[end - 1]]
        best.append(
            min(
                (best[start][0] + reach * (_ROWS + end - start) + longest * _JOIN, start)
                for start in range(end)
            )
        )
    parts: list[list[Item]] = []
    end = len(order)
    while end:
        start = best[end][1]
        parts.append([items[number] for number in sorted(order[start:end])])
        end = start
    return parts[::-1]
