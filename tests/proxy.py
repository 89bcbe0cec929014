"""A stand-in before a server: it passes on what is said, tells a test when a question is under way,
and lets what comes back drip."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit


def nothing() -> None:
    """Does that."""


class Proxy(ThreadingTCPServer):
    """Stands before the server at `port` of this machine. The first time that `marker` is in what
    is asked, `before` is called and then `after`, between which the question is passed on. Where
    there is an `interval`, over a connection on which the marker was seen a byte comes back each so
    many seconds; over all from the first byte on where the marker is empty."""

    daemon_threads = True

    def __init__(
        self,
        port: int,
        marker: bytes,
        before: Callable[[], None] = nothing,
        after: Callable[[], None] = nothing,
        interval: float | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = port
        self.marker = marker
        self.before = before
        self.after = after
        self.interval = interval
        self.asked = threading.Event()
        self.released = threading.Event()

    def through(self, url: str) -> str:
        """The url, by way of here."""
        place = urlsplit(url)
        return place._replace(netloc=place.netloc.replace(f":{self.port}", f":{self.own}")).geturl()

    @property
    def own(self) -> int:
        """The port of this."""
        return int(self.server_address[1])


class _Handler(BaseRequestHandler):
    server: Proxy
    request: socket.socket

    def setup(self) -> None:
        """Nothing was asked yet."""
        self.is_marked = not self.server.marker

    def handle(self) -> None:
        """Pass on until either side has enough."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.port)) as other:
            back = threading.Thread(target=self._bring_back, args=(other,), daemon=True)
            back.start()
            said = b""
            while given := self.request.recv(65_536):
                said = said[-len(self.server.marker) :] + given
                if self.server.marker not in said:
                    other.sendall(given)
                    continue
                self.is_marked = True
                if not self.server.asked.is_set():
                    self.server.asked.set()
                    self.server.before()
                    other.sendall(given)
                    self.server.after()
                else:
                    other.sendall(given)
            other.shutdown(socket.SHUT_WR)
            back.join()

    def _bring_back(self, other: socket.socket) -> None:
        with suppress(OSError):
            while given := other.recv(65_536):
                if self.server.interval is None or not self.is_marked:
                    self.request.sendall(given)
                else:
                    self._drip(given, self.server.interval)
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _drip(self, given: bytes, interval: float) -> None:
        for byte in given:
            self.request.sendall(bytes([byte]))
            if self.server.released.wait(interval):
                return


@contextmanager
def standing(proxy: Proxy) -> Iterator[Proxy]:
    """The stand-in, which is gone at the end."""
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        proxy.released.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()
