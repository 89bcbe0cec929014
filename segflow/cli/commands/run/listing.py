"""`segflow run list`."""

import click

from segflow.app import rules
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.run_view import listed_run, run_table


@command("list")
@click.option("--rule", metavar="NAME", help="Those of one rule alone.")
@options.limit(20)
def listing(call: Invocation, rule: str | None, limit: int) -> None:
    """List the runs of all rules, newest first.

    AUDIENCE counts whom a run was about, before the gate. MODE is live where channels sent, else
    they recorded what they would have sent. `segflow run show RUN` shows one of them.
    """
    with deployed_world(call) as world:
        found = rules.history(world, rule, limit)
    if call.output.as_json:
        call.output.facts({"runs": [listed_run(report) for report in found]})
    else:
        call.output.lines(run_table(found, with_rule=True) if found else ["Nothing ran yet."])
