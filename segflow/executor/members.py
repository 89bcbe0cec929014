"""Sets of members into the snapshot store and out of it."""

from pyroaring import BitMap64

from segflow.executor.effects import Effects
from segflow.membership.bitmaps import from_bytes
from segflow.model.state import Snapshot
from segflow.ports import SnapshotStore


def keep(effects: Effects, purpose: str, segment: str, contents: tuple[bytes, ...]) -> None:
    """Write bytes, which must be synced before a record points to them; those that no record ever
    points to are garbage, not state. `purpose` ("apply", "refresh") begins the names of the
    failpoints."""
    for number, content in enumerate(contents):
        effects.failpoint(f"{purpose}.snapshot.before.put.{segment}.{number}")
        effects.snapshots.write(content)
        effects.failpoint(f"{purpose}.snapshot.after.put.{segment}.{number}")


def load(snapshots: SnapshotStore, snapshot: Snapshot) -> BitMap64:
    """The members of a snapshot. Raises CorruptStateError."""
    return from_bytes(snapshots.get(snapshot.digest))
