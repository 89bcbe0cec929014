"""What plan and apply saw of the world: deployed objects, snapshots, and sizes at one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segflow.model.address import Address
from segflow.model.cost import Cost, ScanCost
from segflow.model.instant import Instant
from segflow.model.plan import Impact
from segflow.model.state import DeployedObject, Snapshot, StateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The planner's whole view of the world; it reads nothing else.

    `version` is None where there is no state yet. `snapshots` is the newest per segment. `impacts`
    has an entry per changed segment and rule whose impact was asked for. `former` holds, by digest,
    the deployed contents of templates and files of codes that are others in the project. `costs`
    are what was measured of reading tables, `asked` what each segment's last refresh cost.
    """

    as_of: Instant
    version: StateVersion | None = None
    deployed: Mapping[Address, DeployedObject] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    impacts: Mapping[Address, Impact] = field(default_factory=dict)
    former: Mapping[str, bytes] = field(default_factory=dict)
    costs: tuple[ScanCost, ...] = ()
    asked: Mapping[str, Sequence[Cost]] = field(default_factory=dict)
