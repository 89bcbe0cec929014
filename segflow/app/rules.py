"""Questions about rules and runs: list, show, what is next, and what was run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segflow.app.segments import Status, status_of
from segflow.app.wiring import World
from segflow.campaign.schedule import next_runs, zone_name
from segflow.errors import NotDeployedError, RefusedError
from segflow.executor.deployed import Deployed, decoded, read_deployed
from segflow.executor.runs.account import report_of
from segflow.executor.runs.judge import arms_of, is_coupon
from segflow.executor.runs.running import run_id
from segflow.executor.timing import known_zone, scheduled_trigger
from segflow.loader.suggest import nearest
from segflow.model.address import Address
from segflow.model.compiled import Compiled, CompiledRule
from segflow.model.instant import Instant
from segflow.model.rule import HOLDOUT, Rule
from segflow.model.run import Run, RunReport, SendStatus, Stock

SHOWN = 5
"""How many instants to come, and how many runs, belong to the picture of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRule:
    """One rule of the working tree or of the state; `status` as for segments. `next` is its next
    scheduled instant as it is written here (of a deleted one, as it is deployed), `last` its newest
    run."""

    rule: Rule
    status: Status
    next: Instant | None
    last: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmShare:
    """An arm, the part of the audience that falls into it (0 to 1), and the channels that it is
    sent through; none for the holdout."""

    name: str
    share: float
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedChannel:
    """A channel that a rule sends through; `live` where it really sends in this environment."""

    name: str
    kind: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRule:
    """A rule of the working tree, and what the state knows of it. `depends` are its segment and all
    that it sends by. `coupons_given` counts the codes that all its runs reserved or gave away; None
    where it gives none."""

    rule: CompiledRule
    listed: ListedRule
    depends: tuple[Address, ...]
    arms: tuple[ArmShare, ...]
    channels: tuple[UsedChannel, ...]
    stocks: tuple[Stock, ...]
    coupons_given: int | None
    upcoming: tuple[Instant, ...]
    runs: Sequence[RunReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCount:
    """How many sends of a run through one channel have one status."""

    channel: str
    status: SendStatus
    count: int


# --- rules -----------------------------------------------------------------------------------


def listing(world: World, compiled: Compiled) -> tuple[ListedRule, ...]:
    """Every rule of the working tree and of the state, in order of name. No source is asked."""
    deployed = read_deployed(world.state)
    found = [_listed(world, compiled, deployed, one) for one in compiled.rules.values()]
    for address, before in deployed.objects.items():
        if address.kind == "rule" and address.name not in compiled.rules:
            gone = decoded(address, before.canonical)
            if isinstance(gone, Rule):
                found.append(_deleted(world, deployed, gone))
    return tuple(sorted(found, key=lambda one: one.rule.name))


def show(world: World, compiled: Compiled, name: str) -> ShownRule:
    """One rule of the working tree. No source is asked. Raises RefusedError for an unknown name."""
    found = known(world, compiled, name)
    rule = found.rule
    actions = rule.actions()
    coupons = [action for action in actions if is_coupon(compiled, action)]
    offers = dict.fromkeys(action.offer for action in coupons if action.offer is not None)
    return ShownRule(
        rule=found,
        listed=_listed(world, compiled, read_deployed(world.state), found),
        depends=compiled.depends[found.address],
        arms=_shares(rule),
        channels=_channels(world, compiled, dict.fromkeys(action.channel for action in actions)),
        stocks=tuple(world.ledger.stock(offer) for offer in offers),
        coupons_given=world.ledger.coupons_given(name, None, None) if coupons else None,
        upcoming=upcoming(world, compiled, name, SHOWN),
        runs=_ended(world, world.ledger.runs(name, SHOWN)),
    )


def known(world: World, compiled: Compiled, name: str) -> CompiledRule:
    """The rule of the working tree. Raises RefusedError where it has none of that name."""
    if name not in compiled.rules:
        if world.state.deployed([Address("rule", name)]):
            raise RefusedError(
                f"rule.{name} is deployed, but not in the files any more",
                hint=f"it runs until an apply deletes it; see `segflow rule history {name}`",
            )
        near = nearest(name, compiled.rules)
        raise RefusedError(
            f"there is no rule {name} in the files",
            hint=f"did you mean {near}?" if near else "`segflow rule list` shows them",
        )
    return compiled.rules[name]


def upcoming(world: World, compiled: Compiled, name: str, count: int) -> tuple[Instant, ...]:
    """The next instants that a rule of the working tree is scheduled for while it is active; fewer
    where it ends. Raises RefusedError for an unknown name."""
    rule = known(world, compiled, name).rule
    return _to_come(world, rule, compiled.project.settings.timezone, count)


def _to_come(world: World, rule: Rule, timezone: str, count: int) -> tuple[Instant, ...]:
    """The next instants of a rule of a project in that time zone."""
    trigger, now = scheduled_trigger(rule), Instant(world.clock.now())
    return next_runs(rule, trigger, known_zone(zone_name(trigger, timezone)), now, count)


# --- runs ------------------------------------------------------------------------------------


def history(world: World, name: str | None, limit: int | None) -> Sequence[RunReport]:
    """The runs of a rule, or of all, newest scheduled first, with their buckets alone; also of a
    rule that was deleted since.

    Raises NotDeployedError for a rule that is not deployed and never ran.
    """
    found = world.ledger.runs(name, limit)
    if name is not None and not found:
        _refuse_unheard_of(world, Address("rule", name))
    return _ended(world, found)


def run_of(world: World, name: str, scheduled: Instant) -> Run | None:
    """The run of a rule for a scheduled instant; None where it has none."""
    return world.ledger.run(run_id(name, scheduled))


def report(world: World, run: str) -> RunReport:
    """A run by its id, or by as many of its first characters as tell it apart. Raises RefusedError
    where no run, or more than one, begins so."""
    exact = world.ledger.run(run)
    found = [exact] if exact else world.ledger.runs_called(run)
    if not run or len(found) != 1:
        which = "no run's id begins" if not found else f"the ids of {len(found):,} runs begin"
        raise RefusedError(f"{which} with {run!r}", hint="`segflow run list` shows them")
    return report_of(world.ledger, found[0])


def sends(world: World, run: str) -> tuple[SendCount, ...]:
    """How the sends of a run stand, in order of channel and status."""
    counts = Counter((send.channel, send.status) for send in world.ledger.sends(run))
    return tuple(
        SendCount(channel=channel, status=status, count=count)
        for (channel, status), count in sorted(counts.items())
    )


# --- how it is done --------------------------------------------------------------------------


def _listed(world: World, compiled: Compiled, deployed: Deployed, one: CompiledRule) -> ListedRule:
    name = one.rule.name
    return ListedRule(
        rule=one.rule,
        status=status_of(one.address, deployed, compiled),
        next=next(iter(upcoming(world, compiled, name, 1)), None),
        last=_last(world, name),
    )


def _deleted(world: World, deployed: Deployed, rule: Rule) -> ListedRule:
    """A rule that is not in the files any more: it runs until an apply deletes it."""
    timezone = "UTC" if deployed.version is None else deployed.version.timezone
    return ListedRule(
        rule=rule,
        status="deleted",
        next=next(iter(_to_come(world, rule, timezone, 1)), None),
        last=_last(world, rule.name),
    )


def _ended(world: World, runs: Sequence[Run]) -> Sequence[RunReport]:
    """For lists, in which nobody sees exposures and coupons: they are not read."""
    return [RunReport(run=run, buckets=tuple(world.ledger.buckets(run.id))) for run in runs]


def _last(world: World, name: str) -> Run | None:
    return next(iter(world.ledger.runs(name, 1)), None)


def _shares(rule: Rule) -> tuple[ArmShare, ...]:
    held_out = float(rule.holdout) / 100
    weights = {variant.name: variant.weight for variant in rule.variants}
    whole = sum(weights.values()) or 1
    found = [ArmShare(name=HOLDOUT, share=held_out, channels=())] if held_out else []
    for arm, actions in arms_of(rule).items():
        channels = tuple(dict.fromkeys(action.channel for action in actions))
        share = (1 - held_out) * weights.get(arm, 1) / whole
        found.append(ArmShare(name=arm, share=share, channels=channels))
    return tuple(found)


def _channels(world: World, compiled: Compiled, names: Iterable[str]) -> tuple[UsedChannel, ...]:
    channels = (compiled.project.channel(name) for name in names)
    return tuple(
        UsedChannel(name=one.name, kind=one.kind, live=world.channels.is_live(one))
        for one in channels
        if one is not None
    )


def _refuse_unheard_of(world: World, address: Address) -> None:
    deployed = {} if world.state.version() is None else world.state.fingerprints()
    if address not in deployed:
        near = nearest(address.name, [one.name for one in deployed if one.kind == "rule"])
        raise NotDeployedError(
            f"{address} is not deployed, and never ran",
            hint=f"did you mean {near}?" if near else "`segflow rule list` shows what is",
        )
