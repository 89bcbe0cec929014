"""`segflow compile`: the query that a segment becomes."""

import click

from segflow.app.query import render_query
from segflow.app.segments import instant_or_now
from segflow.cli import options
from segflow.cli.invocation import Invocation, command
from segflow.cli.session import session
from segflow.model.instant import Instant, format_instant


@command("compile")
@click.argument("name")
@click.option(
    "--engine",
    metavar="E",
    help="The engine to write the query for.  [default: that of the segment's source]",
)
@options.as_of
def compile_segment(call: Invocation, name: str, engine: str | None, as_of: Instant | None) -> None:
    """Print the query that a segment becomes.

    NAME is read from the files, and nothing is run. Relative times stand in the query as the
    instants that they are at --as-of.
    """
    with session(call) as opened:
        instant = instant_or_now(opened.world, as_of)
        query = render_query(opened.world, opened.compiled, name, engine, instant)
    if call.output.as_json:
        call.output.facts({"segment": name, "as_of": format_instant(instant), "query": query})
    else:
        call.output.line(query)
