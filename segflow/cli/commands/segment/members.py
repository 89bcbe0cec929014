"""`segflow segment members`."""

from pathlib import Path

import click

from segflow.app import segments
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.files import write_whole
from segflow.cli.invocation import Invocation, command
from segflow.cli.keys import in_order, lines_of, to_bytes
from segflow.cli.output import counted
from segflow.cli.progress import LateBar
from segflow.cli.session import session
from segflow.model.instant import Instant, format_instant
from segflow.ports import Keys


@command("members")
@click.argument("name")
@options.as_of
@options.recorded_at
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the keys to FILE: .csv and .parquet by its name, else one key per line.",
)
def members(
    call: Invocation,
    name: str,
    as_of: Instant | None,
    recorded_at: Instant | None,
    out: Path | None,
) -> None:
    """List the members of a segment.

    Prints one key per line, in order. NAME is read from the files and evaluated at --as-of;
    nothing needs to be deployed. With --recorded-at the log of what was deployed is asked instead.
    """
    options.refuse_both(**{"--as-of": as_of, "--recorded-at": recorded_at})
    if recorded_at is None:
        facts, found, column = _evaluated(call, name, as_of)
    else:
        facts, found, column = _recorded(call, name, recorded_at)
    if out is not None:
        write_whole(out, to_bytes(found, out.suffix, column))
        facts["out"] = str(out)
    elif call.output.as_json:
        facts["members"] = [str(key) for key in in_order(found)]
    if call.output.as_json:
        call.output.facts(facts)
    elif out is not None:
        call.output.note(f"Wrote {counted(len(found), 'key')} to {out}.")
    else:
        call.output.lines(lines_of(found))


def _evaluated(
    call: Invocation, name: str, as_of: Instant | None
) -> tuple[dict[str, object], Keys, str]:
    """The facts, the members, and the name of the column that holds the entity's key."""
    with session(call) as opened, LateBar():
        instant = segments.instant_or_now(opened.world, as_of)
        found = segments.members(opened.world, opened.compiled, name, instant)
        column = opened.compiled.entity_of(name).population.key
    facts = {"segment": name, "as_of": format_instant(instant), "count": len(found)}
    return facts, found, column


def _recorded(call: Invocation, name: str, at: Instant) -> tuple[dict[str, object], Keys, str]:
    with deployed_world(call) as world:
        known = segments.recorded(world, name, at)
        found = segments.recorded_members(world, name, at)
    facts = {
        "segment": name,
        "recorded_at": format_instant(at),
        "as_of": format_instant(known.as_of),
        "count": len(found),
    }
    return facts, found, "key"
