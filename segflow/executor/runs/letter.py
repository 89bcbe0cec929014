"""What one user is sent by one action: the facts of templates, and the message for the channel."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from segflow.campaign.message import Facts, Rendered, Unrendered, render
from segflow.compiler.timeline import LAST, shift_months
from segflow.executor.runs.arms import ReadyAction
from segflow.model.channel import Offer
from segflow.model.duration import Duration
from segflow.model.instant import Instant, format_instant
from segflow.model.run import Run, Send
from segflow.model.settings import plain
from segflow.ports import Message

_CENTS = 2


def letter(
    ready: ReadyAction,
    run: Run,
    send: Send,
    code: str | None,
    user: Mapping[str, Any],
    zone: ZoneInfo,
) -> Message | Unrendered:
    """The message of a send, `code` being that of its offer. `zone` is the rule's."""
    offer = {} if ready.offer is None else _offer_facts(ready.offer, code, run.scheduled, zone)
    body = None
    if ready.template is not None:
        match render(ready.template, _template_facts(run, send, offer, user)):
            case Rendered(body=text):
                body = text
            case Unrendered() as failure:
                return failure
            case other:
                assert_never(other)
    settings = plain(ready.action.settings, str)
    return Message(
        send_id=send.id,
        key=str(send.key),
        rule=run.rule,
        run_id=run.id,
        variant=send.variant,
        body=body,
        facts={
            "scheduled": format_instant(run.scheduled),
            **{"offer" if name == "name" else name: value for name, value in offer.items()},
            **({"settings": settings} if settings else {}),
        },
    )


def _template_facts(
    run: Run, send: Send, offer: Mapping[str, Any], user: Mapping[str, Any]
) -> Facts:
    return {
        "user": user,
        "offer": offer,
        "run": {
            "id": run.id,
            "rule": run.rule,
            "scheduled": format_instant(run.scheduled),
            "variant": send.variant,
        },
    }


def _offer_facts(
    offer: Offer, code: str | None, scheduled: Instant, zone: ZoneInfo
) -> Mapping[str, Any]:
    return {
        "name": offer.name,
        "code": code,
        "value": _money(offer.value),
        "expires_at": _expiry(offer, scheduled, zone),
    }


def _money(value: Decimal | None) -> Decimal | None:
    """An amount with two digits after the point at least: what is deployed has no zeros behind."""
    return None if value is None else max(value, round(value, _CENTS), key=_digits)


def _digits(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)


def _expiry(offer: Offer, scheduled: Instant, zone: ZoneInfo) -> str | None:
    """When a code ends; the calendar's end is late enough for any."""
    match offer.expires:
        case None:
            return None
        case Duration(milliseconds=int(exact)):
            end = Instant(scheduled + exact)
        case Duration(months=months):
            end = shift_months(scheduled, months or 0, zone)
    return format_instant(min(end, LAST))
