"""The webhook channel: posts each message as JSON to a url, its send id as idempotency key."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPResponse,
    HTTPSConnectionPool,
    Timeout,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError
from urllib3.util import Url, parse_url

from segflow.channels.envelope import to_json
from segflow.errors import RefusedError
from segflow.ports import Delivery, Message
from segflow.sockets import cut_after

# Its lines show the url's path, which is a secret with many receivers.
logging.getLogger("urllib3").propagate = False

_LONGEST_ANSWER = 65_536
_HEADER_VALUE = re.compile(r"[ -~]*\Z")
_TRY_AGAIN = (408, 425, 429)
"""Answers below 500 that say: not now, and nothing was done."""


class WebhookChannel:
    """Posts to one url. `idempotent` says that the receiver acts once per Idempotency-Key.

    2xx is delivered, 5xx and silence are unknown; no connection and answers that say "not now" are
    worth another try; others are failed, a redirect too: it would lead messages to where nobody
    reviewed.
    Details never show the url, a header or what the receiver wrote.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        idempotent: bool = False,
    ) -> None:
        """`timeout` is in seconds, for connecting, sending and the answer each.

        Raises RefusedError, without showing values, for a url or headers that can't be used.
        """
        self.idempotent = idempotent
        target = _target(url)
        self._path = target.request_uri
        self._headers = dict(headers or {})
        for name, value in self._headers.items():
            if not _HEADER_VALUE.match(value):
                raise RefusedError(f"the header {name} of a webhook is not printable text")
        self._timeout = timeout
        self._pool = _pool(target, timeout)

    def deliver(self, message: Message) -> Delivery:
        """See Channel."""
        try:
            answer = self._post(message)
        except NewConnectionError:
            return Delivery(status="retry", detail="no connection")
        except HTTPError:
            # The request was on its way: nobody can say whether it was acted upon.
            return Delivery(status="unknown", detail="no answer")
        try:
            return self._judge(answer.status)
        finally:
            if self.idempotent:
                _keep_connection(answer)
            answer.close()

    def close(self) -> None:
        """See Channel."""
        self._pool.close()

    def _post(self, message: Message) -> BaseHTTPResponse:
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "Idempotency-Key": message.send_id,
        }
        if not self.idempotent:
            # A kept connection can end just as it is used again, which would be one more unknown.
            headers["Connection"] = "close"
        return self._pool.urlopen(
            "POST",
            self._path,
            body=to_json(message).encode(),
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def _judge(self, status: int) -> Delivery:
        detail = f"HTTP {status}"
        if 200 <= status < 300:
            return Delivery(status="delivered", detail=detail)
        if 300 <= status < 400:
            return Delivery(status="failed", detail=f"{detail}: redirects are not followed")
        if status in _TRY_AGAIN:
            return Delivery(status="retry", detail=detail)
        if status >= 500:
            return Delivery(status="unknown", detail=detail)
        return Delivery(status="failed", detail=detail)


def webhook(settings: Mapping[str, Any], *, idempotent: bool) -> WebhookChannel:
    """The channel of checked settings (webhook.json) whose secrets are filled in."""
    return WebhookChannel(
        settings["url"],
        headers=settings.get("headers"),
        timeout=float(settings.get("timeout", "10s").removesuffix("s")),
        idempotent=idempotent,
    )


def _target(url: str) -> Url:
    try:
        target = parse_url(url)
    except LocationParseError:
        raise RefusedError("the url of a webhook is not a url") from None
    if target.scheme not in ("http", "https") or not target.host:
        raise RefusedError("the url of a webhook has to start with http:// or https://")
    if target.auth is not None:
        raise RefusedError(
            "the url of a webhook holds a password", hint="give it in the header Authorization"
        )
    return target


# --- connections that answer in time ---------------------------------------------------------


class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        with _connecting(self):
            super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 does
        with _answering(self):
            return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def connect(self) -> None:
        with _connecting(self):
            super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 does
        with _answering(self):
            return super().getresponse()


@contextmanager
def _connecting(connection: HTTPConnection) -> Iterator[None]:
    """What fails before there is a connection says so: nothing was sent."""
    try:
        yield
    except (OSError, HTTPError) as error:
        raise NewConnectionError(connection, "no connection") from error


def _answering(connection: HTTPConnection) -> AbstractContextManager[None]:
    sock = connection.sock  # which is the answer's alone where no other one follows
    return cut_after(connection.timeout or 0.0, lambda: sock)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _pool(target: Url, timeout: float) -> HTTPConnectionPool:
    kind = _TlsPool if target.scheme == "https" else _PlainPool
    limit = Timeout(connect=timeout, read=timeout)
    return kind(str(target.host), target.port, timeout=limit)


def _keep_connection(answer: BaseHTTPResponse) -> None:
    """Give the connection back for the next message, where the rest of the answer is there."""
    with suppress(HTTPError, OSError):
        if answer.length_remaining:
            answer.read1(_LONGEST_ANSWER, decode_content=False)
        if answer.length_remaining == 0:
            answer.release_conn()
