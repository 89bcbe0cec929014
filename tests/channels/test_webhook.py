"""The webhook channel against a real HTTP receiver, whose log is the judge."""

import io
import logging
import socket
import time

import pytest

from segflow.channels.webhook import WebhookChannel, webhook
from segflow.errors import RefusedError
from segflow.ports import Delivery
from tests.channels.messages import message
from tests.channels.receiver import receiving

SOON = 0.3


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def log():
    """What a program's own handler is told; pytest's listens where nothing is passed on, too."""
    root, text = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


def sent(receiver, *, idempotent=False, times=1, **settings):
    """What a new channel answers to the last of so many messages."""
    channel = WebhookChannel(f"{receiver.url}/hook?t=1", idempotent=idempotent, **settings)
    try:
        for number in range(times):
            answer = channel.deliver(message(f"s{number}"))
    finally:
        channel.close()
    return answer


def test_what_arrives(receiver):
    """One POST of JSON with the send id as idempotency key, and the headers that were set."""
    answer = sent(receiver, headers={"Authorization": "Bearer x"})
    assert answer == Delivery(status="delivered", detail="HTTP 200")
    [request] = receiver.requests
    assert request.path == "/hook?t=1"
    assert request.headers["idempotency-key"] == "s0"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer x"
    assert request.body == {
        "send_id": "s0",
        "key": "42",
        "rule": "winback",
        "run_id": "r1",
        "variant": "a",
        "body": "Hi Ann",
        "facts": {"code": "FIVE-1", "offer": "five_off"},
    }


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"),
        (204, "delivered"),
        (400, "failed"),
        (404, "failed"),
        (408, "retry"),
        (409, "failed"),
        (429, "retry"),
        (500, "unknown"),
        (503, "unknown"),
    ],
)
def test_what_an_answer_means(receiver, status, outcome):
    """A server that ends in an error may have acted; one that says "not now" has not."""
    receiver.manner = status
    for idempotent in (True, False):
        answer = sent(receiver, idempotent=idempotent)
        assert answer == Delivery(status=outcome, detail=f"HTTP {status}")
    assert len(receiver.requests) == 2


def test_an_error_after_accepting_acts_once(receiver):
    """The retry carries the same key, by which the receiver knows that it acted already."""
    receiver.manner = 500
    channel = WebhookChannel(receiver.url, idempotent=True)
    assert channel.deliver(message()).status == "unknown"
    receiver.manner = 200
    assert channel.deliver(message()).status == "delivered"
    channel.close()
    assert [request.headers["idempotency-key"] for request in receiver.requests] == ["s1", "s1"]
    assert receiver.acted == {"s1"}


@pytest.mark.parametrize("manner", ["hang", "drip", "drop"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_receiver_that_does_not_answer(receiver, manner, idempotent):
    """Silence, bytes without end and a lost connection end in time; nobody knows what was done."""
    receiver.manner = manner
    began = time.monotonic()
    answer = sent(receiver, idempotent=idempotent, timeout=SOON)
    assert answer == Delivery(status="unknown", detail="no answer")
    assert time.monotonic() - began < 20
    assert receiver.arrived.acquire(timeout=30)


@pytest.mark.parametrize("manner", ["half", "drip headers"])
def test_an_answer_that_breaks_off_counts(receiver, manner):
    """The status was there: the receiver accepted, whatever it would have said."""
    receiver.manner = manner
    for idempotent in (True, False):
        answer = sent(receiver, idempotent=idempotent, timeout=4 * SOON)
        assert answer == Delivery(status="delivered", detail="HTTP 200")


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_receiver_that_is_down(idempotent):
    """Nothing was sent, so another try is harmless on every channel."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        channel = WebhookChannel(
            f"http://127.0.0.1:{nobody.getsockname()[1]}/", idempotent=idempotent
        )
        assert channel.deliver(message()) == Delivery(status="retry", detail="no connection")
        channel.close()


def test_a_connection_that_can_not_be_secured(receiver):
    """Where TLS can't be agreed on, nothing was sent."""
    channel = WebhookChannel(receiver.url.replace("http", "https"), timeout=SOON)
    assert channel.deliver(message()) == Delivery(status="retry", detail="no connection")
    channel.close()
    assert receiver.requests == []


def test_a_redirect_is_not_followed(receiver):
    """Messages go where the project says and nowhere else."""
    receiver.manner = "redirect"
    answer = sent(receiver, idempotent=True)
    assert answer == Delivery(status="failed", detail="HTTP 307: redirects are not followed")
    assert [request.path for request in receiver.requests] == ["/hook?t=1"]


def test_connections_are_kept_where_that_is_harmless(receiver):
    """One connection serves an idempotent channel; another opens one per message, since a kept one
    can end just as it is used."""
    sent(receiver, idempotent=True, times=3)
    assert {request.connection for request in receiver.requests} == {1}
    assert sent(receiver, idempotent=False, times=2).status == "delivered"
    assert receiver.connections == 3


def test_a_kept_connection_that_ended_is_replaced(receiver):
    """The receiver may hang up between two messages."""
    channel = WebhookChannel(receiver.url, idempotent=True)
    receiver.manner = "drop"
    assert channel.deliver(message("a")).status == "unknown"
    receiver.manner = 200
    assert channel.deliver(message("a")).status == "delivered"
    channel.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/hidden",
        "file:///etc/hidden",
        "hidden",
        "",
        "http:///hidden",
        "http://ann:hidden@host/",
        "http://[hidden/",
        "HTTP+hidden://host",
    ],
)
def test_a_url_that_can_not_be_used(url):
    """Only http and https, with a host and without a password; the url may be a secret."""
    with pytest.raises(RefusedError) as caught:
        WebhookChannel(url)
    assert "hidden" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "value", ["hidden\r\nX-Other: 1", "hidden\n", "hidden\u00e9", "\x00hidden"]
)
def test_a_header_that_can_not_be_sent(value):
    """A secret with a line break would be two headers; its value is not shown."""
    with pytest.raises(RefusedError, match="Authorization") as caught:
        WebhookChannel("http://host/", headers={"Authorization": value})
    assert "hidden" not in caught.value.message


@pytest.mark.parametrize("manner", [200, 404, 500, "hang", "drop", "redirect"])
def test_secrets_stay_out_of_answers_and_logs(receiver, log, capfd, manner):
    """Neither the url's path nor a header is in a detail, a log line or on the screen."""
    receiver.manner = manner
    timeout = SOON if manner == "hang" else 20
    channel = WebhookChannel(
        f"{receiver.url}/hidden", headers={"Authorization": "hidden"}, timeout=timeout
    )
    answer = channel.deliver(message())
    channel.close()
    assert receiver.arrived.acquire(timeout=30)
    shown = (str(answer), repr(channel), log.getvalue(), *capfd.readouterr())
    assert not any("hidden" in text for text in shown)


def test_a_channel_of_settings(receiver):
    """Checked settings make a channel; the time limit is ten seconds unless they say otherwise."""
    settings = {"url": f"{receiver.url}/of", "headers": {"X-Team": "crm"}, "timeout": "2s"}
    channel = webhook(settings, idempotent=True)
    assert channel.idempotent
    assert channel.deliver(message()).status == "delivered"
    channel.close()
    assert receiver.requests[0].headers["x-team"] == "crm"
    assert not webhook({"url": receiver.url}, idempotent=False).idempotent
