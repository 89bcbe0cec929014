"""Guards that stop a change: how far and how large a segment may grow, whether it may go, when."""

from collections.abc import Iterator
from decimal import Decimal

from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.instant import format_instant
from segflow.model.observed import Observed
from segflow.model.plan import Blocked, Change, Impact
from segflow.model.segment import Protect, Segment
from segflow.planner.diff import deployed_object
from segflow.planner.steps import drops_members, moves_members


def blocked(change: Change, compiled: Compiled, observed: Observed) -> Iterator[Blocked]:
    """What forbids a change. The desired `protect` judges how far it goes; the deployed one judges
    a deletion, as the file that held it is gone."""
    if change.address.kind != "segment":
        return
    if moves_members(change) or drops_members(change):
        yield from _behind(change.address, observed)
    if change.action == "delete":
        before = deployed_object(observed.deployed[change.address])
        if isinstance(before, Segment) and before.protect.prevent_destroy:
            yield _kept(change.address)
    elif change.impact is not None:
        protect = compiled.segments[change.address.name].segment.protect
        yield from beyond(change.address, protect, change.impact)


def beyond(address: Address, protect: Protect, impact: Impact) -> Iterator[Blocked]:
    """The limits of `protect` that an impact exceeds. A change moves whoever enters or leaves, and
    of an empty or new segment no share can be taken."""
    moved, size, limit = impact.entered + impact.left, impact.size_now, protect.max_change
    if limit is not None and size and 100 * moved > limit * size:
        yield _too_much(address, limit, moved, size)
    if protect.max_size is not None and (impact.size_after or 0) > protect.max_size:
        yield Blocked(
            address=address,
            rule="protect.max_size",
            message=f"would have {impact.size_after:,} members, more than {protect.max_size:,}",
        )


def _behind(address: Address, observed: Observed) -> Iterator[Blocked]:
    """The log only grows: nothing can be recorded as of an instant before what is recorded."""
    snapshot = observed.snapshots.get(address.name)
    if snapshot is not None and snapshot.as_of > observed.as_of:
        recorded = format_instant(snapshot.as_of)
        yield Blocked(
            address=address,
            rule="as_of",
            message=f"is recorded up to {recorded}; to apply it, plan as of then or later",
        )


def _too_much(address: Address, limit: Decimal, moved: int, size: int) -> Blocked:
    share = Decimal(100 * moved) / size
    return Blocked(
        address=address,
        rule="protect.max_change",
        message=f"{moved:,} of {size:,} members would move ({share:.1f}%), more than {limit:f}%",
    )


def _kept(address: Address) -> Blocked:
    return Blocked(
        address=address,
        rule="protect.prevent_destroy",
        message="would be deleted; to allow it, first apply `prevent_destroy: false`",
    )
