"""`segflow rule list`."""

from segflow.app import rules
from segflow.cli.invocation import Invocation, command
from segflow.cli.rule_view import last_words, listed_facts, schedule
from segflow.cli.session import session
from segflow.cli.tables import columns
from segflow.model.instant import format_instant


@command("list")
def listing(call: Invocation) -> None:
    """List the rules of the files and of the deployed state.

    STATUS says how the two compare: deployed as written here, changed here, new here, or deleted
    here but still deployed. NEXT is the next instant that the schedule written here gives; only
    what is deployed runs. LAST is the newest run.
    """
    with session(call) as opened:
        found = rules.listing(opened.world, opened.compiled)
        zone = opened.compiled.project.settings.timezone
    if call.output.as_json:
        call.output.facts({"rules": [listed_facts(one, zone) for one in found]})
        return
    head = ("NAME", "SEGMENT", "STATUS", "SCHEDULE", "NEXT", "LAST", "OWNER")
    rows = [
        (
            one.rule.name,
            one.rule.segment,
            one.status,
            schedule(one.rule, zone),
            None if one.next is None else format_instant(one.next),
            last_words(one.last),
            one.rule.owner,
        )
        for one in found
    ]
    call.output.lines(columns(head, rows) if rows else ["There are no rules yet."])
