"""`segflow segment explain`."""

from collections.abc import Iterator
from typing import Any

import click

from segflow.app import segments
from segflow.cli import options
from segflow.cli.invocation import Invocation, command
from segflow.cli.keys import shown
from segflow.cli.progress import LateBar
from segflow.cli.session import session
from segflow.cli.trace_view import deadline_facts, deadline_lines, tree, tree_facts
from segflow.compiler.trace import Trace
from segflow.model.instant import Instant, format_instant


@command("explain")
@click.argument("name")
@click.option(
    "--key",
    metavar="ID",
    required=True,
    help="The key of the one to explain.",
)
@options.as_of
def explain(call: Invocation, name: str, key: str, as_of: Instant | None) -> None:
    """Say why somebody is in a segment, or is not, and when that changes by itself.

    Shows the condition as a tree with what each part came to for the user with the key ID, and
    until when it stays so if nothing happens. NAME is read from the files; nothing needs to be
    deployed.
    """
    with session(call) as opened, LateBar():
        segments.known(opened.compiled, name)
        entity = opened.compiled.entity_of(name)
        wanted = options.key_of(key, entity.key_type)
        trace = segments.explain(opened.world, opened.compiled, name, wanted, as_of)
    if call.output.as_json:
        call.output.facts(_facts(trace))
    else:
        call.output.lines(_lines(trace, entity.name))


def _lines(trace: Trace, entity: str) -> Iterator[str]:
    verdict = "is" if trace.member else "is not"
    user = f"{entity} {shown(trace.key)}"
    yield click.style(
        f"{user} {verdict} in {trace.segment} as of {format_instant(trace.as_of)}.", bold=True
    )
    if trace.root is None:
        yield f"Nothing is known of {user}: the population does not have the key."
    elif not trace.exists:
        yield f"{user} does not exist at that instant{_beginning(trace)}."
    if trace.deadline is not None:
        yield from deadline_lines(trace.deadline, trace.member)
    if trace.population is not None:
        yield ""
        yield "population"
        yield from tree(trace.population, 1)
    if trace.root is not None:
        yield ""
        yield from tree(trace.root)


def _beginning(trace: Trace) -> str:
    return "" if trace.since is None else f": it begins at {format_instant(trace.since)}"


def _facts(trace: Trace) -> dict[str, Any]:
    return {
        "segment": trace.segment,
        "key": str(trace.key),
        "as_of": format_instant(trace.as_of),
        "member": trace.member,
        "exists": trace.exists,
        "since": None if trace.since is None else format_instant(trace.since),
        "population": None if trace.population is None else tree_facts(trace.population),
        "because": None if trace.root is None else tree_facts(trace.root),
        "changes": None if trace.deadline is None else deadline_facts(trace.deadline),
    }
