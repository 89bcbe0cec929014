"""Whether a saved plan may still be applied to the state as it is now."""

from collections.abc import Iterator, Mapping

from segflow.errors import ForeignPlanError, PlanAppliedError, StalePlanError
from segflow.model.address import Address
from segflow.model.plan import Plan
from segflow.model.state import StateVersion

PLAN_AGAIN = "make a new plan with `segflow plan`"
"""The hint of every refusal that a new plan gets around."""


def check_stale(
    plan: Plan, version: StateVersion | None, fingerprints: Mapping[Address, str], *, applied: bool
) -> None:
    """Pass where the plan fits the state: its own lineage, never applied, nothing it touches or
    rests on moved, nor the project's time zone. A plan made against no state fits none, or an empty
    one of its project.

    Raises ForeignPlanError, PlanAppliedError or StalePlanError, in this order.
    """
    check_lineage(plan, version)
    if applied:
        raise PlanAppliedError(
            f"plan {plan.id[:12]} was applied before; a plan is applied once", hint=PLAN_AGAIN
        )
    if plan.lineage is None and fingerprints:
        raise StalePlanError(
            f"the plan was made before anything was deployed; now {_count(len(fingerprints))}",
            hint=PLAN_AGAIN,
        )
    if moved := (*_rezoned(plan, version), *_moved(plan, fingerprints)):
        raise StalePlanError(
            "the state has changed since the plan was made: " + "; ".join(moved), hint=PLAN_AGAIN
        )


def check_lineage(plan: Plan, version: StateVersion | None) -> None:
    """Pass where the state is the one that the plan was made against, or a new one of its project.

    Raises ForeignPlanError.
    """
    if version is None:
        if plan.lineage is not None:
            raise ForeignPlanError(
                f"the plan was made against state {plan.lineage}, which is not here",
                hint=PLAN_AGAIN,
            )
    elif version.project != plan.project:
        raise ForeignPlanError(
            f"the plan is of project {plan.project}, the state belongs to {version.project}",
            hint="apply it in its own project",
        )
    elif plan.lineage is not None and plan.lineage != version.lineage:
        raise ForeignPlanError(
            f"the plan was made against state {plan.lineage}, this is {version.lineage}",
            hint=PLAN_AGAIN,
        )


def _rezoned(plan: Plan, version: StateVersion | None) -> Iterator[str]:
    """The zone that an apply would set back unasked, although schedules are read by it."""
    before = plan.timezone_before or plan.timezone
    if plan.lineage is not None and version is not None and version.timezone != before:
        yield f"the project's time zone is {version.timezone} now, and was {before}"


def _moved(plan: Plan, fingerprints: Mapping[Address, str]) -> Iterator[str]:
    for address, base in plan.bases:
        found = fingerprints.get(address)
        if found == base:
            continue
        if base is None:
            yield f"{address} is deployed now"
        elif found is None:
            yield f"{address} is not deployed any more"
        else:
            yield f"{address} is another one now"


def _count(number: int) -> str:
    return "1 object is" if number == 1 else f"{number:,} objects are"
