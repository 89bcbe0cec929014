"""`segflow compile`: the queries that a segment becomes."""

from collections.abc import Iterator
from textwrap import indent

import click

from segflow.app.query import PartQuery, Routing, routing
from segflow.app.segments import instant_or_now
from segflow.cli import options
from segflow.cli.invocation import Invocation, command
from segflow.cli.output import counted
from segflow.cli.session import session
from segflow.model.instant import Instant, format_instant


@command("compile")
@click.argument("name")
@click.option(
    "--engine",
    metavar="E",
    help="Print only the queries for this engine.  [default: those for all that are asked]",
)
@click.option("--explain", is_flag=True, help="Say, too, which source is asked what, and why.")
@options.as_of
def compile_segment(
    call: Invocation, name: str, engine: str | None, explain: bool, as_of: Instant | None
) -> None:
    """Print the queries that a segment becomes, one per source.

    NAME is read from the files, and nothing is run. Relative times stand in the queries as the
    instants that they are at --as-of.
    """
    with session(call) as opened:
        instant = instant_or_now(opened.world, as_of)
        found = routing(opened.world, opened.compiled, name, engine, instant)
    if call.output.as_json:
        alone = found.parts[0].query if found.meet is None else None
        call.output.facts(
            {
                "segment": name,
                "as_of": format_instant(instant),
                "query": alone,
                "parts": [
                    {
                        "name": part.name,
                        "source": part.source,
                        "engine": part.engine,
                        "people": part.people,
                        "asks": part.asks,
                        "because": part.because,
                        "query": part.query,
                    }
                    for part in found.parts
                ],
                "meet": found.meet,
            }
        )
        return
    for line in _explained(name, found) if explain else _queries(found):
        call.output.line(line)


def _queries(found: Routing) -> Iterator[str]:
    for part in found.parts:
        if found.meet is not None:
            yield f"-- {part.name}: source.{part.source} ({part.engine})"
        yield part.query
    if found.meet is not None:
        yield f"-- members: {found.meet}"


def _explained(name: str, found: Routing) -> Iterator[str]:
    yield f"segment.{name} is read from {counted(found.sources, 'source')}"
    for part in found.parts:
        yield ""
        yield from _part(part)
    if found.meet is not None:
        yield ""
        yield f"members: {found.meet}"


_WHOSE = {
    "own": "those of its population",
    "mentioned": "those that its tables mention",
    "sent": "those of the population, whose keys it is given,",
}


def _part(part: PartQuery) -> Iterator[str]:
    yield f"{part.name}: source.{part.source} ({part.engine}), which {part.because}"
    yield f"  asked for {_WHOSE[part.people]} with"
    yield f"    {part.asks}"
    yield "  by"
    yield indent(part.query, "    ")
