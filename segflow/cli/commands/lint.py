"""`segflow lint`: what is legal and probably not meant."""

import click

from segflow.app.lint import lint_project
from segflow.cli.diagnostics import closing, render, report_to_json
from segflow.cli.failures import ERROR, OK
from segflow.cli.invocation import Invocation, command
from segflow.cli.root import root_of
from segflow.diagnostics import Report
from segflow.errors import InvalidProjectError


@command("lint")
def lint(call: Invocation) -> int:
    """Warn of what is legal and probably not meant.

    Shows the warnings of validate, too. Asks no source, and changes nothing. Ends with 1 where
    there is anything to say; segflow.toml names the codes that are passed over: [lint] ignore.
    """
    report = _found(call)
    if call.output.as_json:
        call.output.facts(report_to_json(report))
    else:
        call.output.lines(render(report))
        clean = click.style("Nothing to say", fg="green", bold=True)
        call.output.line(closing(report) if len(report) else f"{clean}.")
    return ERROR if len(report) else OK


def _found(call: Invocation) -> Report:
    try:
        return lint_project(root_of(call), call.environment)
    except InvalidProjectError as error:
        return error.report
