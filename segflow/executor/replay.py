"""Replay: the rules of a span of time, run one after the other as fast as they can, on a copy."""

from collections.abc import Iterator
from dataclasses import replace

from pyroaring import BitMap64

from segflow.campaign.schedule import last_occurrence
from segflow.clock import VirtualClock
from segflow.errors import GiveUpError
from segflow.executor.effects import Effects, no_progress
from segflow.executor.evaluate import Evaluator
from segflow.executor.lease import Hold
from segflow.executor.past import Past
from segflow.executor.runs.freshness import frozen_set
from segflow.executor.runs.run_rule import run_rule
from segflow.executor.runs.running import KeptAt, Running
from segflow.executor.timing import refresh_zone, rule_occurrences
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.run import RunReport
from segflow.model.segment import Cron, Every


def replay(
    running: Running,
    hold: Hold,
    compiled: Compiled,
    clock: VirtualClock,
    start: Instant,
    end: Instant,
) -> Iterator[RunReport]:
    """Run every rule for each instant in [start, end) that it is scheduled for, as a daemon that is
    never late would: `clock` stands at that instant. Raises what the state raises."""
    order = sorted(
        (instant, -rule.rule.priority, name)
        for name, rule in compiled.rules.items()
        for instant in rule_occurrences(rule.rule, compiled, start, end)
    )
    quiet = replace(running, progress=no_progress)
    for number, (instant, _, name) in enumerate(order):
        running.progress("replaying", number, len(order))
        clock.set(instant)
        report = run_rule(quiet, hold, compiled, name, instant)
        if report is None:
            raise GiveUpError(f"the replay of rule.{name} did not come to its end")
        yield report


def rehearsed_sets(effects: Effects, compiled: Compiled) -> KeptAt:
    """The sets that a daemon would have kept: of a dynamic segment its members at the newest
    instant that its refresh is scheduled for. A static one is its frozen set at every instant."""
    made: dict[tuple[str, Instant], BitMap64] = {}

    def kept(name: str, as_of: Instant) -> BitMap64 | None:
        segment = compiled.segments[name].segment
        if segment.mode == "static":
            return frozen_set(effects, name)
        refresh = segment.refresh
        if not isinstance(refresh, Every | Cron):
            return None
        zone = refresh_zone(refresh, compiled)
        instant = last_occurrence(refresh, zone, as_of)
        if instant is None:
            return None
        if (name, instant) not in made:
            past = Past(effects.state.log, effects.snapshots.get)
            sources = effects.sources(tuple(effects.state.scan_costs()))
            evaluator = Evaluator(
                compiled, instant, sources, lambda other: kept(other, instant), past
            )
            made[name, instant] = evaluator.members(name)
        return made[name, instant]

    return kept
