"""`segflow run show`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from segflow.app import rules
from segflow.app.rules import SendCount
from segflow.cli import options
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.pictures import draw
from segflow.cli.run_view import account, coupon_line, report_facts, run_lines
from segflow.cli.tables import columns, facts
from segflow.model.instant import format_instant
from segflow.model.run import RunReport


@command("show")
@click.argument("run")
@options.picture
def show(call: Invocation, run: str, picture: Path | None) -> None:
    """Show a run: where its users ended and why, and what was sent.

    RUN is its id, or as much of the beginning as tells it apart. The buckets add up to the
    audience. Exposures count, for each arm, those who passed every step of the gate.
    """
    with deployed_world(call) as world:
        found = rules.report(world, run)
        sends = rules.sends(world, found.run.id)
    if picture is not None:
        draw(call, picture, [found])
    if call.output.as_json:
        call.output.facts(_facts(found, sends, picture))
    else:
        call.output.lines(_lines(found, sends))


def _lines(found: RunReport, sends: Sequence[SendCount]) -> Iterator[str]:
    yield from run_lines(found.run)
    if told := account(found):
        yield from ("", *told)
    if found.exposures:
        yield ""
        rows = [(one.arm, one.count, format_instant(one.at)) for one in found.exposures]
        yield from columns(("ARM", "EXPOSED", "AT"), rows)
    if sends:
        yield ""
        counts = [(one.channel, one.status, one.count) for one in sends]
        yield from columns(("CHANNEL", "STATUS", "SENDS"), counts)
    if (coupons := coupon_line(found.coupons)) is not None:
        yield ""
        yield from facts([("coupons", coupons)])


def _facts(found: RunReport, sends: Sequence[SendCount], picture: Path | None) -> dict[str, Any]:
    told = report_facts(found) | {
        "epoch": found.run.epoch,
        "definition": found.run.definition,
        "sends": [
            {"channel": one.channel, "status": one.status, "count": one.count} for one in sends
        ],
    }
    return told if picture is None else told | {"picture": str(picture)}
