"""`segflow rule run`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from segflow.app import rules
from segflow.app.daemon import rehearsal_folder, rehearse, run_live
from segflow.app.segments import instant_or_now
from segflow.app.wiring import RECORDED, World
from segflow.cli import options
from segflow.cli.approval import ask, refuse_unasked
from segflow.cli.deployed import deployed_world
from segflow.cli.failures import ERROR, INTERRUPTED, OK
from segflow.cli.files import shown_path
from segflow.cli.invocation import Invocation, command
from segflow.cli.progress import LateBar
from segflow.cli.run_view import account, coupon_line, report_facts, sums
from segflow.cli.stopping import stopped_by_signals
from segflow.cli.tables import facts
from segflow.model.instant import Instant, format_instant
from segflow.model.run import Run, RunReport, RunStatus


@command("run")
@click.argument("name")
@click.option(
    "--at",
    metavar="T",
    type=options.InstantType(),
    help="The instant to run it for, like 2026-01-31T09:00:00Z.  [default: now]",
)
@click.option("--live", is_flag=True, help="Really: through the channels that send here.")
@click.option("--auto-approve", is_flag=True, help='Do not ask for a typed "yes" (with --live).')
def run(call: Invocation, name: str, at: Instant | None, live: bool, auto_approve: bool) -> int:
    """Run a deployed rule once; without --live to rehearse it.

    A rehearsal runs on a copy of the state as if it were T: it says where everybody would end, and
    keeps what would be sent in a folder. With --live it is a run like those of the daemon, which
    must not be at work: it is rehearsed first, and done after a typed "yes".
    """
    if live and not auto_approve:
        refuse_unasked(call.output, "rule run --live", hint="add --auto-approve")
    with deployed_world(call) as world:
        scheduled = instant_or_now(world, at)
        if not live:
            return _rehearse(call, world, name, scheduled)
        before = rules.run_of(world, name, scheduled)
        if before is not None and before.status != "running":
            return _again(call, world, before)
        if not auto_approve and (code := _approve(call, world, name, scheduled)) != OK:
            return code
        return _run(call, world, name, scheduled)


def _rehearse(call: Invocation, world: World, name: str, scheduled: Instant) -> int:
    with LateBar() as bar:
        report = rehearse(world, name, scheduled, bar)
    what = "This is a rehearsal on a copy of the state: nobody is reached."
    return _tell(call, report, what, folder=rehearsal_folder(world, name))


def _approve(call: Invocation, world: World, name: str, scheduled: Instant) -> int:
    """Show what would come of it, and ask."""
    code = _rehearse(call, world, name, scheduled)
    if code == OK:
        ask(f"Run rule.{name} for {format_instant(scheduled)} really?", otherwise="not run")
        call.output.line()
    return code


def _run(call: Invocation, world: World, name: str, scheduled: Instant) -> int:
    with stopped_by_signals(_untold) as pause, LateBar() as bar:
        report = run_live(world, name, scheduled, pause, bar)
    if report is not None and report.run.status == "failed":
        return _tell(call, report, "Nothing was sent.")
    if report is None or report.run.live:
        return _tell(call, report, "It was run.")
    what = "It was run; none of its channels is live here, so they recorded what they would send."
    return _tell(call, report, what, folder=world.root / RECORDED)


def _again(call: Invocation, world: World, before: Run) -> int:
    """What is over is not done again."""
    what = "It was run before: nothing was done now."
    return _tell(call, rules.report(world, before.id), what)


def _tell(
    call: Invocation, report: RunReport | None, what: str, *, folder: Path | None = None
) -> int:
    """Show the run; the exit code says whether it came to its end. `folder` has what channels
    recorded."""
    if report is None:
        call.output.note(
            "Stopped before its end: the daemon goes on with it, or this command with the --at "
            "that `segflow run list` shows."
        )
        return INTERRUPTED
    if call.output.as_json:
        kept = None if folder is None else str(folder.resolve())
        call.output.facts(report_facts(report) | {"folder": kept})
    else:
        call.output.lines(_lines(report, what, folder))
    if report.run.status != "done" or report.run.reason is not None:
        call.output.error(f"the run {_ENDS[report.run.status]}: {report.run.reason}")
        return ERROR
    if not _reached_anybody(report):
        call.output.error("every send failed")
        return ERROR
    return OK


def _reached_anybody(report: RunReport) -> bool:
    """False where there was somebody to send to, and every send failed."""
    ended = sums(report.buckets)
    return not ended.get("failed") or any(ended.get(one) for one in ("delivered", "unknown"))


_ENDS: Mapping[RunStatus, str] = {
    "running": "is not over",
    "done": "ended early",
    "skipped": "was skipped",
    "failed": "failed",
}


def _lines(report: RunReport, what: str, folder: Path | None) -> Iterator[str]:
    run = report.run
    yield click.style(f"rule.{run.rule} for {format_instant(run.scheduled)}", bold=True)
    yield what
    if found := account(report):
        yield from ("", *found)
    has_records = folder is not None and any(folder.glob("*.jsonl"))
    told = facts(
        (
            ("coupons", coupon_line(report.coupons)),
            ("recorded in", shown_path(folder) if folder is not None and has_records else None),
        )
    )
    if told:
        yield ""
        yield from told


def _untold(signal: str) -> None:
    """That it stops is told when it has."""
