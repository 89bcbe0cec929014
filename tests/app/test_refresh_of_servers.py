"""Refreshing from real servers that change, are slow or gone: their segments keep their last good
members, marked as stale with the reason, and other sources' segments go on."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from segflow.app.refresh import refresh
from segflow.planner.planfile import to_bytes
from tests.agreement.hosts import drop_schema, in_schema, postgres_schema
from tests.agreement.mariadb import connected, drop_database, in_database, mariadb_database
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, world_at
from tests.proxy import Proxy, standing
from tests.services import mariadb_owner_url, postgres_owner_url, postgres_url
from tests.warehouse import SETTINGS

NAME = "segflow_refreshed"
SECRET = '[secrets]\nallow = ["CRM_URL"]\n'
CATALOG = """
---
source: crm
engine: {engine}
url: ${{CRM_URL}}
limits: {{timeout: 1s}}
---
entity: person
key: {{type: integer, ordinals: direct}}
population: {{source: crm, table: people, key: id}}
fields:
  plan: {{type: string, at: {{source: crm, table: people, key: id, column: plan}}}}
"""
SEGMENTS = """
---
segment: golden
entity: person
where: {field: plan, eq: gold}
"""
Run = Callable[[str], Sequence[object]]
"""Executes a statement and gives its rows."""


@contextmanager
def owner_of_postgres() -> Iterator[Run]:
    """The owner in the schema of these tests."""
    with psycopg.connect(in_schema(NAME, postgres_owner_url()), autocommit=True) as connection:

        def run(statement: str) -> Sequence[object]:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else ()

        yield run


@contextmanager
def owner_of_mariadb() -> Iterator[Run]:
    """The owner in the database of these tests."""
    with connected(mariadb_owner_url()) as cursor:
        cursor.execute(f"USE {NAME}")

        def run(statement: str) -> Sequence[object]:
            cursor.execute(statement)
            return cursor.fetchall()

        yield run


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test. `make` makes an empty place for tables there, which `forget` removes.
    `slow` reads as `people` does, in ten minutes; `asked` tells how many queries of segflow's the
    server is at work on."""

    engine: str
    address: Callable[[], str]
    owner: Callable[[], AbstractContextManager[Run]]
    make: Callable[[], AbstractContextManager[object]]
    forget: Callable[[], None]
    slow: str
    asked: str


SERVERS = [
    Server(
        engine="postgres",
        address=lambda: in_schema(NAME, postgres_url()),
        owner=owner_of_postgres,
        make=lambda: postgres_schema(NAME),
        forget=lambda: drop_schema(NAME),
        slow="SELECT id, plan FROM moved, pg_sleep(600)",
        asked="SELECT count(*) FROM pg_stat_activity WHERE application_name = 'segflow'"
        " AND state = 'active' AND query LIKE '%people%'",
    ),
    Server(
        engine="mysql",
        address=lambda: in_database(NAME),
        owner=owner_of_mariadb,
        make=lambda: mariadb_database(NAME),
        forget=lambda: drop_database(NAME),
        slow="SELECT id, plan FROM moved WHERE sleep(600) = 0",
        asked="SELECT count(*) FROM information_schema.processlist"
        f" WHERE db = '{NAME}' AND command = 'Query' AND info NOT LIKE '%processlist%'",
    ),
]


