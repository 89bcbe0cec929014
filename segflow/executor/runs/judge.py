"""The gate's facts, read from ledger and sources, and what it decided, as records to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from pyroaring import BitMap64

from segflow.campaign.budget import Spent, day_of, remaining
from segflow.campaign.caps import at_cap, window
from segflow.campaign.gate import GateDecision, GateFacts, Need, decide
from segflow.executor.evaluate import Evaluator
from segflow.executor.past import Past
from segflow.executor.runs.running import Running
from segflow.executor.timing import rule_zone
from segflow.experiments.assignment import Arm, assign, epoch
from segflow.membership.bitmaps import from_bytes, to_bytes
from segflow.membership.ordinals import ordinals
from segflow.model.compiled import Compiled, CompiledRule
from segflow.model.instant import Instant
from segflow.model.predicate import Consent
from segflow.model.rule import Action, Cap, Rule
from segflow.model.run import BucketRecord, Decision, ExposureRecord, Run
from segflow.ports import SnapshotStore

TO_SEND = "to_send"
"""The bucket, in a decision, of those who passed the gate."""

PASSED = "passed the gate"

ONLY_ARM = "all"
"""The arm of a rule without variants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """Who is who at the instant of sending: everybody, those who are still in the audience, and
    those who have consented; None where the rule asks for no consent."""

    population: BitMap64
    members: BitMap64
    consented: BitMap64 | None


def arms_of(rule: Rule) -> Mapping[str, tuple[Action, ...]]:
    """What each arm is sent, by name; the holdout is not among them."""
    if rule.variants:
        return {variant.name: variant.send for variant in rule.variants}
    return {ONLY_ARM: rule.send}


def epoch_of(rule: Rule) -> str:
    """The short name of the shares in force."""
    return epoch(rule.holdout, _arms(rule))


def eligible_at(running: Running, compiled: Compiled, rule: CompiledRule, at: Instant) -> Eligible:
    """The population and the audience of a rule at an instant. Raises as Evaluator does."""
    evaluator = evaluator_at(running, compiled, at)
    return Eligible(
        population=evaluator.population(rule.audience.segment.entity),
        members=evaluator.audience(rule.rule.name),
        consented=consented(evaluator, rule),
    )


def consented(evaluator: Evaluator, rule: CompiledRule) -> BitMap64 | None:
    """Who has consented to the topic of a rule; None where it asks for none. Raises as Evaluator
    does."""
    topic = rule.rule.consent
    if topic is None or rule.rule.kind == "transactional":
        return None
    return ordinals(evaluator.holding(rule.audience.segment.entity, Consent(topic=topic)))


def evaluator_at(running: Running, compiled: Compiled, at: Instant) -> Evaluator:
    """Evaluates what is deployed at an instant, with the sets that are kept as of then."""
    effects = running.effects
    past = Past(effects.state.log, effects.snapshots.get)
    sources = effects.sources(tuple(effects.state.scan_costs()))
    return Evaluator(compiled, at, sources, lambda name: running.kept(name, at), past)


def judge(
    running: Running,
    compiled: Compiled,
    rule: CompiledRule,
    run: Run,
    audience: BitMap64,
    eligible: Eligible,
) -> Decision:
    """Send the audience through the gate. The sets are in the snapshot store when it returns; the
    ledger has not been told yet."""
    decided = decide(_facts(running, compiled, rule.rule, run, audience, eligible))
    snapshots = running.effects.snapshots
    left = tuple(
        bucket_record(snapshots, group.bucket, group.reason, group.arm, group.members)
        for group in decided.placed
    )
    passed = tuple(
        bucket_record(snapshots, TO_SEND, PASSED, arm, members)
        for arm, members in decided.to_send.items()
        if members
    )
    return Decision(
        run=replace(run, audience=len(audience), digest=snapshots.put(to_bytes(audience))),
        buckets=(*left, *passed),
        exposures=_exposures(running, decided),
    )


