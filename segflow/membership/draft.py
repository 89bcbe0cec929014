"""Records of one evaluation together with the bytes they point to, before either is stored."""

from dataclasses import dataclass

from pyroaring import BitMap64

from segflow.membership.bitmaps import to_bytes
from segflow.membership.changes import MembershipChange, Previous, membership_changes
from segflow.model.codec import digest
from segflow.model.cost import Cost
from segflow.model.instant import Instant
from segflow.model.state import LogEntry, Membership, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipDraft:
    """A membership to record. Every one of `contents` must be in the snapshot store before the
    membership is committed; its records hold their digests."""

    membership: Membership
    contents: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitDraft:
    """The log entry of a segment that is dropped, and what must be in the snapshot store before."""

    entry: LogEntry
    contents: tuple[bytes, ...]


def draft_membership(
    *,
    segment: str,
    as_of: Instant,
    definition: str,
    members: BitMap64,
    previous: Previous | None,
    costs: tuple[Cost, ...] = (),
) -> MembershipDraft:
    """The snapshot of `members` at `as_of`, and the log entries that lead to it from what is
    recorded (`previous` is None where the segment is new or was dropped). `costs` are those of
    finding the members."""
    contents: dict[str, bytes] = {}
    snapshot = Snapshot(
        segment=segment,
        as_of=as_of,
        definition=definition,
        size=len(members),
        digest=_keep(contents, members),
    )
    changes = membership_changes(previous, members, definition)
    entries = tuple(_entry(contents, segment, as_of, change) for change in changes)
    return MembershipDraft(
        membership=Membership(snapshot=snapshot, entries=entries, costs=costs),
        contents=tuple(contents.values()),
    )


def draft_exit(*, segment: str, as_of: Instant, definition: str, members: BitMap64) -> ExitDraft:
    """The exit of everyone from a segment that is dropped; `definition` is the one it had."""
    contents: dict[str, bytes] = {}
    everyone = MembershipChange(
        cause="definition", definition=definition, entered=BitMap64(), exited=members
    )
    entry = _entry(contents, segment, as_of, everyone)
    return ExitDraft(entry=entry, contents=tuple(contents.values()))


def _entry(
    contents: dict[str, bytes], segment: str, as_of: Instant, change: MembershipChange
) -> LogEntry:
    return LogEntry(
        segment=segment,
        sequence=0,
        as_of=as_of,
        cause=change.cause,
        definition=change.definition,
        entered=len(change.entered),
        exited=len(change.exited),
        entered_digest=_keep(contents, change.entered) if change.entered else None,
        exited_digest=_keep(contents, change.exited) if change.exited else None,
    )


def _keep(contents: dict[str, bytes], members: BitMap64) -> str:
    """Puts the set's bytes with the others to store, once, and gives their digest."""
    content = to_bytes(members)
    name = digest(content)
    contents[name] = content
    return name
