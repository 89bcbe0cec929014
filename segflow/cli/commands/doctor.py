"""`segflow doctor`: the catalog held against what its sources hold."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from segflow.app.doctor.examine import Examined, examine
from segflow.cli.diagnostics import closing, render, report_to_json, tally
from segflow.cli.failures import ERROR, OK
from segflow.cli.invocation import Invocation, command
from segflow.cli.output import counted
from segflow.cli.progress import LateBar
from segflow.cli.session import session
from segflow.diagnostics import Report


@command("doctor")
def doctor(call: Invocation) -> int:
    """Hold the catalog against what its sources hold.

    Asks every source for its tables and columns, and for a few thousand rows of each, and says what
    to do about what is not as the catalog says. Ends with 1 where there is an error; a warning is
    none. Changes nothing, and shows no value of a row.
    """
    with session(call) as opened, LateBar():
        found = examine(opened.world, opened.compiled)
    whole = Report()
    for one in found:
        whole.extend(one.report)
    if call.output.as_json:
        call.output.facts(_to_json(found, whole))
    else:
        opened.warn(call)
        call.output.lines(_lines(found))
        call.output.line(closing(whole))
    return ERROR if whole.has_errors else OK


def _lines(found: Sequence[Examined]) -> Iterator[str]:
    """The sources, each with what was found in it."""
    for one in found:
        name = click.style(f"source.{one.source.name}", bold=True)
        yield f"{name} ({one.source.engine}): {_verdict(one.report)}"
        if len(one.report):
            yield ""
            yield from render(one.report)


def _verdict(report: Report) -> str:
    if not len(report):
        return click.style("ok", fg="green", bold=True)
    errors, warnings = tally(report)
    return f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"


def _to_json(found: Sequence[Examined], whole: Report) -> dict[str, Any]:
    """The head of what validate prints, and its diagnostics by source."""
    facts = report_to_json(whole)
    del facts["diagnostics"]
    sources = [
        {
            "source": one.source.name,
            "engine": one.source.engine,
            "error_count": (told := report_to_json(one.report))["error_count"],
            "warning_count": told["warning_count"],
            "diagnostics": told["diagnostics"],
        }
        for one in found
    ]
    return {**facts, "sources": sources}
