"""What apply does for a list of changes, in order."""

from collections.abc import Iterable

from segflow.model.compiled import Compiled
from segflow.model.plan import Change, CommitState, DropSegment, EvaluateSegment, PlanStep
from segflow.planner.reach import changes_definition, changes_members


def steps(changes: Iterable[Change], compiled: Compiled, *, commits: bool) -> tuple[PlanStep, ...]:
    """Segments are evaluated in order of dependency, then deleted ones are dropped, and one commit
    makes it all deployed. Where there is nothing to commit there are no steps."""
    every = tuple(changes)
    if not commits:
        return ()
    evaluated = {change.address.name for change in every if moves_members(change)}
    dropped = sorted(change.address.name for change in every if drops_members(change))
    return (
        *(EvaluateSegment(segment=name) for name in compiled.segments if name in evaluated),
        *(DropSegment(segment=name) for name in dropped),
        CommitState(),
    )


def moves_members(change: Change) -> bool:
    """Whether a change has a segment evaluated: it is new, has another definition, or goes from
    frozen to refreshed or back. A frozen set stays as it is."""
    if change.address.kind != "segment" or change.action == "delete":
        return False
    return changes_members(change) and not change.frozen


def moves_audience(change: Change) -> bool:
    """Whether a change decides anew whom a rule reaches; nobody is evaluated for it at apply."""
    is_rule = change.address.kind == "rule" and change.action != "delete"
    return is_rule and changes_definition(change)


def drops_members(change: Change) -> bool:
    """Whether a change ends a segment."""
    return change.address.kind == "segment" and change.action == "delete"
