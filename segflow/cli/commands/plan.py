"""`segflow plan`: what an apply would do."""

import shlex
from contextlib import suppress
from pathlib import Path

import click

from segflow.app.remembered import remember, texts, unchanged_plan
from segflow.app.state import interrupted
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.failures import BLOCKED, CHANGES, OK
from segflow.cli.files import write_whole
from segflow.cli.invocation import Invocation, command
from segflow.cli.plan_view import show_plan
from segflow.cli.progress import LateBar
from segflow.errors import InvalidProjectError
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.planner.planfile import to_bytes


@command("plan")
@options.as_of
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Save the plan for `apply FILE`."
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="End with 0 when there is nothing to do, 2 when there are changes, 3 when a guard "
    "forbids them.",
)
@click.option("--no-impact", is_flag=True, help="Do not ask the sources who enters and leaves.")
def plan(
    call: Invocation,
    as_of: Instant | None,
    out: Path | None,
    detailed_exitcode: bool,
    no_impact: bool,
) -> int:
    """Show what differs from the deployed state, and who enters and leaves.

    Changes nothing. Every number is of one instant, --as-of.
    """
    made, unfinished = _planned(call, as_of, impact=not no_impact)
    if unfinished:
        label = click.style("warning", fg="yellow", bold=True)
        call.output.note(f"{label}: an apply was interrupted; the next one finishes it first")
    if out is not None:
        write_whole(out, to_bytes(made))
    show_plan(call.output, made)
    if out is not None and not call.output.as_json:
        _say_saved(call, made, out)
    return exit_code(made) if detailed_exitcode else OK


def _planned(call: Invocation, as_of: Instant | None, *, impact: bool) -> tuple[Plan, bool]:
    """The plan, and whether an interrupted apply waits."""
    seen = None
    # Broken settings are shown by load(), together with all else that is wrong.
    with suppress(InvalidProjectError), deployed_world(call) as world:
        seen = texts(world)
        made = unchanged_plan(world, seen, as_of, impact=impact)
        if made is not None:
            return made, interrupted(world)
    # Imported here: a plan that is known to be empty needs neither loader nor compiler.
    from segflow.app.plan import make_plan
    from segflow.cli.session import session

    with session(call) as opened, LateBar() as bar:
        made = make_plan(opened.world, opened.compiled, as_of, impact=impact, progress=bar)
        unfinished = interrupted(opened.world)
        if made.is_empty and not len(opened.report):
            remember(opened.world, opened.compiled, seen)
    opened.warn(call)
    return made, unfinished


def exit_code(made: Plan) -> int:
    """The detailed exit code of a plan."""
    if made.blocked:
        return BLOCKED
    return OK if made.is_empty else CHANGES


def _say_saved(call: Invocation, made: Plan, out: Path) -> None:
    advice = f" Apply exactly this with: segflow apply {shlex.quote(str(out))}"
    call.output.line()
    call.output.line(f"Saved to {out}.{'' if exit_code(made) != CHANGES else advice}")
