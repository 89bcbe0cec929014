"""The project and the world that a command works in, opened by its global options."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from segflow.app.validate import load
from segflow.app.wiring import World, open_world
from segflow.cli.diagnostics import closing, render
from segflow.cli.invocation import Invocation
from segflow.cli.root import root_of
from segflow.diagnostics import Report
from segflow.model.compiled import Compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A valid project and the ports that reach its world. `report` holds warnings only."""

    world: World
    compiled: Compiled
    report: Report

    def warn(self, call: Invocation) -> None:
        """Show the warnings to a person, on stderr."""
        if len(self.report) and not call.output.as_json:
            call.output.notes([*render(self.report), closing(self.report), ""])


@contextmanager
def session(call: Invocation) -> Iterator[Session]:
    """The project of the working tree, loaded and compiled. Raises InvalidProjectError."""
    root = root_of(call)
    loaded = load(root, call.environment)
    with open_world(loaded.compiled.project.settings, root) as world:
        yield Session(world=world, compiled=loaded.compiled, report=loaded.report)
