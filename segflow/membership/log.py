"""What the membership log tells: the members at an instant, and when the segment was deleted."""

from collections.abc import Callable, Iterable

from pyroaring import BitMap64

from segflow.errors import CorruptStateError
from segflow.model.instant import Instant
from segflow.model.state import LogEntry, Snapshot

ReadBitmap = Callable[[str], BitMap64]
"""Gives the set stored under a digest."""

SnapshotAt = Callable[[Instant], Snapshot | None]
"""Gives a segment's newest snapshot at or before an instant; of two at one instant, the later."""


def members_at(log: Iterable[LogEntry], at: Instant, read: ReadBitmap) -> BitMap64:
    """The recorded members at an instant, from a segment's whole log, oldest first.

    Nobody is a member before the first entry and after a drop. Raises CorruptStateError for a log
    whose entries are out of order or do not follow from each other.
    """
    members = BitMap64()
    previous: LogEntry | None = None
    for entry in log:
        _check_order(previous, entry)
        if entry.as_of > at:
            break
        members = _applied(members, entry, read)
        previous = entry
    return members


def drops(log: Iterable[LogEntry], snapshot_at: SnapshotAt) -> frozenset[int]:
    """The sequence numbers of the entries with which the segment was deleted, from its whole log,
    oldest first. What follows such an entry is the segment that came again under the name."""
    found = set()
    size = 0
    definition: str | None = None  # None: there is no segment
    for entry in log:
        size += entry.entered - entry.exited
        if definition is not None and size == 0 and _is_drop(entry, definition, snapshot_at):
            found.add(entry.sequence)
            definition = None
        else:
            definition = entry.definition
    return frozenset(found)


def _is_drop(entry: LogEntry, definition: str, snapshot_at: SnapshotAt) -> bool:
    """Whether an entry that leaves nobody is a drop, which has the definition of before and makes
    no snapshot; a new definition that empties the segment makes a snapshot of nobody. `definition`
    is that of the entry before: a change of definition that moves nobody has no entry."""
    if entry.cause != "definition" or entry.entered:
        return False
    snapshot = snapshot_at(entry.as_of)
    if snapshot is None or snapshot.definition != entry.definition:
        return entry.definition == definition  # another one followed at the same instant
    return snapshot.size > 0 or entry.exited == 0


def _check_order(previous: LogEntry | None, entry: LogEntry) -> None:
    expected = 1 if previous is None else previous.sequence + 1
    if entry.sequence != expected or (previous is not None and entry.as_of < previous.as_of):
        raise _corrupt(entry, f"it should be entry {expected} and not be older than the one before")


def _applied(members: BitMap64, entry: LogEntry, read: ReadBitmap) -> BitMap64:
    entered = _read(entry.entered_digest, read)
    exited = _read(entry.exited_digest, read)
    if len(entered) != entry.entered or len(exited) != entry.exited:
        raise _corrupt(entry, "its sets do not have the sizes that were recorded")
    if not exited.issubset(members) or not entered.isdisjoint(members):
        raise _corrupt(entry, "somebody enters who is in already, or exits who is not")
    return (members - exited) | entered


def _read(digest: str | None, read: ReadBitmap) -> BitMap64:
    return BitMap64() if digest is None else read(digest)


def _corrupt(entry: LogEntry, reason: str) -> CorruptStateError:
    return CorruptStateError(
        f"the membership log of segment.{entry.segment} is broken at entry {entry.sequence}: "
        f"{reason}",
        hint="restore the state database and the snapshot store from the same backup",
    )
