"""A real HTTP receiver on loopback that keeps a log of its own, to judge what arrived."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived. `connection` numbers the connections that were opened."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int


class Receiver(ThreadingHTTPServer):
    """Answers by `manner`: a status, or the word of a way to answer badly.

    `acted` are the idempotency keys it acted upon, each once. It does so before it answers, so that
    a bad answer does not undo it.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manner: int | str = 200
        self.requests: list[Request] = []
        self.acted: set[str] = set()
        self.connections = 0
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.number = self.server.connections

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(
            Request(path=self.path, headers=headers, body=json.loads(body), connection=self.number)
        )
        self.server.arrived.release()
        match self.server.manner:
            case int() as status:
                if status < 300 or status >= 500:
                    self.server.acted.add(headers["idempotency-key"])
                self._answer(status)
            case "redirect":
                self._answer(307, Location=f"{self.server.url}/elsewhere")
            case "hang":
                self._end_after(b"")
            case "drip":
                self._drip(b"HTTP/1.1")
            case "drip headers":
                self.server.acted.add(headers["idempotency-key"])
                self._drip(b"HTTP/1.1 200 OK\r\nX-Long:")
            case "half":
                self.server.acted.add(headers["idempotency-key"])
                self._end_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            case "drop":
                self.close_connection = True

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "2"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def _end_after(self, content: bytes) -> None:
        self.close_connection = True
        self.wfile.write(content)
        self.server.released.wait(30)

    def _drip(self, content: bytes) -> None:
        """A line that never ends, a space at a time."""
        self.close_connection = True
        self.wfile.write(content)
        while not self.server.released.wait(0.05):
            try:
                self.wfile.write(b" ")
            except OSError:
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens; at the end nobody hangs in it any more."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.released.set()
            receiver.shutdown()
            thread.join()
