"""What every channel promises, asked of each of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from segflow.channels.coupon import CouponChannel
from segflow.channels.file import FileChannel
from segflow.channels.recording import RecordingChannel, SilentChannel
from segflow.channels.webhook import WebhookChannel
from segflow.ports import Channel, Delivery
from tests.channels.messages import message
from tests.channels.receiver import receiving

KINDS = ("coupon", "file", "recording", "silent", "webhook", "webhook, native")


@dataclass(frozen=True)
class Case:
    """A channel, and the send ids that had an effect, asked of the other end; None where a channel
    has no other end."""

    channel: Channel
    effects: Callable[[], list[str]] | None = None


def ids_in(path):
    return [json.loads(line)["send_id"] for line in path.read_text().splitlines()]


@pytest.fixture(params=KINDS)
def case(request, tmp_path):
    match request.param:
        case "coupon":
            yield Case(CouponChannel())
        case "file":
            path = tmp_path / "sent.jsonl"
            yield Case(FileChannel(path), lambda: ids_in(path))
        case "recording":
            path = tmp_path / "push.jsonl"
            yield Case(RecordingChannel("push", tmp_path), lambda: ids_in(path))
        case "silent":
            yield Case(SilentChannel())
        case kind:
            with receiving() as receiver:
                channel = WebhookChannel(receiver.url, idempotent=kind == "webhook, native")
                yield Case(channel, lambda: sorted(receiver.acted))
                channel.close()


@pytest.fixture
def channel(case):
    return case.channel


def test_a_message_is_delivered(case):
    """Each message under its send id."""
    for send_id in ("a", "b"):
        assert case.channel.deliver(message(send_id)).status == "delivered"
    assert case.effects is None or case.effects() == ["a", "b"]


def test_the_same_send_again_has_no_effect(case):
    """An idempotent channel answers as before, and the other end acted once."""
    answers = [case.channel.deliver(message("a")) for _ in range(3)]
    assert {answer.status for answer in answers} == {"delivered"}
    if case.channel.idempotent and case.effects is not None:
        assert case.effects() == ["a"]


@pytest.mark.parametrize(
    "body", [None, "", "two\nlines\r\n", '"quotes" \\ {"a": 1}', "\x00\x1b[2J", "\ud800 é 🎟 \u2028"]
)
def test_any_text_can_be_delivered(channel, body):
    """No text breaks the way it travels."""
    assert channel.deliver(message(body=body)).status == "delivered"


def test_facts_that_json_has_no_word_for(channel):
    """Amounts and times become text."""
    facts = {"value": Decimal("5.00"), "at": datetime(1997, 3, 1, tzinfo=UTC), "tags": ["a", None]}
    assert channel.deliver(message(**facts)).status == "delivered"


def test_answers_are_of_four_kinds_and_say_little(channel):
    """A detail never shows what the message holds."""
    answer = channel.deliver(message(body="hidden", code="hidden"))
    assert answer.status in ("delivered", "failed", "retry", "unknown")
    assert "hidden" not in (answer.detail or "")


def test_closing_twice_is_harmless(channel):
    """Used or not."""
    channel.deliver(message())
    channel.close()
    channel.close()


def test_a_coupon_channel_gives_no_coupon_without_a_code():
    """It fails for good: a message without its code would look like a coupon."""
    for code in (None, "", 7):
        answer = CouponChannel().deliver(message(code=code))
        assert answer == Delivery(status="failed", detail="no code was reserved")
