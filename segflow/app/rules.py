"""Questions about rules and runs: list, show, what is next, and what was run."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from segflow.app.segments import Status, status_of
from segflow.app.wiring import World
from segflow.campaign.schedule import occurrences
from segflow.compiler.timeline import LAST
from segflow.errors import RefusedError
from segflow.executor.account import report_of
from segflow.executor.deployed import decoded, read_deployed
from segflow.executor.timing import active_bounds, rule_zone, scheduled_trigger
from segflow.loader.suggest import nearest
from segflow.model.compiled import Compiled, CompiledRule
from segflow.model.instant import Instant
from segflow.model.rule import Rule
from segflow.model.run import Run, RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRule:
    """One rule of the working tree or of the state; `status` as for segments. `next` is its next
    scheduled instant as it is written here, `last` its newest run."""

    rule: Rule
    status: Status
    next: Instant | None
    last: Run | None


def listing(world: World, compiled: Compiled) -> tuple[ListedRule, ...]:
    """Every rule of the working tree and of the state, in order of name. No source is asked."""
    deployed = read_deployed(world.state)
    found = [
        ListedRule(
            rule=one.rule,
            status=status_of(
                deployed.objects.get(one.address),
                compiled.fingerprints[one.address],
                one.definition,
            ),
            next=next(iter(upcoming(world, compiled, name, 1)), None),
            last=_last(world, name),
        )
        for name, one in compiled.rules.items()
    ]
    for address, before in deployed.objects.items():
        if address.kind == "rule" and address.name not in compiled.rules:
            gone = decoded(address, before.canonical)
            if isinstance(gone, Rule):
                last = _last(world, gone.name)
                found.append(ListedRule(rule=gone, status="deleted", next=None, last=last))
    return tuple(sorted(found, key=lambda one: one.rule.name))


def known(compiled: Compiled, name: str) -> CompiledRule:
    """The rule of the working tree. Raises RefusedError where it has none of that name."""
    if name not in compiled.rules:
        near = nearest(name, compiled.rules)
        raise RefusedError(
            f"there is no rule {name} in the files",
            hint=f"did you mean {near}?" if near else "`segflow rule list` shows them",
        )
    return compiled.rules[name]


def upcoming(world: World, compiled: Compiled, name: str, count: int) -> tuple[Instant, ...]:
    """The next instants that a rule of the working tree is scheduled for while it is active; fewer
    where it ends. Raises RefusedError for an unknown name."""
    rule = known(compiled, name).rule
    zone = rule_zone(rule, compiled)
    active = active_bounds(rule, zone)
    start = Instant(max(world.clock.now() + 1, active.start or 0))
    end = LAST if active.end is None else active.end
    return tuple(islice(occurrences(scheduled_trigger(rule), zone, start, end), count))


def history(world: World, name: str | None, limit: int | None) -> Sequence[Run]:
    """The runs of a rule, or of all, newest scheduled first; of deleted rules too."""
    return world.ledger.runs(name, limit)


def report(world: World, run: str) -> RunReport:
    """A run by its id, or by as many of its first characters as tell it apart. Raises RefusedError
    where no run, or more than one, begins so."""
    exact = world.ledger.run(run)
    found = [exact] if exact else [one for one in world.ledger.runs() if one.id.startswith(run)]
    if not run or len(found) != 1:
        which = "no run's id begins" if not found else f"the ids of {len(found):,} runs begin"
        raise RefusedError(f"{which} with {run!r}", hint="`segflow run list` shows them")
    return report_of(world.ledger, found[0])


def _last(world: World, name: str) -> Run | None:
    return next(iter(world.ledger.runs(name, 1)), None)
