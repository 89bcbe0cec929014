"""Reads rules."""

from segflow.loader.delivery import SEND, STEPS, VARIANTS
from segflow.loader.findings import Findings
from segflow.loader.nodes import MapNode, Scalar, shorten
from segflow.loader.predicate import PREDICATE
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ListOf, Misfit, Shape, Slot
from segflow.loader.slots import NAME, PERCENT, RATE, TEXT, choice, decimal, integer
from segflow.loader.times import DURATION, MOMENT, TIME_OF_DAY, ZONE_OR_USER
from segflow.loader.trigger import TRIGGER
from segflow.loader.windows import is_no_time
from segflow.model.duration import Duration
from segflow.model.rule import Budget, Cap, Goal, QuietHours, Rule

# --- when ------------------------------------------------------------------------------------


def _active(values: Values, node: MapNode, found: Findings) -> Values:
    start, end = values.get("from"), values.get("until")
    if start is not None and end is not None and is_no_time(start, end):
        at = node.entries["until"][1]
        found.error("VAL002", "`until` is not later than `from`", at, help="make it later")
    return values


ACTIVE = Record(
    what="active",
    keys={"from": Key(MOMENT), "until": Key(MOMENT, doc="The first moment after")},
    build=_active,
    some_of=(("from", "until"),),
    example="{from: 2026-11-20, until: 2026-12-01}",
)


def _quiet_hours(values: Values, node: MapNode, found: Findings) -> QuietHours | None:
    if values["from"] == values["to"] and found.is_sound(node):
        at = node.entries["to"][1]
        found.error("VAL002", "quiet hours begin and end at one time", at, help="make them differ")
        return None
    return QuietHours(
        start=values["from"],
        end=values["to"],
        timezone=values.get("timezone"),
        then=values.get("then", "defer"),
    )


QUIET_HOURS = Record(
    what="quiet hours",
    keys={
        "from": Key(TIME_OF_DAY, required=True),
        "to": Key(TIME_OF_DAY, required=True),
        "timezone": Key(ZONE_OR_USER),
        "then": Key(choice("defer", "drop")),
    },
    build=_quiet_hours,
    example='{from: "22:00", to: "08:00", timezone: user}',
)


def _re_entry(node: Scalar) -> str | Duration:
    if node.text in ("never", "always"):
        return node.text
    try:
        return DURATION.parse(node)
    except Misfit as error:
        summary = f"`{shorten(node.text)}` is neither never, nor always, nor a duration"
        raise Misfit(summary, help="for example 30d") from error


RE_ENTRY: Slot[str | Duration] = Slot(
    "never, always or a duration such as 30d",
    _re_entry,
    {"anyOf": [{"enum": ["never", "always"]}, DURATION.json]},
)

# --- how much --------------------------------------------------------------------------------

CAP = Record(
    what="a cap",
    keys={
        "at_most": Key(integer(least=1), required=True, doc="Sends to one user"),
        "per": Key(DURATION, required=True),
        "window": Key(choice("rolling", "calendar")),
        "scope": Key(choice("rule", "channel", "all"), doc="Whose sends count"),
        "when_full": Key(choice("drop", "defer")),
    },
    build=lambda values, node, found: Cap(**values),
    example="{at_most: 1, per: 7d}",
)
BUDGET = Record(
    what="a budget",
    keys={
        "coupons": Key(integer(least=1)),
        "cost": Key(decimal(above="0")),
        "per": Key(choice("run", "day", "total")),
    },
    build=lambda values, node, found: Budget(**values),
    some_of=(("coupons", "cost"),),
    example="{coupons: 10000, per: total}",
)
GOAL = Record(
    what="a goal",
    keys={
        "event": Key(NAME, required=True),
        "window": Key(DURATION, required=True, doc="How long after the send it counts"),
        "value": Key(NAME, doc="The property that says how much it is worth"),
    },
    build=lambda values, node, found: Goal(**values),
    hints={"within": "a goal looks forward: write `window`"},
    example="{event: purchase, window: 7d, value: amount}",
)

# --- rules -----------------------------------------------------------------------------------

_AS_THEY_ARE = (
    *("segment", "trigger", "send", "variants", "steps", "where", "kind", "re_entry", "enrol"),
    *("holdout", "consent", "quiet_hours", "throttle", "budget", "max_recipients", "priority"),
    *("goal", "description", "owner"),
)


def _rule(values: Values, node: MapNode, found: Findings) -> Rule:
    active = values.get("active", {})
    return Rule(
        name=values["rule"],
        caps=values.get("cap", ()),
        active_from=active.get("from"),
        active_until=active.get("until"),
        **{key: values[key] for key in _AS_THEY_ARE if key in values},
    )


RULE: Shape[Rule] = Record(
    what="a rule",
    keys={
        "rule": Key(NAME, required=True, doc="The name"),
        "description": Key(TEXT, doc="For people"),
        "owner": Key(TEXT, doc="Who answers for it"),
        "segment": Key(NAME, required=True, doc="Whom it reaches"),
        "where": Key(PREDICATE, doc="An extra filter"),
        "trigger": Key(TRIGGER, required=True, doc="What makes it run"),
        "active": Key(ACTIVE, doc="Between which moments it runs"),
        "kind": Key(
            choice("marketing", "transactional"), doc="transactional passes consent and caps"
        ),
        "re_entry": Key(RE_ENTRY, doc="Whether, or after how long, a user may enter again"),
        "enrol": Key(choice("new", "existing"), doc="Whether present members get it too"),
        "holdout": Key(PERCENT, doc="The share that gets nothing, to compare with"),
        "variants": Key(VARIANTS, doc="Arms of an A/B test"),
        "send": Key(SEND, doc="What everyone gets"),
        "steps": Key(STEPS, doc="A journey"),
        "consent": Key(NAME, doc="The topic that a user must have agreed to"),
        "cap": Key(ListOf("caps", CAP), doc="How often one user is reached"),
        "quiet_hours": Key(QUIET_HOURS, doc="When nobody is disturbed"),
        "throttle": Key(RATE, doc="How fast it sends"),
        "budget": Key(BUDGET, doc="What it may cost"),
        "max_recipients": Key(integer(least=1), doc="To how many a run may send"),
        "priority": Key(integer(), doc="Higher goes first where caps compete; 50 when left out"),
        "goal": Key(GOAL, doc="What counts as success"),
    },
    build=_rule,
    hints={
        **dict.fromkeys(
            ("cron", "rrule", "every", "at", "event", "entered", "exited", "misfire", "catch_up"),
            "it belongs into `trigger`: indent it below that key",
        ),
        **dict.fromkeys(
            ("channel", "template", "offer"),
            "it belongs to an action: write send: [{channel: …}]",
        ),
        "schedule": "write `trigger`",
        "actions": "write `send`",
    },
    example="{rule: remind, segment: lapsed, trigger: {every: 1d}, send: [{channel: push}]}",
    one_of=(("send", "variants", "steps"),),
)
