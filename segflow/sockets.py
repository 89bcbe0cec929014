"""Answers that come in time, or are cut off.

A socket's own limit is for one packet: who sends a byte now and then would hold us for ever.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_after(seconds: float, find: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut down the socket that `find` gives if the block is not over after so many seconds. The
    error by which it then ends becomes a TimeoutError."""
    cut = threading.Event()

    def end() -> None:
        cut.set()
        found = find()
        if found is not None:
            # Not the method of a TLS socket, which takes away the state that the reader is using.
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    watch = threading.Timer(seconds, end)
    watch.daemon = True
    try:
        watch.start()  # in here, since Ctrl-C may come while it begins
        yield
    except Exception as error:
        if cut.is_set():
            raise TimeoutError(f"no answer within {seconds:g} seconds") from error
        raise
    finally:
        watch.cancel()
