"""`segflow refresh`: evaluates what is deployed again."""

from typing import Any

import click

from segflow.app.refresh import Refreshed
from segflow.app.refresh import refresh as refresh_deployed
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.failures import ERROR, OK
from segflow.cli.invocation import Invocation, command
from segflow.cli.output import counted
from segflow.cli.progress import LateBar
from segflow.cli.tables import columns
from segflow.cli.waiting import lock_timeout_option, when_free
from segflow.model.instant import Instant, format_instant


@command("refresh")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@options.as_of
@lock_timeout_option
def refresh(
    call: Invocation, names: tuple[str, ...], as_of: Instant | None, lock_timeout: float
) -> int:
    """Bring deployed segments up to date.

    Evaluates the segments called NAME, or every dynamic one, as they were applied; the files are
    not read. A static segment is frozen anew only when it is named. All are judged at one instant:
    now, or the latest that all their sources have reached.
    """
    with deployed_world(call) as world, LateBar() as bar:
        found = when_free(call, lock_timeout, lambda: refresh_deployed(world, names, as_of, bar))
    if call.output.as_json:
        call.output.facts({"segments": [_facts(one) for one in found]})
    else:
        _show(call, found)
    return ERROR if any(one.error is not None for one in found) else OK


def _show(call: Invocation, found: tuple[Refreshed, ...]) -> None:
    done = [one for one in found if one.error is None and one.kept is None]
    failed = [one for one in found if one.error is not None]
    if done:
        head = ("SEGMENT", "AS OF", "SIZE", "ENTERED", "LEFT")
        rows = [
            (one.segment, format_instant(one.as_of), one.size, one.entered, one.left)
            for one in done
        ]
        call.output.lines(columns(head, rows))
    for by in sorted({one.held_back_by for one in done if one.held_back_by is not None}):
        call.output.note(f"{by} has come no further than {format_instant(done[0].as_of)}.")
    for one in found:
        if one.kept is not None:
            call.output.note(f"{one.segment} was kept as it is: {one.kept}")
    for one in failed:
        call.output.error(f"{one.segment} was not refreshed: {one.error}")
    if not found:
        call.output.line("There is no dynamic segment to refresh.")
    elif failed:
        call.output.note(f"{counted(len(failed), 'segment')} kept the members of before.")


def _facts(one: Refreshed) -> dict[str, Any]:
    return {
        "segment": one.segment,
        "as_of": format_instant(one.as_of),
        "size": one.size,
        "entered": one.entered,
        "left": one.left,
        "error": one.error,
        "kept": one.kept,
        "held_back_by": one.held_back_by,
    }
