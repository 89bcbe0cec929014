"""What an apply did, for whoever asked for it; made from the plan and the journal alone."""

from dataclasses import dataclass

from segflow.model.instant import Instant
from segflow.model.plan import Change, Plan
from segflow.model.state import Cause, LogEntry, Membership


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOutcome:
    """One segment after the apply: its size, and whom the change of definition moved. `size` is
    None for a deleted segment."""

    name: str
    size: int | None
    entered: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A segment whose members at the plan's instant were others at apply than at plan, because a
    source changed its past. The planned counts, and those that were found."""

    segment: str
    planned_size: int
    planned_entered: int
    planned_left: int
    size: int
    entered: int
    left: int

    def __str__(self) -> str:
        return (
            f"{self.segment}: planned size {self.planned_size:,}"
            f" (+{self.planned_entered:,} entered, −{self.planned_left:,} left),"
            f" found {self.size:,} (+{self.entered:,} entered, −{self.left:,} left)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOutcome:
    """The end of an apply; its id is empty where there was nothing to do.

    `serial` is that of the state it made, `resumed` True where an interrupted apply was finished;
    `drift` names the segments whose source changed its past. `created`, `updated`, `deleted` and
    `recomputed` count objects, as the plan's summary does.
    """

    apply_id: str
    plan_id: str
    as_of: Instant
    serial: int
    resumed: bool
    segments: tuple[SegmentOutcome, ...]
    drift: tuple[Drift, ...] = ()
    created: int = 0
    updated: int = 0
    deleted: int = 0
    recomputed: int = 0


def moved(entries: tuple[LogEntry, ...], cause: Cause) -> tuple[int, int]:
    """How many entered and exited for one cause."""
    chosen = [entry for entry in entries if entry.cause == cause]
    return sum(entry.entered for entry in chosen), sum(entry.exited for entry in chosen)


def of_membership(made: Membership) -> SegmentOutcome:
    """The outcome of an evaluated segment."""
    entered, left = moved(made.entries, "definition")
    return SegmentOutcome(
        name=made.snapshot.segment, size=made.snapshot.size, entered=entered, left=left
    )


def of_drop(exit_: LogEntry) -> SegmentOutcome:
    """The outcome of a deleted segment."""
    return SegmentOutcome(name=exit_.segment, size=None, entered=0, left=exit_.exited)


def drift_of(change: Change, made: Membership) -> Drift | None:
    """The drift between what a change planned and what was found; None where they are the same set
    or nothing was planned."""
    impact = change.impact
    if impact is None or impact.digest is None or impact.digest == made.snapshot.digest:
        return None
    found = of_membership(made)
    return Drift(
        segment=found.name,
        planned_size=impact.size_after or 0,
        planned_entered=impact.entered,
        planned_left=impact.left,
        size=made.snapshot.size,
        entered=found.entered,
        left=found.left,
    )


def outcome(
    plan: Plan,
    apply_id: str,
    serial: int,
    results: tuple[Membership | LogEntry, ...],
    *,
    resumed: bool,
) -> ApplyOutcome:
    """The outcome of an apply from its plan and what its steps made, in order of the steps."""
    changes = {change.address.name: change for change in plan.changes if is_segment(change)}
    made = tuple(result for result in results if isinstance(result, Membership))
    drift = (drift_of(changes[one.snapshot.segment], one) for one in made)
    actions = [change.action for change in plan.changes]
    return ApplyOutcome(
        apply_id=apply_id,
        plan_id=plan.id,
        as_of=plan.as_of,
        serial=serial,
        resumed=resumed,
        segments=tuple(
            of_membership(result) if isinstance(result, Membership) else of_drop(result)
            for result in results
        ),
        drift=tuple(found for found in drift if found is not None),
        created=actions.count("create"),
        updated=actions.count("update"),
        deleted=actions.count("delete"),
        recomputed=actions.count("recompute"),
    )


def is_segment(change: Change) -> bool:
    """True for a change of a segment."""
    return change.address.kind == "segment"
