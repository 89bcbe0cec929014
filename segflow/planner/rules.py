"""What a plan tells of a rule besides its words: who gets which share, and when it runs next."""

from decimal import Decimal

from segflow.campaign.schedule import next_runs, zone_name
from segflow.compiler.timeline import zone
from segflow.model.codec import from_canonical
from segflow.model.instant import Instant
from segflow.model.plan import Change
from segflow.model.rule import CronTrigger, EveryTrigger, Rule

_TENTH = Decimal("0.1")


def planned_rule(change: Change) -> Rule | None:
    """The rule that a change makes deployed; None for a deletion and for other objects."""
    if change.address.kind != "rule" or change.canonical is None:
        return None
    rule: Rule = from_canonical(change.canonical)
    return rule


def holdout(rule: Rule) -> str | None:
    """The percentage that gets nothing; None where everybody gets something."""
    return _digits(rule.holdout) if rule.holdout else None


def shares(rule: Rule) -> tuple[tuple[str, str], ...]:
    """The variants, each with its percentage, to a tenth, of those who are not held out."""
    total = sum(variant.weight for variant in rule.variants)
    return tuple(
        (variant.name, _digits((Decimal(100 * variant.weight) / total).quantize(_TENTH)))
        for variant in rule.variants
    )


def _digits(percentage: Decimal) -> str:
    return f"{percentage.normalize():f}"


def next_run(rule: Rule, after: Instant, timezone: str) -> Instant | None:
    """The first scheduled instant later than `after` at which the rule is active, in a project of
    that time zone; None where none is left."""
    trigger = rule.trigger
    if not isinstance(trigger, CronTrigger | EveryTrigger):
        return None
    where = zone(zone_name(trigger, timezone))
    return next(iter(next_runs(rule, trigger, where, after, 1)), None)
