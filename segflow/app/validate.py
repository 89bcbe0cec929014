"""segflow validate: the project as a whole, loaded and compiled, and whether its sources fit it."""

from dataclasses import dataclass
from pathlib import Path

from segflow.app.sources import source_findings
from segflow.app.wiring import World
from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Report
from segflow.errors import InvalidProjectError, RefusedError
from segflow.loader.project import load_project
from segflow.loader.settings import FILE
from segflow.model.compiled import Compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A valid project. `report` holds warnings only."""

    compiled: Compiled
    report: Report


def find_root(start: Path) -> Path:
    """The nearest folder upward with segflow.toml. Raises RefusedError where there is none."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
    raise RefusedError(
        f"there is no {FILE} in {start} or above it",
        hint="`segflow init` makes a new project; --project DIR names one",
    )


def load(root: Path, environment: str | None) -> Loaded:
    """Load and compile the project in a folder, with the named environment folded in.

    Raises InvalidProjectError with every error, and the warnings, of all files at once.
    """
    project, report = load_project(root, environment)
    compiled, found = compile_project(project)
    report.extend(found)
    if compiled is None or report.has_errors:
        raise InvalidProjectError(report)
    return Loaded(compiled=compiled, report=report)


def check_sources(world: World, compiled: Compiled) -> Report:
    """Ask every source whether it has the tables and columns that the catalog names. A source that
    can't be asked now is a warning."""
    report = Report()
    report.extend(source_findings(compiled, world.engines))
    return report
