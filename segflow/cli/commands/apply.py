"""`segflow apply`: does what a plan says."""

from pathlib import Path

import click

from segflow.app.apply import ApplyOutcome, resume
from segflow.app.apply import apply as apply_to
from segflow.app.plan import make_plan
from segflow.app.wiring import World
from segflow.cli import options
from segflow.cli.apply_view import outcome_to_json, show_outcome
from segflow.cli.approval import ask, refuse_unasked
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.plan_view import read_plan, show_plan
from segflow.cli.progress import LateBar
from segflow.cli.session import session
from segflow.cli.waiting import lock_timeout_option, when_free
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.planner.machine import to_json

_UNASKED = (
    "apply a saved plan (`segflow plan --out FILE`, `segflow apply FILE`), or add --auto-approve"
)


@command("apply")
@click.argument("planfile", metavar="[PLANFILE]", required=False, type=click.Path(path_type=Path))
@options.as_of
@click.option("--auto-approve", is_flag=True, help='Do not ask for a typed "yes".')
@lock_timeout_option
def apply(
    call: Invocation,
    planfile: Path | None,
    as_of: Instant | None,
    auto_approve: bool,
    lock_timeout: float,
) -> None:
    """Do what a plan says.

    With PLANFILE, exactly that saved plan, without a question; it is refused when what it rests on
    has changed. Without, a plan is made and shown, and applied after a typed "yes". An apply that
    was interrupted is finished first.
    """
    options.refuse_both(**{"PLANFILE": planfile, "--as-of": as_of})
    if planfile is not None:
        _apply_saved(call, planfile, lock_timeout)
    else:
        _apply_new(call, as_of, auto_approve, lock_timeout)


def _apply_saved(call: Invocation, planfile: Path, wait: float) -> None:
    plan = read_plan(planfile)
    with deployed_world(call) as world, LateBar() as bar:
        outcome = when_free(call, wait, lambda: apply_to(world, plan, bar))
    _tell(call, plan, None, outcome)


def _apply_new(call: Invocation, as_of: Instant | None, auto_approve: bool, wait: float) -> None:
    if not auto_approve:
        refuse_unasked(call.output, "apply", hint=_UNASKED)
    with session(call) as opened:
        resumed = _resume(call, opened.world, wait)
        with LateBar() as bar:
            plan = make_plan(opened.world, opened.compiled, as_of, progress=bar)
        opened.warn(call)
        outcome = _after_approval(call, opened.world, plan, auto_approve, wait)
    _tell(call, plan, resumed, outcome)


def _resume(call: Invocation, world: World, wait: float) -> ApplyOutcome | None:
    with LateBar() as bar:
        resumed = when_free(call, wait, lambda: resume(world, bar))
    if resumed is not None and not call.output.as_json:
        show_outcome(call.output, resumed)
        call.output.line()
    return resumed


def _after_approval(
    call: Invocation, world: World, plan: Plan, auto_approve: bool, wait: float
) -> ApplyOutcome | None:
    """None where there is nothing to do. A plan that a guard forbids is not asked about: apply
    refuses it."""
    if not call.output.as_json:
        show_plan(call.output, plan)
    if plan.is_empty:
        return None
    if not (auto_approve or plan.blocked):
        ask("Apply these changes?", otherwise="not applied")
    if not call.output.as_json:
        call.output.line()
    with LateBar() as bar:
        return when_free(call, wait, lambda: apply_to(world, plan, bar))


def _tell(
    call: Invocation, plan: Plan, resumed: ApplyOutcome | None, outcome: ApplyOutcome | None
) -> None:
    if call.output.as_json:
        call.output.facts(
            {
                "plan": to_json(plan),
                "resumed": None if resumed is None else outcome_to_json(resumed),
                "outcome": None if outcome is None else outcome_to_json(outcome),
            }
        )
    elif outcome is not None:
        show_outcome(call.output, outcome)
