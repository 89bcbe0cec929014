"""Reads what a rule does to a user: actions, variants and steps."""

from segflow.loader.channel import settings_beside
from segflow.loader.findings import Findings
from segflow.loader.heads import Headed, Named
from segflow.loader.nodes import ListNode, MapNode, Node
from segflow.loader.predicate import PREDICATE
from segflow.loader.records import Key, Record, Values
from segflow.loader.secrets import ACTION_SETTINGS
from segflow.loader.shapes import Checked, ListOf, Shape
from segflow.loader.slots import NAME, PROJECT_PATH, integer
from segflow.loader.times import DURATION
from segflow.model.duration import Duration
from segflow.model.rule import (
    Action,
    IfStep,
    RuleStep,
    SendStep,
    Variant,
    WaitStep,
    WaitUntilStep,
)

_ACTION_KEYS = {
    "channel": Key(NAME, required=True),
    "offer": Key(NAME, names=True),
    "template": Key(PROJECT_PATH, doc="A file in the folder templates"),
}


def _action(values: Values, node: MapNode, found: Findings) -> Action:
    return Action(
        channel=values["channel"],
        offer=values.get("offer"),
        template=values.get("template"),
        settings=settings_beside(_ACTION_KEYS, values),
    )


ACTION: Shape[Action] = Record(
    what="an action",
    keys=_ACTION_KEYS,
    build=_action,
    others=ACTION_SETTINGS,
    stand_in=Action(channel=""),
    example="{channel: app_push, template: winback.j2}",
)
SEND = ListOf("actions", ACTION)

VARIANT: Shape[Variant] = Record(
    what="a variant",
    keys={
        "name": Key(NAME, required=True),
        "weight": Key(integer(least=1), doc="Its share among the weights; 1 when left out"),
        "send": Key(SEND, required=True),
    },
    build=lambda values, node, found: Variant(**values),
    stand_in=Variant(name="", send=()),
    example="{name: a, send: [{channel: app_push}]}",
)


def _distinct(variants: tuple[Variant, ...], node: Node, found: Findings) -> tuple[Variant, ...]:
    seen: set[str] = set()
    for index, variant in enumerate(variants):
        if variant.name and variant.name in seen and isinstance(node, ListNode):
            summary = f"two variants are called `{variant.name}`"
            found.error("NAM002", summary, node.items[index], help="rename one of the two")
        seen.add(variant.name)
    return variants


VARIANTS: Shape[tuple[Variant, ...]] = Checked(ListOf("variants", VARIANT), _distinct)


def _if_step(values: Values, node: MapNode, found: Findings) -> IfStep:
    return IfStep(condition=values["if"], then=values["then"], otherwise=values.get("else", ()))


STEPS: Shape[tuple[RuleStep, ...]] = Named("steps", lambda: ListOf("steps", _STEP))
_STEP: Shape[RuleStep] = Headed(
    what="a step",
    heads={
        "send": Record(
            what="a step",
            keys={"send": Key(SEND, required=True)},
            build=lambda values, node, found: SendStep(send=values["send"]),
        ),
        "wait": Record(
            what="a wait",
            keys={"wait": Key(DURATION, required=True)},
            build=lambda values, node, found: WaitStep(wait=values["wait"]),
        ),
        "wait_until": Record(
            what="wait_until",
            keys={
                "wait_until": Key(PREDICATE, required=True),
                "at_most": Key(DURATION, required=True),
            },
            build=lambda values, node, found: WaitUntilStep(
                until=values["wait_until"], at_most=values["at_most"]
            ),
            example="{wait_until: {did: purchase}, at_most: 2d}",
        ),
        "if": Record(
            what="`if`",
            keys={
                "if": Key(PREDICATE, required=True),
                "then": Key(STEPS, required=True),
                "else": Key(STEPS),
            },
            build=_if_step,
        ),
    },
    example="{wait: 1h}",
    stand_in=WaitStep(wait=Duration(count=1, unit="d")),
)
