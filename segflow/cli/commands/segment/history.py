"""`segflow segment history`."""

import click

from segflow.app import segments
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.tables import columns
from segflow.model.instant import format_instant


@command("history")
@click.argument("name")
def history(call: Invocation, name: str) -> None:
    """List what the log says about a segment's members.

    One line per refresh and cause, oldest first: `definition` for an apply that changed the
    segment, `data` for what happened since, `deleted` for an apply that deleted it. A segment that
    came again goes on below.
    """
    with deployed_world(call) as world:
        log = segments.history(world, name)
        deleted = segments.deletions(world, name, log)
    size = 0
    rows = []
    for entry in log:
        size += entry.entered - entry.exited
        rows.append((entry, size))
    if call.output.as_json:
        entries = [
            {
                "sequence": entry.sequence,
                "as_of": format_instant(entry.as_of),
                "cause": entry.cause,
                "deleted": entry.sequence in deleted,
                "entered": entry.entered,
                "left": entry.exited,
                "size": size,
                "definition": entry.definition,
            }
            for entry, size in rows
        ]
        call.output.facts({"segment": name, "entries": entries})
        return
    head = ("AS OF", "CAUSE", "ENTERED", "LEFT", "SIZE")
    call.output.lines(
        columns(
            head,
            [
                (
                    format_instant(entry.as_of),
                    "deleted" if entry.sequence in deleted else entry.cause,
                    entry.entered,
                    entry.exited,
                    size,
                )
                for entry, size in rows
            ],
        )
    )
