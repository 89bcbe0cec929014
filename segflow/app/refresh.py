"""segflow refresh: evaluates what is deployed again, at a later instant."""

from collections.abc import Sequence

from segflow.app.ahead import refuse_ahead
from segflow.app.wiring import World
from segflow.executor.effects import no_progress
from segflow.executor.refresh import Refreshed, refresh_segments
from segflow.model.instant import Instant
from segflow.ports import Progress

__all__ = ["Refreshed", "refresh"]


def refresh(
    world: World,
    names: Sequence[str],
    as_of: Instant | None,
    progress: Progress = no_progress,
) -> tuple[Refreshed, ...]:
    """Evaluate deployed segments at one instant (None: now): those named, or every dynamic one.

    The working tree is not asked. A segment whose source fails carries its `error`, and the others
    are refreshed all the same. Raises NotDeployedError, LockedError and RefusedError.
    """
    if as_of is not None:
        refuse_ahead(as_of, Instant(world.clock.now()))
    return refresh_segments(world.effects, names, as_of, progress)
