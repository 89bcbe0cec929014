"""One segment's history while a commit adds to it: numbering, and the rules of succession."""

from dataclasses import dataclass, field, replace

from segflow.membership.succession import Standing, adds_something, check_exit
from segflow.model.cost import Cost
from segflow.model.instant import Instant
from segflow.model.state import LogEntry, Membership, Snapshot


@dataclass(slots=True, kw_only=True)
class History:
    """How many snapshots and log entries a segment has, the newest instant in them, its current
    snapshot with its number, and what was added since it was read."""

    segment: str
    snapshots: int = 0
    entries: int = 0
    last_as_of: Instant | None = None
    number: int | None = None
    current: Snapshot | None = None
    is_new: bool = True
    new_snapshots: list[tuple[int, Snapshot, tuple[Cost, ...]]] = field(default_factory=list)
    new_entries: list[LogEntry] = field(default_factory=list)

    def drop(self, entry: LogEntry) -> None:
        """Everyone exits, and no snapshot is current. Raises as check_exit() does."""
        check_exit(self._standing(), entry)
        self._log(entry)
        self.number = self.current = None

    def record(self, membership: Membership) -> None:
        """The snapshot becomes current; nothing happens where it is already. Raises as
        adds_something() does."""
        if not adds_something(self._standing(), membership):
            return
        for entry in membership.entries:
            self._log(entry)
        self.snapshots += 1
        self.number, self.current = self.snapshots, membership.snapshot
        self.last_as_of = membership.snapshot.as_of
        self.new_snapshots.append((self.number, self.current, membership.costs))

    def _standing(self) -> Standing:
        return Standing(current=self.current, last_as_of=self.last_as_of)

    def _log(self, entry: LogEntry) -> None:
        self.entries += 1
        self.last_as_of = entry.as_of
        self.new_entries.append(replace(entry, sequence=self.entries))
