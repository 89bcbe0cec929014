"""Kept sets for runs: frozen ones, and last snapshots as long as they are fresh."""

from pyroaring import BitMap64

from segflow.campaign.schedule import occurrences
from segflow.errors import StaleSnapshotError
from segflow.executor.effects import Effects
from segflow.executor.members import load
from segflow.executor.runs.running import KeptAt
from segflow.executor.timing import refresh_zone
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.segment import Cron, Every, OnStream, Segment
from segflow.model.state import Snapshot


def recorded_sets(effects: Effects, compiled: Compiled) -> KeptAt:
    """The sets that the state has: of a dynamic segment the last snapshot at or before the instant.

    Raises StaleSnapshotError where there is none, or where it is older than the segment's refresh
    allows, and as is_fresh() does.
    """

    def kept(name: str, as_of: Instant) -> BitMap64 | None:
        segment = compiled.segments[name].segment
        if segment.mode == "static":
            return frozen_set(effects, name)
        snapshot = effects.state.snapshot_at(name, as_of)
        if snapshot is None or not is_fresh(segment, snapshot.as_of, as_of, compiled):
            raise _stale(name, snapshot, as_of)
        return load(effects.snapshots, snapshot)

    return kept


def frozen_set(effects: Effects, name: str) -> BitMap64 | None:
    """The set of a static segment; None where it was never frozen."""
    found = effects.state.snapshots().get(name)
    return None if found is None else load(effects.snapshots, found)


def is_fresh(segment: Segment, snapshot: Instant, as_of: Instant, compiled: Compiled) -> bool:
    """Whether a snapshot may stand for a segment at an instant: no refresh that the segment
    declares lies between them, so that `every: 1h` allows for an hour. Raises RefusedError for a
    time zone that this machine does not know."""
    match segment.refresh:
        case Every() | Cron() as refresh:
            zone = refresh_zone(refresh, compiled)
            between = occurrences(refresh, zone, Instant(snapshot + 1), as_of)
            return next(between, None) is None
        case OnStream():
            return True


def _stale(name: str, snapshot: Snapshot | None, as_of: Instant) -> StaleSnapshotError:
    last = "never" if snapshot is None else f"last as of {format_instant(snapshot.as_of)}"
    return StaleSnapshotError(
        f"segment.{name} is too old at {format_instant(as_of)}: it was refreshed {last}",
        hint=f"`segflow refresh {name}` says why it can't be refreshed",
    )
