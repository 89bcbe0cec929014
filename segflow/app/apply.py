"""segflow apply: does what a plan says, and finishes an apply that was interrupted."""

from contextlib import suppress
from pathlib import Path

from segflow.app.ahead import refuse_ahead
from segflow.app.state import interrupted
from segflow.app.wiring import World
from segflow.errors import ForeignPlanError, RefusedError, SegflowError, told_as
from segflow.executor.apply import apply_plan, resume_apply
from segflow.executor.effects import no_progress
from segflow.executor.outcome import ApplyOutcome, Drift, SegmentOutcome
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.ports import Progress

__all__ = ["ApplyOutcome", "Drift", "SegmentOutcome", "apply", "resume"]


def apply(world: World, plan: Plan, progress: Progress = no_progress) -> ApplyOutcome:
    """Deploy what the plan says, whole or not at all; the working tree is not asked, but for the
    files that objects name, which must be as planned. The very plan that was interrupted is
    finished.

    Raises ForeignPlanError, StalePlanError, PlanAppliedError, BlockedError, LockedError, and
    RefusedError while another plan's apply is interrupted: call resume() first.
    """
    _refuse_other(world, plan)
    refuse_ahead(plan.as_of, Instant(world.clock.now()))

    def read_file(path: str) -> bytes:
        return _read(world.root / path, path)

    return apply_plan(plan, world.effects, read_file, world.new_lineage, progress)


def resume(world: World, progress: Progress = no_progress) -> ApplyOutcome | None:
    """Finish an interrupted apply from the plan kept in the journal; None where there is none.

    Raises LockedError until the lease of the interrupted process has run out. Where a step fails
    the interrupted apply is given up: its error is raised, and says so.
    """
    waiting = world.state.unfinished_apply() if interrupted(world) else None
    try:
        return resume_apply(world.effects, progress)
    except SegflowError as error:
        if waiting is not None and _is_given_up(world, waiting.id):
            raise _given_up(error) from error
        raise


def _is_given_up(world: World, apply_id: str) -> bool:
    """Whether that apply ended with nothing deployed; False where even that can't be asked."""
    with suppress(SegflowError):
        return any(
            one.id == apply_id and one.abandoned is not None for one in world.state.applies()
        )
    return False


def _given_up(error: SegflowError) -> SegflowError:
    """The same error, told as the end of an apply that the person did not ask for just now."""
    again = "run `segflow apply` again: it makes a new plan"
    return told_as(
        error,
        "the apply that was interrupted can't be finished and was given up, with nothing deployed: "
        + error.message,
        again if error.hint is None else f"{error.hint}; then {again}",
    )


def _refuse_other(world: World, plan: Plan) -> None:
    mine = (world.settings.name, world.settings.environment)
    if (plan.project, plan.environment) != mine:
        raise ForeignPlanError(
            f"the plan is of project {plan.project}, environment {plan.environment};"
            f" this is {mine[0]}, {mine[1]}",
            hint="apply it where it was made, or make a plan here",
        )


def _read(file: Path, path: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RefusedError(
            f"the file {path} can't be read: {error.strerror}",
            hint="apply the plan in a checkout that has the files it was made with",
        ) from error
