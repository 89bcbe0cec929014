"""`segflow segment count`."""

import click

from segflow.app import segments
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.progress import LateBar
from segflow.cli.session import session
from segflow.model.instant import Instant, format_instant


@command("count")
@click.argument("name")
@options.as_of
@options.recorded_at
def count(call: Invocation, name: str, as_of: Instant | None, recorded_at: Instant | None) -> None:
    """Count the members of a segment.

    NAME is read from the files and evaluated at --as-of; nothing needs to be deployed. With
    --recorded-at the log of what was deployed is asked instead.
    """
    options.refuse_both(**{"--as-of": as_of, "--recorded-at": recorded_at})
    if recorded_at is not None:
        _recorded(call, name, recorded_at)
        return
    with session(call) as opened, LateBar():
        found = segments.count(opened.world, opened.compiled, name, as_of)
    if call.output.as_json:
        call.output.facts(
            {"segment": name, "as_of": format_instant(found.as_of), "count": found.count}
        )
    else:
        call.output.line(f"{found.count:,}")


def _recorded(call: Invocation, name: str, at: Instant) -> None:
    with deployed_world(call) as world:
        found = segments.recorded(world, name, at)
    if call.output.as_json:
        call.output.facts(
            {
                "segment": name,
                "recorded_at": format_instant(at),
                "as_of": format_instant(found.as_of),
                "count": found.count,
            }
        )
    else:
        call.output.line(f"{found.count:,}")
