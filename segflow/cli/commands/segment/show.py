"""`segflow segment show`."""

from collections.abc import Sequence
from typing import Any

import click

from segflow.app import segments
from segflow.cli.commands.segment.status import status_facts, why_stale
from segflow.cli.invocation import Invocation, command
from segflow.cli.output import counted
from segflow.cli.session import session
from segflow.cli.tables import Cell, columns, facts
from segflow.model.cost import Cost
from segflow.model.instant import format_instant
from segflow.model.wording import to_words
from segflow.model.wording_cost import duration, question_facts
from segflow.model.wording_text import document

UNKNOWN = "unknown"
"""What stands for a number that the source does not tell."""


@command("show")
@click.argument("name")
def show(call: Invocation, name: str) -> None:
    """Show a segment: what it says and rests on, what is deployed and what it cost.

    NAME is read from the files. `segflow state show segment.NAME` shows it as it was applied.
    """
    with session(call) as opened:
        segments.known(opened.compiled, name)
        found = opened.compiled.segments[name]
        (status,) = (
            one for one in segments.listing(opened.world, opened.compiled) if one.name == name
        )
        costs = opened.world.state.costs().get(name)
        reached = [str(address) for address in opened.compiled.reached_by(found.address)]
    depends = [str(address) for address in found.depends]
    words = to_words(found.segment)
    if call.output.as_json:
        extra = {
            "definition": found.definition,
            "depends": depends,
            "reaches": reached,
            "costs": None if costs is None else list(map(_cost_facts, costs)),
        }
        call.output.facts({**status_facts(status), **extra, "object": words})
        return
    as_of = None if status.as_of is None else format_instant(status.as_of)
    call.output.lines(document(words).splitlines())
    call.output.line()
    call.output.lines(
        facts(
            (
                ("rests on", ", ".join(depends)),
                ("reaches", ", ".join(reached) or None),
                ("status", status.status),
                ("size", status.size),
                ("as of", as_of),
                ("stale", None if status.stale is None else why_stale(status.stale)),
                ("definition", found.definition),
            )
        )
    )
    if costs is not None:
        call.output.line()
        call.output.lines(_cost_table(costs))


def _cost_facts(cost: Cost) -> dict[str, Any]:
    return {**question_facts(cost.question), "ids": cost.ids}


def _cost_table(costs: Sequence[Cost]) -> list[str]:
    """What the last refresh asked each source; others may have shared a question."""
    head = ("ASKED", "ENGINE", "FOR", "TOOK", "IDS", "ROWS READ", "BYTES READ", "TABLES")
    return columns(head, map(_cost_row, costs))


def _cost_row(cost: Cost) -> Sequence[Cell]:
    asked = cost.question
    return (
        f"source.{asked.source}",
        asked.engine,
        counted(asked.segments, "segment"),
        duration(asked.microseconds),
        cost.ids,
        _known(asked.rows_read),
        _known(asked.bytes_read),
        ", ".join(asked.tables) or UNKNOWN,
    )


def _known(number: int | None) -> Cell:
    return UNKNOWN if number is None else number
