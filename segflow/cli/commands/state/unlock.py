"""`segflow state unlock`."""

import click

from segflow.app import state
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.model.instant import format_instant


@command("unlock")
@click.option("--runner", is_flag=True, help="The lock of who runs the rules, the daemon mostly.")
def unlock(call: Invocation, runner: bool) -> None:
    """Break the lock of a process that is known to be dead.

    The lock runs out by itself when its holder stops; this is for those who can't wait. Should the
    holder live after all, its writes are refused from now on. There are two locks: of who writes
    the deployed state, and of who runs the rules.
    """
    with deployed_world(call) as world:
        broken = state.unlock(world, "runner" if runner else "state")
    if call.output.as_json:
        facts = None
        if broken is not None:
            facts = {
                "owner": broken.owner,
                "purpose": broken.purpose,
                "acquired_at": format_instant(broken.acquired_at),
                "expires_at": format_instant(broken.expires_at),
            }
        call.output.facts({"broken": facts})
    elif broken is None:
        call.output.line("Nobody held the lock.")
    else:
        call.output.line(
            f"Broke the lock of {broken.owner}, held for {broken.purpose} "
            f"since {format_instant(broken.acquired_at)}."
        )
