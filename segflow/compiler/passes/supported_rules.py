"""Supported rules: what the language knows of rules and channels but can't be run yet is refused,
and so are actions and variants that contradict themselves."""

from collections.abc import Iterator
from typing import assert_never

from segflow.compiler.codes import NO_COUPON, RESERVED, UNDECLARED
from segflow.compiler.passes.draft import Draft, lacks, nearest
from segflow.model.channel import Channel
from segflow.model.project import KeyPath
from segflow.model.rule import (
    HOLDOUT,
    Action,
    AtTrigger,
    CronTrigger,
    EventTrigger,
    EveryTrigger,
    RruleTrigger,
    Rule,
    TransitionTrigger,
    Trigger,
)

KINDS = ("coupon", "webhook", "file")
"""The kinds of channels that deliver."""

Finding = tuple[KeyPath, str]
"""Where the form stands, and its name."""


def supported_rules(draft: Draft) -> Draft:
    """Report what can't be run yet, and offers that no coupon gives."""
    for found in draft.project:
        if isinstance(found, Channel) and found.kind not in ("", *KINDS):
            help = f"this version delivers by {', '.join(KINDS)}"
            draft.refuse(found.address, ("kind",), f"a channel of kind {found.kind}", help)
        if isinstance(found, Channel):
            _environments(draft, found)
    for rule in draft.index.rules.values():
        for path, form in (*_of_trigger(rule.trigger), *_of_rule(rule)):
            draft.refuse(rule.address, path, form)
        for number, variant in enumerate(rule.variants):
            if variant.name == HOLDOUT:
                _reserved(draft, rule, ("variants", number, "name"))
        for path, actions in rule.sends():
            _actions(draft, rule, path, actions)
    return draft


# --- forms that can't be run yet -------------------------------------------------------------


def _of_trigger(trigger: Trigger) -> Iterator[Finding]:
    match trigger:
        case CronTrigger():
            if trigger.timezone == "user":
                yield ("trigger", "timezone"), "`timezone: user`"
            if trigger.gap != "shift":
                yield ("trigger", "gap"), f"`gap: {trigger.gap}`"
            if trigger.fold != "first":
                yield ("trigger", "fold"), f"`fold: {trigger.fold}`"
            yield from _of_catching_up(trigger)
        case EveryTrigger():
            yield from _of_catching_up(trigger)
        case RruleTrigger():
            yield ("trigger", "rrule"), "a trigger by `rrule`"
        case AtTrigger():
            yield ("trigger", "at"), "a trigger by `at`"
        case TransitionTrigger(kind=kind):
            yield ("trigger", kind), f"a trigger by `{kind}`"
        case EventTrigger():
            yield ("trigger", "event"), "a trigger by `event`"
        case _:
            assert_never(trigger)


def _of_catching_up(trigger: CronTrigger | EveryTrigger) -> Iterator[Finding]:
    if trigger.misfire != "latest":
        yield ("trigger", "misfire"), f"`misfire: {trigger.misfire}`"
    if trigger.overlap != "skip":
        yield ("trigger", "overlap"), f"`overlap: {trigger.overlap}`"


def _of_rule(rule: Rule) -> Iterator[Finding]:
    for key, given in (
        ("steps", rule.steps),
        ("quiet_hours", rule.quiet_hours),
        ("throttle", rule.throttle),
    ):
        if given:
            yield (key,), f"`{key}`"
    if rule.re_entry != "always":
        yield ("re_entry",), f"`re_entry: {rule.re_entry}`"
    if rule.enrol != "new":
        yield ("enrol",), f"`enrol: {rule.enrol}`"
    if rule.budget is not None and rule.budget.cost is not None:
        yield ("budget", "cost"), "a budget of `cost`"
    for number, cap in enumerate(rule.caps):
        if cap.window != "rolling":
            yield ("cap", number, "window"), f"`window: {cap.window}` of a cap"
        if cap.when_full != "drop":
            yield ("cap", number, "when_full"), f"`when_full: {cap.when_full}`"


# --- what would never send ---


def _environments(draft: Draft, channel: Channel) -> None:
    """A misspelt environment would be a channel that records for ever."""
    declared = ("default", *draft.project.settings.environments)
    for number, name in enumerate(channel.live_environments):
        if name not in declared:
            draft.complain(
                UNDECLARED,
                channel.address,
                ("live", "environments", number),
                f"there is no environment {name!r}, so the channel never sends in it",
                help=_declare(name, declared),
                severity="warning",
            )


def _declare(name: str, declared: tuple[str, ...]) -> str:
    near = nearest(name, declared)
    declare = f"add [environments.{name}] to segflow.toml"
    return declare if near is None else f"did you mean `{near}`? Otherwise {declare}"


# --- what contradicts itself -----------------------------------------------------------------


def _reserved(draft: Draft, rule: Rule, path: KeyPath) -> None:
    draft.complain(
        RESERVED,
        rule.address,
        path,
        f"a variant can't be called {HOLDOUT!r}",
        detail="it is the name of those who get nothing, in reports and in the record of runs",
        help="call it something else",
    )


def _actions(draft: Draft, rule: Rule, path: KeyPath, actions: tuple[Action, ...]) -> None:
    given: set[str] = set()  # with "" any offer may be among them
    for number, action in enumerate(actions):
        channel = draft.project.channel(action.channel)
        if channel is None or channel.kind not in KINDS:
            if action.offer is not None or channel is None or not channel.kind:
                given.add(action.offer or "")  # whether it gives one is not known
        elif channel.kind != "coupon":
            _needs_coupon(draft, rule, (*path, number, "offer"), action, given)
        elif action.offer is None:
            draft.complain(
                NO_COUPON,
                rule.address,
                (*path, number),
                f"channel {action.channel!r} gives coupons, and the action names no offer",
                help="name the offer whose codes it gives, with `offer:`",
            )
            given.add("")
        else:
            given.add(action.offer)


def _needs_coupon(draft: Draft, rule: Rule, path: KeyPath, action: Action, given: set[str]) -> None:
    if action.offer is not None and lacks(given, action.offer):
        draft.complain(
            NO_COUPON,
            rule.address,
            path,
            f"no coupon of offer {action.offer!r} is given before this action",
            detail=f"channel {action.channel!r} can tell of a code, but gives none",
            help=f"put an action of a coupon channel with offer {action.offer} before it",
        )