@pytest.fixture(params=SERVERS, ids=lambda server: server.engine)
def server(request, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, whose people are a segment that is deployed beside others."""
    found: Server = request.param
    with found.make():
        pass
    with found.owner() as run:
        run("CREATE TABLE people (id INTEGER PRIMARY KEY, plan VARCHAR(9))")
        run("INSERT INTO people VALUES (1, 'gold'), (2, 'gold'), (3, 'iron')")
    monkeypatch.setenv("CRM_URL", found.address())
    (fresh / "segflow.toml").write_text(SETTINGS + SECRET)
    for name, text in (
        ("catalog", CATALOG.format(engine=found.engine)),
        ("segments", SEGMENTS),
    ):
        path = fresh / name / "shop.yaml"
        path.write_text(path.read_text() + text)
    apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
    yield found
    found.forget()


def refreshed(root: Path, at: int) -> str | None:
    """Refresh everything at an instant; the reason for which `golden` is stale then. Its members
    are those of the first apply if it is, and all other segments have been refreshed."""
    with world_at(root, at) as world:
        found = {one.segment: one for one in refresh(world, (), None)}
        stale = world.state.failed_refreshes()
    others = [one for name, one in found.items() if name != "golden"]
    assert others
    assert all(one.error is None and one.as_of == at for one in others)
    golden = found["golden"]
    assert (golden.error is None) == ("golden" not in stale)
    if "golden" not in stale:
        return None
    assert (golden.as_of, golden.size) == (shop.FIRST, 2)
    assert list(ledger(root).members["golden"]) == [1, 2]
    assert stale["golden"].as_of == at
    return stale["golden"].reason


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("ALTER TABLE people RENAME COLUMN plan TO tariff", "RENAME COLUMN tariff TO plan"),
        ("ALTER TABLE people DROP COLUMN plan", "ADD COLUMN plan VARCHAR(9)"),
    ],
)
def test_a_column_that_is_gone(server: Server, fresh: Path, change: str, back: str):
    """Until it is back."""
    with server.owner() as run:
        run(change)
    reason = refreshed(fresh, shop.SECOND)
    assert reason is not None
    assert "table or column is missing" in reason
    with server.owner() as run:
        run(f"ALTER TABLE people {back}")
    assert refreshed(fresh, shop.LATER) is None


def test_a_table_that_is_renamed(server: Server, fresh: Path):
    """Until it has its name again."""
    with server.owner() as run:
        run("ALTER TABLE people RENAME TO moved")
    reason = refreshed(fresh, shop.SECOND)
    assert reason is not None
    assert "table or column is missing" in reason
    with server.owner() as run:
        run("ALTER TABLE moved RENAME TO people")
    assert refreshed(fresh, shop.LATER) is None


def test_keys_of_another_type(server: Server, fresh: Path):
    """Texts are no integers, though they may look like them."""
    with server.owner() as run:
        run("CREATE TABLE others (id VARCHAR(9), plan VARCHAR(9))")
        run("INSERT INTO others VALUES ('one', 'gold')")
        run("ALTER TABLE people RENAME TO moved")
        run("ALTER TABLE others RENAME TO people")
    assert refreshed(fresh, shop.SECOND) is not None


def test_a_server_that_is_slow(server: Server, fresh: Path):
    """The query is given up after `limits.timeout`, by the server, too."""
    with server.owner() as run:
        run("ALTER TABLE people RENAME TO moved")
        run(f"CREATE VIEW people AS {server.slow}")
    assert refreshed(fresh, shop.SECOND) is not None
    with server.owner() as run:
        assert [*run(server.asked)] == [(0,)]


@pytest.mark.parametrize(
    ("marker", "says"),
    [(b"people", "no answer within 3 s"), (b"", "timeout expired|no answer within 3 s")],
    ids=["to a question", "to a greeting"],
)
def test_an_answer_that_never_ends(
    server: Server, fresh: Path, monkeypatch: pytest.MonkeyPatch, marker: bytes, says: str
):
    """A byte comes now and then, each well in time; what ends is the time for all of them."""
    place = urlsplit(server.address())
    with standing(Proxy(place.port or 0, marker, interval=0.5)) as proxy:
        monkeypatch.setenv("CRM_URL", proxy.through(server.address()))
        assert re.search(says, refreshed(fresh, shop.SECOND) or "")
    monkeypatch.setenv("CRM_URL", server.address())
    assert refreshed(fresh, shop.LATER) is None


def test_a_password_that_is_wrong(server: Server, fresh: Path, monkeypatch: pytest.MonkeyPatch):
    """Until the url has the right one; neither is told."""
    right = f":{urlsplit(server.address()).password}@"
    monkeypatch.setenv("CRM_URL", server.address().replace(right, ":hush-hush@"))
    reason = refreshed(fresh, shop.SECOND) or ""
    assert re.search("password authentication failed|Access denied", reason), reason
    assert "hush" not in reason
    monkeypatch.setenv("CRM_URL", server.address())
    assert refreshed(fresh, shop.LATER) is None


def test_a_server_that_is_gone(server: Server, fresh: Path, monkeypatch: pytest.MonkeyPatch):
    """Nobody listens where the url leads."""
    scheme = server.address().partition(":")[0]
    monkeypatch.setenv("CRM_URL", f"{scheme}://nobody:secret@127.0.0.1:9/none")
    reason = refreshed(fresh, shop.SECOND)
    assert reason is not None
    assert "secret" not in reason
    monkeypatch.setenv("CRM_URL", server.address())
    assert refreshed(fresh, shop.LATER) is None
