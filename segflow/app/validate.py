"""segflow validate: the project as a whole, loaded and compiled, and the settings of its channels.
sources.py asks its sources."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segflow.app.codes import WRONG_SETTING
from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import InvalidProjectError
from segflow.loader.project import load_project
from segflow.model.channel import Channel
from segflow.model.compiled import Compiled
from segflow.model.project import Project


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
    report.extend(project.sources.told(_settings_findings(project)))
    if compiled is None or report.has_errors:
        raise InvalidProjectError(report)
    return Loaded(compiled=compiled, report=report)


def _settings_findings(project: Project) -> Iterator[Diagnostic]:
    """What is wrong with the settings of channels, at the settings; what is missing, at the kind
    that wants it."""
    channels = [found for found in project.objects.values() if isinstance(found, Channel)]
    if not channels:
        return
    from segflow.channels.settings import check_settings  # slow to import, and may not be needed

    for channel in channels:
        for finding in check_settings(channel):
            yield Diagnostic(
                code=WRONG_SETTING,
                summary=finding.message,
                help=finding.help,
                span=project.sources.key(channel.address, finding.path or ("kind",)),
                address=str(channel.address),
            )
