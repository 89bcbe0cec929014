"""`segflow rule show`."""

from collections.abc import Iterator
from typing import Any

import click

from segflow.app import rules
from segflow.app.rules import ArmShare, ShownRule, UsedChannel
from segflow.cli.invocation import Invocation, command
from segflow.cli.rule_view import instants, listed_facts, schedule
from segflow.cli.run_view import listed_run, run_table
from segflow.cli.session import session
from segflow.cli.tables import facts
from segflow.model.run import Stock
from segflow.model.wording import to_words
from segflow.model.wording_text import document


@command("show")
@click.argument("name")
def show(call: Invocation, name: str) -> None:
    """Show a rule: what it says, who gets what through which channels, when it runs and ran.

    NAME is read from the files. A channel is live where it sends in this environment; elsewhere it
    records what it would send. `segflow state show rule.NAME` shows the rule as it was applied.
    """
    with session(call) as opened:
        found = rules.show(opened.world, opened.compiled, name)
        zone = opened.compiled.project.settings.timezone
    if call.output.as_json:
        call.output.facts(_facts(found, zone))
    else:
        call.output.lines(_lines(found, zone))


def _lines(found: ShownRule, zone: str) -> Iterator[str]:
    yield from document(to_words(found.rule.rule)).splitlines()
    yield ""
    yield from facts(
        (
            ("status", found.listed.status),
            ("schedule", schedule(found.rule.rule, zone)),
            ("next", ", ".join(instants(found.upcoming)) or None),
            ("arms", ", ".join(map(_arm, found.arms))),
            ("channels", ", ".join(map(_channel, found.channels)) or None),
            ("codes", ", ".join(map(_stock, found.stocks)) or None),
            ("given by it", found.coupons_given),
            ("rests on", ", ".join(map(str, found.depends))),
            ("definition", found.rule.definition),
        )
    )
    if found.runs:
        yield ""
        yield from run_table(found.runs, with_rule=False)


def _arm(arm: ArmShare) -> str:
    return f"{arm.name} {arm.share * 100:.4g}%"


def _channel(channel: UsedChannel) -> str:
    return f"{channel.name} ({channel.kind}, {'live' if channel.live else 'records'})"


def _stock(stock: Stock) -> str:
    return f"{stock.free:,} of {stock.offer} free"


def _facts(found: ShownRule, zone: str) -> dict[str, Any]:
    return {
        **listed_facts(found.listed, zone),
        "upcoming": instants(found.upcoming),
        "arms": [
            {"arm": arm.name, "share": round(arm.share, 9), "channels": list(arm.channels)}
            for arm in found.arms
        ],
        "channels": [
            {"channel": one.name, "kind": one.kind, "live": one.live} for one in found.channels
        ],
        "codes": [
            {"offer": one.offer, "free": one.free, "reserved": one.reserved, "given": one.committed}
            for one in found.stocks
        ],
        "coupons_given": found.coupons_given,
        "depends": [str(address) for address in found.depends],
        "definition": found.rule.definition,
        "runs": [listed_run(report) for report in found.runs],
        "object": to_words(found.rule.rule),
    }
