"""The health of a process over HTTP, asked through real sockets."""

import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import urllib3

from segflow.cli.health import PLACES, Health, HealthServer
from segflow.errors import RefusedError

WELL = Health(healthy=True, facts={"owner": "host:1", "runs_today": 3, "reason": None})
ILL = Health(healthy=False, facts={"reason": "no tick for 5 minutes"})


def ask(server: HealthServer, path: str = "/healthz", method: str = "GET"):
    """One request on a connection of its own."""
    url = f"http://127.0.0.1:{server.port}{path}"
    with urllib3.PoolManager() as pool:
        return pool.request(method, url, retries=False, timeout=30)


@contextmanager
def connected(server: HealthServer, say: bytes) -> Iterator[socket.socket]:
    """A connection on which so much was said."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(say)
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that is answered until the other side hangs up."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.fixture
def start() -> Iterator[Callable[..., HealthServer]]:
    """Starts servers that are stopped at the end."""
    running: list[HealthServer] = []

    def started(health: Callable[[], Health], **options: float) -> HealthServer:
        server = HealthServer(health, **options).__enter__()
        running.append(server)
        return server

    yield started
    for server in running:
        server.__exit__(None, None, None)


@pytest.mark.parametrize(("health", "status"), [(WELL, 200), (ILL, 503)])
def test_health_is_told_with_its_facts(start, health, status):
    """200 where all is well and 503 where not, with one JSON object."""
    answer = ask(start(lambda: health))
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"healthy": health.healthy, **health.facts}


def test_health_is_asked_anew_each_time(start):
    """An answer is about now: a process that falls ill is told of at the next request."""
    told = [WELL, ILL]
    server = start(lambda: told.pop(0))
    assert [ask(server).status, ask(server).status] == [200, 503]


def test_facts_do_not_overrule_the_verdict(start):
    """`healthy` is the server's own word, whatever facts are called."""
    server = start(lambda: Health(healthy=False, facts={"healthy": True}))
    assert ask(server).json() == {"healthy": False}


def test_head_gets_the_status_alone(start):
    """HEAD has the headers of GET and no body."""
    server = start(lambda: WELL)
    answer = ask(server, method="HEAD")
    assert answer.status == 200
    assert answer.data == b""
    assert int(answer.headers["Content-Length"]) == len(ask(server).data)


def test_health_that_cannot_be_told_is_not_good(start):
    """A failure while the facts are gathered is an answer, without its words."""
    server = start(lambda: Health(healthy=bool(1 / 0), facts={}))
    answer = ask(server)
    assert answer.status == 503
    assert answer.json() == {"healthy": False, "reason": "it can't be told: ZeroDivisionError"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/healthz/", 404),
        ("POST", "/", 404),
        ("GET", "/healthz?verbose", 200),
        ("POST", "/healthz", 405),
        ("DELETE", "/healthz", 405),
        ("NONSENSE", "/healthz", 405),
    ],
)
def test_nothing_else_is_answered(start, method, path, status):
    """Other paths are 404, other methods 405 with the ones that there are."""
    answer = ask(start(lambda: WELL), path, method)
    assert answer.status == status
    assert answer.headers.get("Allow") == ("GET, HEAD" if status == 405 else None)
    if status != 200:
        assert answer.data == b""


@pytest.mark.parametrize("words", [b"<script>\r\n\r\n", b"GET /healthz HTTP/9.9\r\n\r\n"])
def test_what_is_no_request_is_not_repeated(start, words):
    """A request that can't be read is refused without its words."""
    with connected(start(lambda: WELL), words) as connection:
        answer = rest(connection)
    assert b"script" not in answer
    assert b"Python" not in answer
    assert b"200" not in answer


def test_the_server_says_no_more_than_its_name(start):
    """No version of Python or of segflow is told."""
    assert ask(start(lambda: WELL)).headers["Server"] == "segflow"


def test_requests_are_not_logged(start, capfd):
    """Whoever watches asks every few seconds: nothing is said of it."""
    server = start(lambda: WELL)
    ask(server)
    ask(server, "/other")
    with connected(server, b"GET /hea"):
        pass
    ask(server)
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_a_client_that_goes_away_is_not_logged(capfd):
    """Who hangs up before the answer is no error worth a word."""
    asked, gone = threading.Event(), threading.Event()

    def health() -> Health:
        asked.set()
        assert gone.wait(30)
        return WELL

    with HealthServer(health) as server:
        before = set(threading.enumerate())
        with connected(server, b"GET /healthz HTTP/1.1\r\n\r\n") as connection:
            assert asked.wait(30)
            answering = set(threading.enumerate()) - before
            hard = struct.pack("ii", 1, 0)  # closing resets the connection
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)
        gone.set()
        for thread in answering:
            thread.join(30)
    assert answering
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_it_listens_on_loopback_only(start):
    """Another address of this machine does not answer, though the port is the same."""
    server = start(lambda: WELL)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=30)


@pytest.mark.parametrize("say", [b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nX-Long: a"])
def test_a_silent_client_is_let_go(start, say):
    """Who connects and does not end a request is hung up on when patience is over."""
    with connected(start(lambda: WELL, patience=0.2), say) as connection:
        assert rest(connection) == b""


def test_a_client_that_drips_is_let_go(start):
    """A byte now and then does not keep a connection open beyond the patience."""
    said = b"GET /healthz HTTP/1.1\r\nX-Long: a"
    with connected(start(lambda: WELL, patience=0.2), said) as connection:
        dripped = 0
        while not select.select([connection], [], [], 0.02)[0]:
            connection.sendall(b"a")
            dripped += 1
            assert dripped < 500
        assert rest(connection) == b""
    assert dripped > 1


def test_slow_clients_keep_nobody_out(start):
    """Where every place is taken by silent clients, the next one is answered when they are let
    go."""
    server = start(lambda: WELL, patience=0.2)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(PLACES)]
    try:
        assert ask(server).status == 200
    finally:
        for connection in silent:
            connection.close()


def test_only_so_many_are_answered_at_once(start):
    """Further requests wait until one of those under way is done, and then are answered."""
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)

    def slow() -> Health:
        entered.release()
        assert leave.acquire(timeout=30)
        return WELL

    server = start(slow)
    answers: list[int] = []
    asking = [
        threading.Thread(target=lambda: answers.append(ask(server).status))
        for _ in range(PLACES + 1)
    ]
    for one in asking:
        one.start()
    assert all(entered.acquire(timeout=30) for _ in range(PLACES))
    assert not entered.acquire(timeout=0.2)
    leave.release()
    assert entered.acquire(timeout=30)
    leave.release(PLACES)
    for one in asking:
        one.join()
    assert answers == [200] * (PLACES + 1)


def test_a_port_that_is_taken_is_refused(start):
    """The refusal names the port and the option that chooses another."""
    taken = start(lambda: WELL).port
    with pytest.raises(RefusedError, match=f"port {taken} .* in use") as refused:
        start(lambda: WELL, port=taken)
    assert "--health-port" in refused.value.hint


def test_a_port_that_does_not_exist_is_refused(start):
    """Ports end at 65535."""
    with pytest.raises(RefusedError, match="no such port"):
        start(lambda: WELL, port=65536)


def test_the_port_is_free_again_at_the_end():
    """A server that is left lets go of its port, and another can have it at once."""
    with HealthServer(lambda: WELL) as first:
        ask(first)
        port = first.port
    with HealthServer(lambda: ILL, port=port) as second:
        assert json.loads(ask(second).data)["healthy"] is False
