"""Replay of the membership log: the members at an instant are the fold of the entries up to it."""

from collections.abc import Callable, Iterable

from pyroaring import BitMap64

from segflow.errors import CorruptStateError
from segflow.model.instant import Instant
from segflow.model.state import LogEntry

ReadBitmap = Callable[[str], BitMap64]
"""Gives the set stored under a digest."""


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
