"""segflow daemon: refreshes and rules until it is told to stop; and replays, on a copy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from segflow.app.ahead import refuse_ahead
from segflow.app.wiring import REHEARSED, RecordingChannels, World
from segflow.clock import VirtualClock
from segflow.errors import NotDeployedError, RefusedError
from segflow.executor.daemon import Condition, Daemon, serve
from segflow.executor.deployed import compile_deployed, read_deployed
from segflow.executor.effects import Effects, no_failpoint, no_progress
from segflow.executor.lease import Hold, holding
from segflow.executor.replay import rehearsed_sets, replay
from segflow.executor.runs.freshness import recorded_sets
from segflow.executor.runs.run_rule import run_rule
from segflow.executor.runs.running import Running
from segflow.loader.suggest import nearest
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.run import RunReport
from segflow.ports import Clock, Log, Pause, Progress

__all__ = [
    "Condition",
    "Daemon",
    "daemon",
    "rehearsal_folder",
    "rehearse",
    "replay_span",
    "run_live",
]


def daemon(world: World, pause: Pause, log: Log, started: Callable[[Daemon], None]) -> None:
    """Refresh segments and run rules as they are due, by the deployed state alone, until `pause`
    says that work has to stop. `started` is handed the daemon, to be asked how it is.

    Raises NotDeployedError, LockedError saying which daemon is there already, and GiveUpError.
    """
    _refuse_nothing(world)
    running = Running(
        effects=world.effects,
        channels=world.channels,
        kept=_nothing_kept,
        pause=pause,
        log=log,
        progress=no_progress,
        rest=world.rest,
    )
    with holding(world.effects, "daemon", "runner") as hold:
        made = Daemon(running, hold)
        started(made)
        serve(made, running)


def replay_span(
    world: World, start: Instant, end: Instant, progress: Progress = no_progress
) -> Iterator[RunReport]:
    """The runs of every deployed rule in [start, end), as a daemon that is never late would make
    them, on a copy of the state from which the runs of that time are taken out. Nothing is sent and
    nothing is kept. Raises NotDeployedError, and RefusedError for a span that ends before it
    begins."""
    if end <= start:
        raise RefusedError(
            f"{format_instant(end)} is not after {format_instant(start)}",
            hint="--from is where the replay begins, --to where it ends",
        )
    _refuse_nothing(world)
    clock = VirtualClock(start)
    with _rehearsal(world, clock, start, None, progress) as (running, hold, compiled):
        yield from replay(running, hold, compiled, clock, start, end)


def rehearse(
    world: World, name: str, at: Instant, progress: Progress = no_progress
) -> RunReport | None:
    """Run a deployed rule on a copy of the state, as if it were that instant: nobody is reached,
    and what would be sent is kept in rehearsal_folder(). Raises NotDeployedError, and what the
    state raises."""
    _refuse_nothing(world)
    folder = rehearsal_folder(world, name)
    with _rehearsal(world, VirtualClock(at), at, folder, progress) as (running, hold, compiled):
        _refuse_unknown(compiled, name)  # before its name is taken for a folder's
        for file in folder.glob("*.jsonl"):
            file.unlink()
        return run_rule(running, hold, compiled, name, at)


def run_live(
    world: World, name: str, scheduled: Instant, pause: Pause, progress: Progress = no_progress
) -> RunReport | None:
    """Run a deployed rule for an instant as the daemon would, with the channels that send here;
    None where `pause` said that work has to stop before the end.

    Raises NotDeployedError, LockedError where a daemon is at work, RefusedError for an instant to
    come, and what the state raises.
    """
    _refuse_nothing(world)
    refuse_ahead(scheduled, Instant(world.clock.now()), "--at")
    effects = world.effects
    with holding(effects, f"rule run {name}", "runner") as hold:
        compiled = compile_deployed(read_deployed(effects.state), effects.state)
        _refuse_unknown(compiled, name)
        running = Running(
            effects=effects,
            channels=world.channels,
            kept=recorded_sets(effects, compiled),
            pause=pause,
            log=_no_log,
            progress=progress,
            rest=world.rest,
            patient=False,
        )
        return run_rule(running, hold, compiled, name, scheduled)


def rehearsal_folder(world: World, name: str) -> Path:
    """The folder of what the last rehearsal of a rule would have sent, by channel."""
    return world.root / REHEARSED / name


@contextmanager
def _rehearsal(
    world: World, clock: Clock, since: Instant, folder: Path | None, progress: Progress
) -> Iterator[tuple[Running, Hold, Compiled]]:
    """All that runs need on a copy of the state without the runs since an instant."""
    with world.scratch(since) as scratch:
        effects = replace(
            world.effects,
            state=scratch.state,
            ledger=scratch.ledger,
            snapshots=scratch.snapshots,
            clock=clock,
            failpoint=no_failpoint,
        )
        compiled = compile_deployed(read_deployed(effects.state), effects.state)
        with holding(effects, "rehearsal", "runner") as hold:
            yield _rehearsing(effects, compiled, folder, progress), hold, compiled


def _rehearsing(
    effects: Effects, compiled: Compiled, folder: Path | None, progress: Progress
) -> Running:
    return Running(
        effects=effects,
        channels=RecordingChannels(folder),
        kept=rehearsed_sets(effects, compiled),
        pause=_no_pause,
        log=_no_log,
        progress=progress,
        rest=_no_rest,
        patient=False,
    )


def _refuse_nothing(world: World) -> None:
    if world.state.version() is None:
        raise NotDeployedError("nothing is deployed yet", hint="run `segflow apply` first")


def _refuse_unknown(compiled: Compiled, name: str) -> None:
    if name not in compiled.rules:
        near = nearest(name, compiled.rules)
        raise NotDeployedError(
            f"rule.{name} is not deployed",
            hint=f"did you mean {near}?"
            if near
            else "`segflow apply` deploys what is in the files, `segflow rule list` shows what is",
        )


def _nothing_kept(name: str, as_of: Instant) -> None:
    """The daemon gives itself the sets of what is deployed, each time that changes."""


def _no_rest() -> None:
    """A rehearsal is over soon, and its world closes what it opened."""


def _no_pause(seconds: float) -> bool:
    return True


def _no_log(event: str, *, level: str = "info", **facts: str | int | float | bool | None) -> None:
    """What happens in a run that somebody waits for is told by its report."""
