"""`segflow show`: a saved plan."""

from pathlib import Path

import click

from segflow.cli.invocation import Invocation, command
from segflow.cli.plan_view import read_plan, show_plan


@command("show", in_project=False)
@click.argument("planfile", type=click.Path(path_type=Path))
def show(call: Invocation, planfile: Path) -> None:
    """Show a saved plan.

    PLANFILE is what `segflow plan --out` wrote. Neither a project nor a state is needed.
    """
    show_plan(call.output, read_plan(planfile))
