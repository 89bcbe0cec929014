"""Tells over HTTP whether a process that nobody watches is well: GET /healthz, on loopback only."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self

from segflow.errors import RefusedError

PATH = "/healthz"
HOST = "127.0.0.1"
"""Whoever is to ask from elsewhere needs a server in between that knows who may."""

PLACES = 8
"""Requests that are answered at once; more of them wait."""

PATIENCE = 5.0
"""Seconds that a connection may take from its first byte to its last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether all is well, and what there is to say about it. Facts hold no secrets."""

    healthy: bool
    facts: Mapping[str, str | int | bool | None]


class HealthServer:
    """Answers while it is entered, in a thread that ends with the process.

    GET and HEAD of /healthz get 200, or 503 where all is not well, with one JSON object: `healthy`
    and the facts. `health` is called for each request, by several threads.
    """

    def __init__(
        self, health: Callable[[], Health], *, port: int = 0, patience: float = PATIENCE
    ) -> None:
        """`port` 0 is any free one; `patience` is in seconds."""
        self._health = health
        self._wanted = port
        self._patience = patience

    def __enter__(self) -> Self:
        """Begin to listen. Raises RefusedError where the port can't be had."""
        try:
            self._server = _Server(self._wanted, self._health, self._patience)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "there is no such port"
            raise RefusedError(
                f"the port {self._wanted} of {HOST} can't be used: {reason}",
                hint="name another one with --health-port; 0 takes any that is free",
            ) from error
        serve = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        serve.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, health: Callable[[], Health], patience: float) -> None:
        self.health = health
        self._patience = patience
        self._places = threading.BoundedSemaphore(PLACES)
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread was begun that would give the place back
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # A socket's own limit is for one packet: who sends a byte now and then would stay for ever.
        watch = threading.Timer(self._patience, _cut, [request])
        watch.daemon = True
        watch.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            watch.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are nobody's concern."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        health = _asked(self.server.health)
        status = HTTPStatus.OK if health.healthy else HTTPStatus.SERVICE_UNAVAILABLE
        own = {"healthy": health.healthy}
        self._answer(status, own | dict(health.facts) | own)

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request, without words of the request."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # a method other than ours
            known = self.path.partition("?")[0] == PATH
            status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
        self._answer(status)

    def _answer(self, status: HTTPStatus, content: Mapping[str, Any] | None = None) -> None:
        body = b"" if content is None else json.dumps(content, default=str).encode() + b"\n"
        self.send_response(status)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if body:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Nothing of Python, its version or the base class."""
        return "segflow"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: whoever watches asks every few seconds."""


def _asked(health: Callable[[], Health]) -> Health:
    """A process that can't say how it is, is not well."""
    try:
        return health()
    except Exception as error:
        return Health(healthy=False, facts={"reason": f"it can't be told: {type(error).__name__}"})
