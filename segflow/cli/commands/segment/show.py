"""`segflow segment show`."""

import click

from segflow.app import segments
from segflow.cli.commands.segment.status import status_facts, why_stale
from segflow.cli.invocation import Invocation, command
from segflow.cli.session import session
from segflow.cli.tables import facts
from segflow.model.instant import format_instant
from segflow.model.wording import to_words
from segflow.model.wording_text import document


@command("show")
@click.argument("name")
def show(call: Invocation, name: str) -> None:
    """Show a segment: what it says, what it rests on, what is deployed.

    NAME is read from the files. `segflow state show segment.NAME` shows it as it was applied.
    """
    with session(call) as opened:
        segments.known(opened.compiled, name)
        found = opened.compiled.segments[name]
        (status,) = (
            one for one in segments.listing(opened.world, opened.compiled) if one.name == name
        )
        reached = [str(address) for address in opened.compiled.reached_by(found.address)]
    depends = [str(address) for address in found.depends]
    words = to_words(found.segment)
    if call.output.as_json:
        extra = {"definition": found.definition, "depends": depends, "reaches": reached}
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