def bucket_record(
    snapshots: SnapshotStore, bucket: str, reason: str, arm: str | None, members: BitMap64
) -> BucketRecord:
    """One record; its set is kept."""
    kept = snapshots.put(to_bytes(members))
    return BucketRecord(bucket=bucket, reason=reason, arm=arm, count=len(members), digest=kept)


def _exposures(running: Running, decided: GateDecision) -> tuple[ExposureRecord, ...]:
    snapshots, now = running.effects.snapshots, running.now()
    return tuple(
        ExposureRecord(arm=arm, at=now, count=len(users), digest=snapshots.put(to_bytes(users)))
        for arm, users in decided.exposures
    )


# --- what the gate judges by -----------------------------------------------------------------


def _facts(
    running: Running,
    compiled: Compiled,
    rule: Rule,
    run: Run,
    audience: BitMap64,
    eligible: Eligible,
) -> GateFacts:
    ledger, zone = running.effects.ledger, rule_zone(rule, compiled)
    needs = {arm: _needs(compiled, actions) for arm, actions in arms_of(rule).items()}
    offers = {need.offer for wanted in needs.values() for need in wanted}
    return GateFacts(
        audience=audience,
        population=eligible.population,
        arms=assign(audience, salt=rule.name, holdout=rule.holdout, arms=_arms(rule)),
        eligible=eligible.members,
        consented=eligible.consented,
        capped=_capped(running, rule, run.scheduled, zone),
        needs=needs,
        stock={offer: ledger.stock(offer).free for offer in offers},
        coupon_budget=remaining(rule.budget, _spent(running, rule, run.scheduled, zone)),
        max_recipients=rule.max_recipients,
        order_salt=run.id,
    )


def _arms(rule: Rule) -> tuple[Arm, ...]:
    if rule.variants:
        return tuple(Arm(name=one.name, weight=one.weight) for one in rule.variants)
    return (Arm(name=ONLY_ARM),)


def is_coupon(compiled: Compiled, action: Action) -> bool:
    """Whether the action gives a coupon."""
    channel = compiled.project.channel(action.channel)
    return channel is not None and channel.kind == "coupon"


def _needs(compiled: Compiled, actions: Sequence[Action]) -> tuple[Need, ...]:
    return tuple(
        Need(offer=action.offer)
        for action in actions
        if action.offer is not None and is_coupon(compiled, action)
    )


def _spent(running: Running, rule: Rule, scheduled: Instant, zone: ZoneInfo) -> Spent:
    ledger, day = running.effects.ledger, day_of(scheduled, zone)
    return Spent(
        run=0,
        day=ledger.coupons_given(rule.name, day.start, day.end),
        total=ledger.coupons_given(rule.name, None, None),
    )


# --- caps ------------------------------------------------------------------------------------


def _capped(running: Running, rule: Rule, scheduled: Instant, zone: ZoneInfo) -> BitMap64:
    capped = BitMap64()
    if rule.kind == "transactional":
        return capped
    for cap in rule.caps:
        for channel in _channels_counted(rule, cap):
            capped |= at_cap(_reached(running, rule, cap, channel, scheduled, zone), cap)
    return capped


def _channels_counted(rule: Rule, cap: Cap) -> tuple[str | None, ...]:
    """The channels whose messages count, each for itself; None for those of all."""
    if cap.scope != "channel":
        return (None,)
    return tuple(sorted({action.channel for action in rule.actions()}))


def _reached(
    running: Running,
    rule: Rule,
    cap: Cap,
    channel: str | None,
    scheduled: Instant,
    zone: ZoneInfo,
) -> Mapping[int, int]:
    """In how many runs of the cap's window each user was reached, or would have been."""
    ledger, counted = running.effects.ledger, window(cap, scheduled, zone)
    start, end = counted.start or Instant(0), counted.end or Instant(scheduled + 1)
    only = rule.name if cap.scope == "rule" else None
    counts = dict(ledger.reached(start, end, rule=only, channel=channel))
    for ghosts in ledger.held_out(start, end, rule=only, channel=channel):
        for key in from_bytes(running.effects.snapshots.get(ghosts.digest)):
            counts[key] = counts.get(key, 0) + 1
    return counts
