"""What moved between two evaluations of a segment, kept apart by cause."""

from dataclasses import dataclass

from pyroaring import BitMap64

from segflow.model.state import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What is recorded of a segment before a new evaluation.

    `members` are those of its current snapshot, made by `definition`. Where the definition changes,
    `now` holds the old one's members at the new instant; None where it can't be evaluated any more
    or the segment is static.
    """

    definition: str
    members: BitMap64
    now: BitMap64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChange:
    """Who entered and who exited for one cause, under one definition. The sets are disjoint."""

    cause: Cause
    definition: str
    entered: BitMap64
    exited: BitMap64

    @property
    def is_empty(self) -> bool:
        """True where nobody moved."""
        return not self.entered and not self.exited


def membership_changes(
    previous: Previous | None, members: BitMap64, definition: str
) -> tuple[MembershipChange, ...]:
    """The changes that lead from what is recorded to the new members, in the order they happened.

    Under one definition everything is data. Where it changed, the data moved first (the old
    definition from then to now), and the rest is the definition's doing. Causes that moved nobody
    are left out. The first evaluation (`previous` is None) is always one change, of the definition,
    even where it is empty: a segment that comes into being messages nobody by itself.
    """
    if previous is None:
        return (_between("definition", definition, BitMap64(), members),)
    if previous.definition == definition:
        return _moving(_between("data", definition, previous.members, members))
    now = previous.members if previous.now is None else previous.now
    return _moving(
        _between("data", previous.definition, previous.members, now),
        _between("definition", definition, now, members),
    )


def _moving(*changes: MembershipChange) -> tuple[MembershipChange, ...]:
    return tuple(change for change in changes if not change.is_empty)


def _between(cause: Cause, definition: str, before: BitMap64, after: BitMap64) -> MembershipChange:
    return MembershipChange(
        cause=cause, definition=definition, entered=after - before, exited=before - after
    )
