"""What plan and apply saw of the world: deployed objects, snapshots, and sizes at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from segflow.model.address import Address
from segflow.model.instant import Instant
from segflow.model.plan import Impact
from segflow.model.state import DeployedObject, Snapshot, StateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The planner's whole view of the world; it reads nothing else.

    `version` is None where there is no state yet. `snapshots` is the newest per segment. `impacts`
    has an entry per changed segment whose impact was asked for.
    """

    as_of: Instant
    version: StateVersion | None = None
    deployed: Mapping[Address, DeployedObject] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    impacts: Mapping[str, Impact] = field(default_factory=dict)
