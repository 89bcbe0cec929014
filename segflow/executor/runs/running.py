"""The ports that rules are run through, in one value, and the names of runs and sends."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from pyroaring import BitMap64

from segflow.executor.effects import Effects
from segflow.model.codec import digest
from segflow.model.instant import Instant
from segflow.ports import Channels, Log, Pause, Progress

KeptAt = Callable[[str, Instant], BitMap64 | None]
"""The kept members of a segment as of an instant: the frozen set of a static one, the last snapshot
of a dynamic one; None where they are to be evaluated. Raises StaleSnapshotError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """All that running rules touches outside. `kept` gives the sets of segments that are kept;
    `patient` work waits for a source that does not answer, as long as its run is not too late.
    `rest` lets go of the sources until they are asked again: some let nobody write while they are
    read. `turns` holds when each channel with a rate may be called next, for all runs."""

    effects: Effects
    channels: Channels
    kept: KeptAt
    pause: Pause
    log: Log
    progress: Progress
    rest: Callable[[], None]
    patient: bool = True
    turns: dict[str, float] = field(default_factory=dict)

    def now(self) -> Instant:
        """The present instant."""
        return Instant(self.effects.clock.now())


def run_id(rule: str, scheduled: Instant) -> str:
    """The id of the run of a rule that is scheduled at an instant."""
    return digest(json.dumps([rule, scheduled]))


def send_id(run: str, key: int, variant: str, step: int, action: int) -> str:
    """The id of one delivery to one user. The rule is in the run's id."""
    return digest(json.dumps([run, key, variant, step, action]))
