"""Whom a change moves: arithmetic on sets of members that were evaluated at one instant."""

from collections.abc import Iterable, Iterator

from pyroaring import BitMap64

from segflow.membership.bitmaps import digest_of
from segflow.model.plan import Change, Impact


def measure(now: BitMap64 | None, after: BitMap64 | None, *, from_snapshot: bool = False) -> Impact:
    """The impact of a change from the members by the deployed definition to those by the desired
    one; None where nothing is deployed or the segment is deleted."""
    before, then = now or BitMap64(), after or BitMap64()
    return Impact(
        size_now=None if now is None else len(now),
        size_after=None if after is None else len(after),
        entered=len(then - before),
        left=len(before - then),
        digest=None if after is None else digest_of(after),
        from_snapshot=from_snapshot,
    )


def segment_impacts(changes: Iterable[Change]) -> Iterator[Impact]:
    """The impacts of segments."""
    for change in changes:
        if change.impact is not None and change.address.kind == "segment":
            yield change.impact


def totals(changes: Iterable[Change]) -> tuple[int, int]:
    """How many enter and how many leave, over all segments; a user counts once per segment. Whom
    rules reach follows from that and is not added."""
    impacts = tuple(segment_impacts(changes))
    return sum(one.entered for one in impacts), sum(one.left for one in impacts)
