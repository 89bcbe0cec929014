"""What is found wrong with a project after it was compiled is refused, each finding at its line."""

from collections.abc import Iterable

from segflow.diagnostics import Diagnostic, Report
from segflow.errors import InvalidProjectError
from segflow.model.project import Project


def refuse(project: Project, found: Iterable[Diagnostic]) -> None:
    """Raises InvalidProjectError with all that is found, if an error is among it."""
    report = Report()
    report.extend(project.sources.told(found))
    if report.has_errors:
        raise InvalidProjectError(report)
