"""`segflow validate`: every error of the files at once."""

from pathlib import Path

import click

from segflow.app.validate import load
from segflow.cli.diagnostics import closing, render, report_to_json
from segflow.cli.failures import ERROR, OK
from segflow.cli.invocation import Invocation, command
from segflow.cli.output import counted
from segflow.cli.progress import LateBar
from segflow.cli.root import root_of
from segflow.diagnostics import Report
from segflow.errors import InvalidProjectError
from segflow.model.compiled import Compiled


@command("validate")
@click.option(
    "--no-sources", is_flag=True, help="Check the files alone; ask no source for its tables."
)
def validate(call: Invocation, no_sources: bool) -> int:
    """Check every file; show all errors at once.

    Then asks the sources whether the tables and columns that the catalog names are there. Needs no
    deployed state, and changes nothing.
    """
    report, compiled = _examine(call, no_sources)
    if call.output.as_json:
        call.output.facts(report_to_json(report))
    else:
        call.output.lines(render(report))
        call.output.line(_verdict(report, compiled))
    return ERROR if report.has_errors else OK


def _examine(call: Invocation, no_sources: bool) -> tuple[Report, Compiled | None]:
    root = root_of(call)
    try:
        loaded = load(root, call.environment)
    except InvalidProjectError as error:
        return error.report, None
    report = loaded.report
    if not no_sources:
        report.extend(_ask_sources(root, loaded.compiled))
    return report, loaded.compiled


def _ask_sources(root: Path, compiled: Compiled) -> Report:
    # Loaded here: what reaches the world takes longer to load than checking the files takes.
    from segflow.app.sources import check_sources
    from segflow.app.wiring import open_world

    with open_world(compiled.project.settings, root) as world, LateBar():
        return check_sources(world, compiled)


def _verdict(report: Report, compiled: Compiled | None) -> str:
    if compiled is None or report.has_errors:
        return closing(report)
    kinds: dict[str, int] = {}
    for found in (*compiled.project, *compiled.project.checks.values()):
        kinds[found.address.kind] = kinds.get(found.address.kind, 0) + 1
    plurals = {"entity": "entities", "address": "addresses"}
    held = ", ".join(counted(number, kind, plurals.get(kind)) for kind, number in kinds.items())
    valid = click.style("Valid", fg="green", bold=True)
    rest = f" {closing(report)}" if len(report) else ""
    return f"{valid}: {held or 'nothing is declared yet'}.{rest}"
