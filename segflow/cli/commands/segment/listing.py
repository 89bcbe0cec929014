"""`segflow segment list`."""

from segflow.app import segments
from segflow.cli.commands.segment.status import status_facts, why_stale
from segflow.cli.invocation import Invocation, command
from segflow.cli.session import session
from segflow.cli.tables import columns
from segflow.model.instant import format_instant


@command("list")
def listing(call: Invocation) -> None:
    """List the segments of the files and of the deployed state.

    STATUS says how the two compare: deployed as written here, changed here, new here, or deleted
    here but still deployed. SIZE is that of the last snapshot, at the instant AS OF. Which segments
    are stale, since a refresh has failed, stands below with the reason.
    """
    with session(call) as opened:
        found = segments.listing(opened.world, opened.compiled)
    if call.output.as_json:
        call.output.facts({"segments": [status_facts(one) for one in found]})
        return
    head = ("NAME", "ENTITY", "MODE", "STATUS", "SIZE", "AS OF", "DESCRIPTION")
    rows = [
        (
            one.name,
            one.entity,
            one.mode,
            one.status,
            one.size,
            None if one.as_of is None else format_instant(one.as_of),
            one.description,
        )
        for one in found
    ]
    if rows:
        call.output.lines(columns(head, rows, call.output.width))
        stale = ((one.name, one.stale) for one in found if one.stale is not None)
        call.output.lines(f"segment.{name} is stale: {why_stale(why)}" for name, why in stale)
    else:
        call.output.line("There are no segments yet.")
