"""`segflow daemon`: runs what is deployed, or replays a span of time."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from segflow.app import daemon as runner
from segflow.app.wiring import World
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.failures import ERROR, INTERRUPTED, OK, kind, to_facts
from segflow.cli.health import HOST, PATH, Health, HealthServer
from segflow.cli.invocation import Invocation, command
from segflow.cli.log import StreamLog
from segflow.cli.pictures import draw
from segflow.cli.progress import LateBar
from segflow.cli.replay_view import replay_facts, replay_lines
from segflow.cli.stopping import stopped_by_signals
from segflow.errors import SegflowError
from segflow.model.instant import Instant, format_instant
from segflow.model.run import RunReport
from segflow.ports import Log, Pause

PORT = 8711


@command("daemon")
@click.option(
    "--from",
    "start",
    metavar="T",
    type=options.InstantType(),
    help="Replay the runs scheduled from T on, like 2026-01-31T00:00:00Z; needs --to.",
)
@click.option(
    "--to",
    "end",
    metavar="T",
    type=options.InstantType(),
    help="The end of the replay: a run scheduled at T is not part of it.",
)
@click.option(
    "--health-port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help=f"The port of {PATH} on {HOST}; 0 is any that is free.  [default: {PORT}]",
)
@options.picture
def daemon(
    call: Invocation,
    start: Instant | None,
    end: Instant | None,
    health_port: int | None,
    picture: Path | None,
) -> int:
    """Refresh segments and run rules as they are due.

    Works by what is deployed, until SIGTERM or Ctrl-C: what is in flight is finished or handed
    back, and a second Ctrl-C ends it at once. It writes a log to stderr, in JSON unless that is a
    terminal, and tells over HTTP whether it is well. One daemon works on a state at a time.

    With --from and --to it says what a daemon that is never late would have done in that span, with
    the data of today. It works on a copy of the state and reaches nobody.
    """
    if start is None and end is None:
        if picture is not None:
            raise click.UsageError("--picture draws a replay: it needs --from and --to")
        return _serve(call, PORT if health_port is None else health_port)
    if start is None or end is None:
        raise click.UsageError("--from and --to belong together")
    if health_port is not None:
        raise click.UsageError("a replay has no health: --health-port is for a daemon that stays")
    return _replay(call, start, end, picture)


# --- the daemon that stays -------------------------------------------------------------------


def _serve(call: Invocation, port: int) -> int:
    with ExitStack() as opened:
        world = opened.enter_context(deployed_world(call))
        log = StreamLog(
            world.clock, sys.stderr, as_json=call.output.as_json, color=call.output.color
        )
        pause = opened.enter_context(
            stopped_by_signals(lambda name: log("told to stop", signal=name))
        )
        try:
            _work(world, pause, log, port)
        except SegflowError as error:
            log(
                "daemon gave up",
                level="alarm",
                kind=kind(error),
                reason=error.message,
                hint=error.hint,
            )
            if call.output.as_json:
                call.output.facts({"error": to_facts(error)})
            return ERROR
        except KeyboardInterrupt:
            log("interrupted", level="warning")
            return INTERRUPTED
    return OK


def _work(world: World, pause: Pause, log: Log, port: int) -> None:
    with ExitStack() as opened:

        def started(made: runner.Daemon) -> None:
            # Not before it has the right to run rules: who has not is told that, whatever port is
            # taken.
            server = opened.enter_context(HealthServer(lambda: _health(made), port=port))
            log("health", url=f"http://{HOST}:{server.port}{PATH}", port=server.port)

        runner.daemon(world, pause, log, started)


def _health(made: runner.Daemon) -> Health:
    found = made.condition()
    return Health(
        healthy=found.is_healthy,
        facts={
            "since": format_instant(found.since),
            "signed_at": format_instant(found.signed_at),
            "open_runs": found.open_runs,
            "runs": found.runs,
            "troubles": found.troubles,
        },
    )


# --- replay ----------------------------------------------------------------------------------


def _replay(call: Invocation, start: Instant, end: Instant, picture: Path | None) -> int:
    with deployed_world(call) as world, LateBar() as bar:
        reports = tuple(runner.replay_span(world, start, end, bar))
    if picture is not None:
        draw(call, picture, sorted(reports, key=lambda one: one.run.rule))
    if call.output.as_json:
        call.output.facts(replay_facts(reports) | _drawn(picture))
    else:
        call.output.lines(replay_lines(reports))
        _tell_failed(call, reports)
    return ERROR if any(one.run.status == "failed" for one in reports) else OK


def _drawn(picture: Path | None) -> dict[str, str]:
    return {} if picture is None else {"picture": str(picture)}


def _tell_failed(call: Invocation, reports: tuple[RunReport, ...]) -> None:
    """Each reason once, with a run that has it."""
    told: set[str | None] = set()
    for run in (one.run for one in reports if one.run.status == "failed"):
        if run.reason not in told:
            told.add(run.reason)
            at = format_instant(run.scheduled)
            call.output.error(f"rule.{run.rule} could not be run for {at}: {run.reason}")
