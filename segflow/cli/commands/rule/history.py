"""`segflow rule history`."""

import click

from segflow.app import rules
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.run_view import listed_run, run_table


@command("history")
@click.argument("name")
@options.limit()
def history(call: Invocation, name: str, limit: int | None) -> None:
    """List the runs of a rule, newest first.

    Also those of a rule that was deleted. `segflow run show RUN` shows one of them.
    """
    with deployed_world(call) as world:
        found = rules.history(world, name, limit)
    if call.output.as_json:
        call.output.facts({"rule": name, "runs": [listed_run(report) for report in found]})
    else:
        call.output.lines(run_table(found, with_rule=False) if found else ["It never ran."])
