"""`segflow state list`."""

from segflow.app import state
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.tables import columns


@command("list")
def listing(call: Invocation) -> None:
    """List every deployed object."""
    with deployed_world(call) as world:
        found = state.listing(world)
    if call.output.as_json:
        call.output.facts(
            {
                "objects": [
                    {
                        "address": str(one.address),
                        "fingerprint": one.fingerprint,
                        "definition": one.definition,
                    }
                    for one in found
                ]
            }
        )
    elif found:
        rows = [(str(one.address), one.fingerprint[:12]) for one in found]
        call.output.lines(columns(("ADDRESS", "FINGERPRINT"), rows))
    else:
        call.output.line("Nothing is deployed yet.")
