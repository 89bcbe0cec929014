"""Whether a plan may be applied: asked before anything is done."""

from collections.abc import Iterator

from segflow.errors import BlockedError, StalePlanError
from segflow.executor.deployed import Deployed
from segflow.model.instant import format_instant
from segflow.model.plan import Blocked, EvaluateSegment, Plan
from segflow.planner.stale import PLAN_AGAIN, check_stale


def refuse_blocked(plan: Plan) -> None:
    """Raises BlockedError for what a guard forbade when the plan was made."""
    if plan.blocked:
        raise blocked_error(plan.blocked)


def blocked_error(blocked: tuple[Blocked, ...]) -> BlockedError:
    """The error that says what the guards forbid."""
    late = all(found.rule == "as_of" for found in blocked)
    protect = "change `protect` of the segment if this is meant, then plan again"
    return BlockedError(
        "; ".join(f"{found.address}: {found.message}" for found in blocked),
        hint="make a new plan with a later --as-of, or leave --as-of out" if late else protect,
    )


def refuse_unfit(plan: Plan, deployed: Deployed, *, applied: bool) -> None:
    """Raises ForeignPlanError, PlanAppliedError or StalePlanError, in this order."""
    fingerprints = {address: found.fingerprint for address, found in deployed.objects.items()}
    check_stale(plan, deployed.version, fingerprints, applied=applied)
    if moved := [*_redefined(plan, deployed), *_refreshed(plan, deployed)]:
        raise StalePlanError(
            "the state has changed since the plan was made: " + "; ".join(moved), hint=PLAN_AGAIN
        )


def _redefined(plan: Plan, deployed: Deployed) -> Iterator[str]:
    """The same text can mean something else, where the time zone or a file was changed
    meanwhile."""
    for change in plan.changes:
        before = deployed.objects.get(change.address)
        if before is not None and before.definition != change.before_definition:
            yield f"{change.address} has another definition now"
        elif before is not None and before.files != change.before_files:
            yield f"{change.address} was deployed with other files"


def _refreshed(plan: Plan, deployed: Deployed) -> Iterator[str]:
    """Segments whose last snapshot is later than the plan's instant: the log never goes back."""
    for step in plan.steps:
        if not isinstance(step, EvaluateSegment):
            continue
        snapshot = deployed.snapshots.get(step.segment)
        if snapshot is not None and snapshot.as_of > plan.as_of:
            yield (
                f"segment.{step.segment} is recorded as of {format_instant(snapshot.as_of)},"
                f" later than the plan's {format_instant(plan.as_of)}"
            )
