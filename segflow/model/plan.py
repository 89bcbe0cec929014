"""The plan: what differs between desired and deployed state, whom it moves, and apply's steps."""

from dataclasses import dataclass
from typing import Literal

from segflow.model.address import Address
from segflow.model.catalog import EngineName
from segflow.model.cost import ScanCost
from segflow.model.instant import Instant

ActionName = Literal["create", "update", "delete", "recompute", "no-op"]
"""recompute: the object itself is unchanged but something it depends on is not."""

JsonText = str
"""A JSON value as canonical text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One attribute that differs, in the words of the YAML: `path` is like "where.all[0].within".

    None stands for absent; values are canonical JSON. Values of pii fields are masked already. Of a
    file's content they are digests, and `lines` say what differs: those of a template as in a
    unified diff, cut after a few; of codes their numbers.
    """

    path: str
    before: JsonText | None
    after: JsonText | None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Whom a change moves into or out of a segment, or of a rule's audience, all at the plan's
    as-of instant. `size_now` is the deployed definition evaluated then (None where nothing is
    deployed), `size_after` the desired one's (None after a delete). `digest` is that of the new
    members' bitmap. `from_snapshot`: the last snapshot stands for the deployed definition (it is
    deleted, or can't be evaluated any more)."""

    size_now: int | None
    size_after: int | None
    entered: int
    left: int
    digest: str | None = None
    from_snapshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A table that a segment is to be read from whenever it is refreshed, and was not before.
    `is_added`: until now, or a change before this one, it was read for nobody; `others` is how many
    more segments are read from it once the plan is applied."""

    source: str
    engine: EngineName
    table: str
    is_added: bool
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one object.

    `canonical` is the desired object (None for a delete), `before_fingerprint` and `fingerprint`
    what was and will be deployed. `definition` is the new definition hash of a segment, or of a
    rule's audience. `files` pairs the path of each file that the object names with its digest.
    `because` names the changed objects that force a recompute; `reaches` the objects downstream.
    """

    address: Address
    action: ActionName
    canonical: JsonText | None = None
    before_fingerprint: str | None = None
    fingerprint: str | None = None
    before_definition: str | None = None
    definition: str | None = None
    before_files: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    attributes: tuple[AttributeChange, ...] = ()
    because: tuple[Address, ...] = ()
    reaches: tuple[Address, ...] = ()
    impact: Impact | None = None
    frozen: bool = False
    scans: tuple[Scan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateSegment:
    """Evaluate a segment's desired definition at the plan's instant and stage its new snapshot.

    Where another definition is deployed, that one first, so that the log keeps the causes apart.
    """

    segment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropSegment:
    """Stage the exit of every member of a segment that is deleted."""

    segment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitState:
    """Make it all deployed at once: objects, staged snapshots, log entries; one transaction."""


PlanStep = EvaluateSegment | DropSegment | CommitState


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A guard that forbids the change: `rule` is protect.max_change, protect.max_size,
    protect.prevent_destroy or as_of (the plan's instant is behind what is recorded); `message`
    says by how much."""

    address: Address
    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything apply needs; it holds counts and digests, never ids of users.

    `id` is the SHA-256 of the plan's content. `lineage` is None for a plan against a state that
    does not exist yet. `bases` pairs every object the plan touches or rests on with its deployed
    fingerprint (None: not deployed): if one of them differs at apply, the plan is stale.
    `changes` has no no-ops; `unchanged` counts them. `with_impact` is False for --no-impact.
    `renames` pairs deleted objects with created ones that look like them. `timezone` is the
    project's, by which what is deployed will be read; `timezone_before` the one that is in force
    now, where it is another. `costs` are those by which the sources were chosen that it asked, so
    that its apply asks the same ones.
    """

    id: str
    project: str
    environment: str
    lineage: str | None
    serial: int
    as_of: Instant
    with_impact: bool
    changes: tuple[Change, ...]
    unchanged: int
    steps: tuple[PlanStep, ...]
    bases: tuple[tuple[Address, str | None], ...]
    blocked: tuple[Blocked, ...] = ()
    timezone: str = "UTC"
    renames: tuple[tuple[Address, Address], ...] = ()
    timezone_before: str | None = None
    costs: tuple[ScanCost, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to do."""
        return not self.changes and self.timezone_before is None
