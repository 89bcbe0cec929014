"""The words of rules: triggers, steps, actions and the limits of the gate."""

from typing import assert_never

from segflow.model import rule as r
from segflow.model.wording_predicate import predicate
from segflow.model.wording_scalar import (
    decimal,
    duration,
    moment,
    percent,
    rate,
    settings,
    without_absent,
)
from segflow.model.wording_text import Word, Words


def rule(node: r.Rule) -> Words:
    """A rule as its YAML document, without what is the default."""
    words: Words = {
        "rule": node.name,
        "description": node.description,
        "owner": node.owner,
        "segment": node.segment,
        "where": predicate(node.where),
        "trigger": _trigger(node.trigger),
        "active": _active(node),
        "kind": _unless(node.kind, "marketing"),
        "re_entry": _unless(str(node.re_entry), "always"),
        "enrol": _unless(node.enrol, "new"),
        "holdout": percent(node.holdout) if node.holdout else None,
    }
    return without_absent(words | _delivery(node) | _limits(node))


def _unless(value: str, default: str) -> Word:
    return None if value == default else value


def _active(node: r.Rule) -> Word:
    between = {"from": moment(node.active_from), "until": moment(node.active_until)}
    return without_absent(between) or None


def _delivery(node: r.Rule) -> Words:
    return {
        "variants": [_variant(variant) for variant in node.variants] or None,
        "send": _send(node.send) if node.send else None,
        "steps": _steps(node.steps) if node.steps else None,
    }


def _limits(node: r.Rule) -> Words:
    return {
        "consent": node.consent,
        "cap": [_cap(cap) for cap in node.caps] or None,
        "quiet_hours": None if node.quiet_hours is None else _quiet_hours(node.quiet_hours),
        "throttle": rate(node.throttle),
        "budget": None if node.budget is None else _budget(node.budget),
        "max_recipients": node.max_recipients,
        "priority": None if node.priority == 50 else node.priority,
        "goal": None if node.goal is None else _goal(node.goal),
    }


# --- triggers --------------------------------------------------------------------------------


def _trigger(trigger: r.Trigger) -> Words:
    match trigger:
        case r.CronTrigger():
            return _cron(trigger)
        case r.RruleTrigger(rrule=rrule, timezone=zone):
            return without_absent({"rrule": rrule, "timezone": zone} | _lateness(trigger))
        case r.EveryTrigger(every=every):
            return without_absent({"every": duration(every)} | _lateness(trigger))
        case r.AtTrigger(at=at):
            return {"at": moment(at)}
        case r.TransitionTrigger(kind=kind):
            return {kind: True}
        case r.EventTrigger(event=event, where=where, key=key):
            return without_absent({"event": event, "where": predicate(where), "key": key})
        case _:
            assert_never(trigger)


def _cron(trigger: r.CronTrigger) -> Words:
    words: Words = {
        "cron": trigger.cron,
        "timezone": trigger.timezone,
        "gap": _unless(trigger.gap, "shift"),
        "fold": _unless(trigger.fold, "first"),
    }
    return without_absent(words | _lateness(trigger))


def _lateness(trigger: r.CronTrigger | r.RruleTrigger | r.EveryTrigger) -> Words:
    return {
        "misfire": _unless(trigger.misfire, "latest"),
        "catch_up": _unless(str(trigger.catch_up), "1h"),
        "overlap": _unless(trigger.overlap, "skip"),
    }


# --- what is sent ----------------------------------------------------------------------------


def _send(actions: tuple[r.Action, ...]) -> Word:
    return [_action(action) for action in actions]


def _action(action: r.Action) -> Words:
    words: Words = {
        "channel": action.channel,
        "offer": action.offer,
        "template": action.template,
    }
    return without_absent(words) | settings(action.settings)


def _variant(variant: r.Variant) -> Words:
    weight = None if variant.weight == 1 else variant.weight
    return without_absent({"name": variant.name, "weight": weight, "send": _send(variant.send)})


def _steps(steps: tuple[r.RuleStep, ...]) -> Word:
    return [_step(step) for step in steps]


def _step(step: r.RuleStep) -> Words:
    match step:
        case r.SendStep(send=send):
            return {"send": _send(send)}
        case r.WaitStep(wait=wait):
            return {"wait": str(wait)}
        case r.WaitUntilStep(until=until, at_most=at_most):
            return {"wait_until": predicate(until), "at_most": str(at_most)}
        case r.IfStep(condition=condition, then=then, otherwise=otherwise):
            words: Words = {"if": predicate(condition), "then": _steps(then)}
            return words | ({"else": _steps(otherwise)} if otherwise else {})
        case _:
            assert_never(step)


# --- limits ----------------------------------------------------------------------------------


def _cap(cap: r.Cap) -> Words:
    return without_absent(
        {
            "at_most": cap.at_most,
            "per": str(cap.per),
            "window": _unless(cap.window, "rolling"),
            "scope": _unless(cap.scope, "rule"),
            "when_full": _unless(cap.when_full, "drop"),
        }
    )


def _quiet_hours(hours: r.QuietHours) -> Words:
    return without_absent(
        {
            "from": hours.start,
            "to": hours.end,
            "timezone": hours.timezone,
            "then": _unless(hours.then, "defer"),
        }
    )


def _budget(budget: r.Budget) -> Words:
    return without_absent(
        {
            "coupons": budget.coupons,
            "cost": None if budget.cost is None else decimal(budget.cost),
            "per": _unless(budget.per, "total"),
        }
    )


def _goal(goal: r.Goal) -> Words:
    return without_absent(
        {"event": goal.event, "window": duration(goal.window), "value": goal.value}
    )
