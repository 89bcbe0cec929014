"""What runs in real processes of their own: applies and refreshes that are killed, or that race.

The processes are forked from one server that has imported everything and opened nothing, so that
each costs milliseconds; a SIGKILL of one is the kernel's own.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import segflow.engines.duckdb  # noqa: F401 - imported before the fork, since it takes long
from segflow.app.apply import apply
from segflow.app.daemon import run_live
from segflow.app.plan import make_plan
from segflow.app.refresh import refresh
from segflow.app.validate import load
from segflow.app.wiring import FAILPOINT, World, open_world
from segflow.errors import SegflowError
from segflow.loader.settings import load_settings
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.planner.planfile import from_bytes
from tests.executor.worlds import foreseen

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", __name__])


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still."""

    instant: int

    def now(self) -> int:
        """The same instant every time."""
        return self.instant

    def monotonic(self) -> float:
        """Nothing takes any time."""
        return 0.0


@contextmanager
def world_at(root: Path, now: int) -> Iterator[World]:
    """The world of the project in a folder, by its settings; its clock stands still, and codes are
    the same each time."""
    settings = load_settings(root, None, [])
    with open_world(settings, root, FixedClock(now)) as world:
        yield replace(world, new_lineage="lineage-of-the-shop", chance=foreseen())


def plan_at(root: Path, as_of: Instant) -> Plan:
    """The plan of the working tree at an instant."""
    with world_at(root, as_of) as world:
        return make_plan(world, load(root, None).compiled, as_of)


def apply_at(root: Path, now: int, content: bytes) -> None:
    """Apply a plan file's content."""
    with world_at(root, now) as world:
        apply(world, from_bytes(content))


def refresh_at(root: Path, now: int, names: Sequence[str], as_of: Instant) -> None:
    """Refresh deployed segments."""
    with world_at(root, now) as world:
        refresh(world, names, as_of)


def run_at(root: Path, now: int, rule: str, at: Instant) -> None:
    """Run a deployed rule for an instant, really."""
    with world_at(root, now) as world:
        run_live(world, rule, at, go_on)


def go_on(seconds: float) -> bool:
    """Waits for nothing."""
    return True


def start(failpoint: str | None, work: Callable[..., None], *arguments: Any) -> "Running":
    """Begin work in a process of its own, which kills itself at the failpoint."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_run, args=(failpoint, sender, work, arguments))
    process.start()
    sender.close()
    return Running(process, receiver)


@dataclass(frozen=True, slots=True)
class Running:
    """Work that goes on in another process."""

    process: ForkServerProcess
    receiver: Connection

    def end(self) -> str | int:
        """How it ended: "done", the name of the error that it raised, or -9 where it was killed."""
        self.process.join()
        try:
            return str(self.receiver.recv())
        except EOFError:
            return self.process.exitcode or 0
        finally:
            self.receiver.close()
            self.process.close()


def _run(
    failpoint: str | None,
    sender: Connection,
    work: Callable[..., None],
    arguments: Sequence[Any],
) -> None:
    if failpoint is not None:
        os.environ[FAILPOINT] = failpoint
    try:
        work(*arguments)
    except SegflowError as error:
        sender.send(type(error).__name__)
    else:
        sender.send("done")
