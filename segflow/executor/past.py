"""The membership logs, read for leaves that ask them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pyroaring import BitMap64

from segflow.compiler.timeline import first_instant, last_bounds, zone
from segflow.compiler.worlds import LoggedChange
from segflow.membership.bitmaps import from_bytes
from segflow.membership.past import held_through, moved_within, refuse_before_log
from segflow.model.compiled import LogLeaf, logged_segment
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Transition
from segflow.model.state import LogEntry
from segflow.ports import is_among


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What is about to be added to a log: entries, and of their sets those that are not in the
    snapshot store yet, by digest."""

    entries: tuple[LogEntry, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)


def nothing_staged(segment: str) -> Staged | None:
    """For those who add to no log."""
    return None


class Past:
    """What was recorded of segments: `log` gives the entries of one, `contents` the bytes of their
    sets by digest. `staged` gives what the apply or refresh that asks has made of
    a segment and not committed yet: whoever asks the same instant later finds it in the log."""

    def __init__(
        self,
        log: Callable[[str], Sequence[LogEntry]],
        contents: Callable[[str], bytes],
        staged: Callable[[str], Staged | None] = nothing_staged,
    ) -> None:
        self._recorded = log
        self._kept = contents
        self._staged = staged
        self._logs: dict[str, Sequence[LogEntry]] = {}
        self._contents: dict[str, bytes] = {}

    def members(self, leaf: LogLeaf, as_of: Instant, timezone: str) -> BitMap64:
        """The users for whom a leaf holds. Raises RefusedError where the log begins too late."""
        segment = logged_segment(leaf)
        log = self._log(segment)
        if isinstance(leaf, Transition):
            window = last_bounds(leaf.in_last, as_of, zone(timezone))
            refuse_before_log(log, segment, window.start)
            return moved_within(log, leaf.kind, window, self._read)
        first = first_instant(leaf.for_, as_of, zone(timezone))
        refuse_before_log(log, segment, first)
        return held_through(log, first, as_of, self._read)

    def of_user(self, segment: str, key: Key) -> tuple[LoggedChange, ...]:
        """The log of a segment as far as it is about one user."""
        return tuple(
            LoggedChange(
                as_of=entry.as_of,
                cause=entry.cause,
                entered=self._alone(entry.entered_digest, key),
                exited=self._alone(entry.exited_digest, key),
            )
            for entry in self._log(segment)
        )

    def _alone(self, digest: str | None, key: Key) -> frozenset[Key]:
        return frozenset({key} if digest is not None and is_among(key, self._read(digest)) else ())

    def _log(self, segment: str) -> Sequence[LogEntry]:
        if segment not in self._logs:
            self._logs[segment] = self._whole_log(segment)
        return self._logs[segment]

    def _whole_log(self, segment: str) -> Sequence[LogEntry]:
        log = self._recorded(segment)
        staged = self._staged(segment)
        if staged is None or (log and staged.entries and staged.entries[0].as_of < log[-1].as_of):
            return log
        self._contents.update(staged.contents)
        later = (
            replace(entry, sequence=number)
            for number, entry in enumerate(staged.entries, start=len(log) + 1)
        )
        return (*log, *later)

    def _read(self, digest: str) -> BitMap64:
        content = self._contents.get(digest)
        return from_bytes(self._kept(digest) if content is None else content)
