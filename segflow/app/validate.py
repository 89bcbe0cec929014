"""segflow validate: the project as a whole, loaded and compiled. sources.py asks its sources."""

from dataclasses import dataclass
from pathlib import Path

from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Report
from segflow.errors import InvalidProjectError
from segflow.loader.project import load_project
from segflow.model.compiled import Compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A valid project. `report` holds warnings only."""

    compiled: Compiled
    report: Report


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
