"""The world of a project by segflow.toml alone, for commands that read no YAML."""

from collections.abc import Iterator
from contextlib import contextmanager

from segflow.app.wiring import World, open_world
from segflow.cli.invocation import Invocation
from segflow.cli.root import root_of
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import InvalidProjectError
from segflow.loader.settings import load_settings


@contextmanager
def deployed_world(call: Invocation) -> Iterator[World]:
    """The world by segflow.toml alone, for what reads no YAML: a broken file does not keep anybody
    from what is deployed. Raises InvalidProjectError for segflow.toml itself."""
    root = root_of(call)
    found: list[Diagnostic] = []
    settings = load_settings(root, call.environment, found)
    report = Report()
    report.extend(found)
    if report.has_errors:
        raise InvalidProjectError(report)
    with open_world(settings, root) as world:
        yield world
