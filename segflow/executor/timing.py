"""When deployed rules run: their zone, what is due, and what is too late; zones of refreshes."""

from zoneinfo import ZoneInfo

from segflow.campaign.schedule import (
    Due,
    active_bounds,
    due,
    may_still_run,
    occurrences,
    zone_name,
)
from segflow.compiler.timeline import zone
from segflow.errors import RefusedError
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.rule import CronTrigger, EveryTrigger, Rule
from segflow.model.segment import Cron, Every


def rule_zone(rule: Rule, compiled: Compiled) -> ZoneInfo:
    """The time zone of a rule's schedule and days. Raises RefusedError where this machine does not
    know it, which may be another one than it was deployed from."""
    return known_zone(zone_name(scheduled_trigger(rule), compiled.project.settings.timezone))


def refresh_zone(refresh: Every | Cron, compiled: Compiled) -> ZoneInfo:
    """The time zone that the refresh of a segment is scheduled in; raises as rule_zone() does."""
    return known_zone(zone_name(refresh, compiled.project.settings.timezone))


def known_zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises RefusedError."""
    try:
        return zone(name)
    except ValueError as error:
        raise RefusedError(
            f"the time zone {name} is not known on this machine",
            hint="bring its time zone data up to date (the Python package tzdata)",
        ) from error


def rule_due(rule: Rule, compiled: Compiled, *, after: Instant, now: Instant) -> Due:
    """What to do about the scheduled instants of a rule in (after, now]. Raises RefusedError."""
    where = rule_zone(rule, compiled)
    active = active_bounds(rule, where)
    return due(scheduled_trigger(rule), where, after=after, now=now, active=active)


def rule_occurrences(
    rule: Rule, compiled: Compiled, start: Instant, end: Instant
) -> tuple[Instant, ...]:
    """The instants in [start, end) at which a rule is scheduled and active. Raises RefusedError."""
    where = rule_zone(rule, compiled)
    active = active_bounds(rule, where)
    found = occurrences(scheduled_trigger(rule), where, start, end)
    return tuple(instant for instant in found if instant in active)


def is_in_time(rule: Rule, compiled: Compiled, scheduled: Instant, now: Instant) -> bool:
    """Whether a run is not later than the rule's `catch_up` allows. Raises RefusedError."""
    return may_still_run(scheduled_trigger(rule), rule_zone(rule, compiled), scheduled, now)


def scheduled_trigger(rule: Rule) -> CronTrigger | EveryTrigger:
    """The trigger of a rule that runs by the clock. The compiler refuses all others as yet."""
    if isinstance(rule.trigger, CronTrigger | EveryTrigger):
        return rule.trigger
    raise RefusedError(f"{rule.address} has a trigger that can't be run yet")
