"""`segflow rule next`."""

import click

from segflow.app import rules
from segflow.app.rules import SHOWN
from segflow.cli.invocation import Invocation, command
from segflow.cli.rule_view import instants
from segflow.cli.session import session


@command("next")
@click.argument("name")
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(min=1),
    default=SHOWN,
    show_default=True,
    help="How many instants.",
)
def upcoming(call: Invocation, name: str, count: int) -> None:
    """List the next instants that a rule is scheduled for.

    NAME is read from the files. There are fewer where the rule is active only until some day.
    """
    with session(call) as opened:
        found = instants(rules.upcoming(opened.world, opened.compiled, name, count))
    if call.output.as_json:
        call.output.facts({"rule": name, "next": found})
    else:
        call.output.lines(found or ["It is not scheduled any more."])
