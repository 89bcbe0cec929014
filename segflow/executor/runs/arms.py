"""The arms of a rule made ready to send: channels open, templates prepared."""

from collections.abc import Mapping
from dataclasses import dataclass

from segflow.campaign.message import Prepared, prepare
from segflow.errors import CorruptStateError
from segflow.executor.runs.judge import arms_of, is_coupon
from segflow.model.channel import Channel as ChannelObject
from segflow.model.channel import Offer
from segflow.model.compiled import Compiled
from segflow.model.rule import Action, Rule
from segflow.ports import Channel, Channels


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyAction:
    """One action of an arm. `number` is its place there; `offer` the one that its message tells of:
    its own, or the last that a coupon was given of before it."""

    number: int
    action: Action
    channel: ChannelObject
    port: Channel
    gives_coupon: bool
    offer: Offer | None
    template: Prepared | None


Arms = Mapping[str, tuple[ReadyAction, ...]]
"""What each arm is sent, in order; the holdout is not among them."""


def ready_arms(compiled: Compiled, rule: Rule, channels: Channels) -> Arms:
    """Open and prepare all that a rule sends by. Raises RefusedError for a channel that can't be
    used."""
    return {
        arm: tuple(_ready(compiled, actions, number, channels) for number in range(len(actions)))
        for arm, actions in arms_of(rule).items()
    }


def _ready(
    compiled: Compiled, actions: tuple[Action, ...], number: int, channels: Channels
) -> ReadyAction:
    action = actions[number]
    channel = compiled.project.channel(action.channel)
    if channel is None:
        raise CorruptStateError(f"channel.{action.channel} is missing from what is deployed")
    return ReadyAction(
        number=number,
        action=action,
        channel=channel,
        port=channels.open(channel),
        gives_coupon=is_coupon(compiled, action),
        offer=_offer(compiled, actions[: number + 1]),
        template=_template(compiled, action),
    )


def _offer(compiled: Compiled, so_far: tuple[Action, ...]) -> Offer | None:
    for action in reversed(so_far):
        if action.offer is not None:
            return compiled.project.offer(action.offer)
    return None


def _template(compiled: Compiled, action: Action) -> Prepared | None:
    if action.template_path is None:
        return None
    file = compiled.project.files.get(action.template_path)
    if file is None:
        raise CorruptStateError(f"{action.template_path} is missing from what is deployed")
    return prepare(file.text)
