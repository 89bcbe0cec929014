"""What may follow what in a segment's history: the rules that keep log and snapshots one story."""

from dataclasses import dataclass

from segflow.errors import CorruptStateError, RefusedError
from segflow.model.instant import Instant, format_instant
from segflow.model.state import LogEntry, Membership, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a segment's history stands: its current snapshot (None: new or dropped) and the newest
    instant that anything was recorded for (None: nothing ever was)."""

    current: Snapshot | None = None
    last_as_of: Instant | None = None


def check_instant(standing: Standing, segment: str, as_of: Instant, definition: str) -> None:
    """Raises RefusedError where no snapshot as of `as_of` can follow.

    An instant must be later than the current snapshot's; the same instant is allowed for another
    definition only. Nothing goes before what is recorded, of a dropped segment either.
    """
    last = standing.last_as_of
    if last is not None and as_of < last:
        raise RefusedError(
            f"segment.{segment} is recorded up to {format_instant(last)}; "
            f"a snapshot as of {format_instant(as_of)} can't follow that",
            hint="take a later instant, or leave --as-of out",
        )
    current = standing.current
    if current is not None and current.as_of == as_of and current.definition == definition:
        raise RefusedError(
            f"segment.{segment} has a snapshot as of {format_instant(as_of)} already, "
            "and the source gives another answer for that instant now",
            hint="take a later instant, or leave --as-of out",
        )


def adds_something(standing: Standing, membership: Membership) -> bool:
    """False where the membership is the current one already, True where it may be recorded.

    Raises RefusedError as check_instant() does, and CorruptStateError for log entries that do not
    lead from the current snapshot to the new one.
    """
    current, new = standing.current, membership.snapshot
    if current == new:
        return False
    check_instant(standing, new.segment, new.as_of, new.definition)
    size = 0 if current is None else current.size
    for entry in membership.entries:
        _check_entry(entry, new.segment, new.as_of)
        size += entry.entered - entry.exited
    if size != new.size:
        raise _unfit(new.segment, f"they lead to {size} members, the snapshot has {new.size}")
    if current is None and not membership.entries:
        raise _unfit(new.segment, "a first snapshot has one")
    return True


def check_exit(standing: Standing, entry: LogEntry) -> None:
    """Raises RefusedError for a drop before what is recorded, and CorruptStateError for one that
    does not empty the segment."""
    last = standing.last_as_of
    if last is not None and entry.as_of < last:
        raise RefusedError(
            f"segment.{entry.segment} is recorded up to {format_instant(last)}; "
            f"it can't be dropped as of {format_instant(entry.as_of)}",
            hint="take a later instant, or leave --as-of out",
        )
    size = 0 if standing.current is None else standing.current.size
    if entry.entered or entry.exited != size:
        raise _unfit(entry.segment, f"the drop leaves {size + entry.entered - entry.exited}")


def _check_entry(entry: LogEntry, segment: str, as_of: Instant) -> None:
    if (entry.segment, entry.as_of) != (segment, as_of):
        raise _unfit(segment, "one is of another segment or instant")


def _unfit(segment: str, reason: str) -> CorruptStateError:
    return CorruptStateError(
        f"the new log entries of segment.{segment} do not add up: {reason}",
        hint="nothing was recorded; this is a fault in segflow, please report it",
    )
