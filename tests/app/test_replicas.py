"""A primary that is spared: what is read is read of its replica, as far as that has come. On real
servers, whose statistics tell who was asked."""

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from segflow.app.plan import make_plan
from segflow.app.refresh import Refreshed, refresh
from segflow.app.segments import members
from segflow.app.validate import load
from segflow.clock import SystemClock
from segflow.model.instant import Instant, instant_of
from segflow.planner.planfile import to_bytes
from tests.engines.people import until
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, world_at
from tests.replicas import Pair, pair
from tests.warehouse import SETTINGS, write

pytestmark = pytest.mark.timeout(300)  # servers are started, and copied

SECRETS = '[secrets]\nallow = ["CRM_URL", "COPY_URL"]\n'
CATALOG = """\
source: crm
engine: postgres
url: ${CRM_URL}
limits: {timeout: 1s}
replica: {url: "${COPY_URL}", REPLICA}
---
entity: person
key: {type: integer, ordinals: direct}
population: {source: crm, table: people, key: id}
fields:
  plan: {type: string, at: {source: crm, table: people, key: id, column: plan}}
---
event: login
entities: {person: person}
at: {source: crm, table: logins, time: at, id: {column: id, type: integer}, unique: true}
"""
SEGMENTS = """\
segment: golden
entity: person
where: {field: plan, eq: gold}
---
segment: active
entity: person
where: {did: login, within: 7d}
"""
TABLES = (
    "DROP TABLE IF EXISTS people, logins",
    "CREATE TABLE people (id bigint PRIMARY KEY, plan text)",
    "CREATE TABLE logins (id bigint PRIMARY KEY, person bigint, at timestamptz)",
    "INSERT INTO people VALUES (1, 'gold'), (2, 'gold'), (3, 'iron')",
    "INSERT INTO logins VALUES (1, 3, now() - interval '1 day')",
)


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    """One pair for all tests of this module; each leaves it as it found it."""
    with pair() as made:
        yield made


@pytest.fixture
def crm(servers: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The pair with its tables, which the replica has, too."""
    servers.write(*TABLES)
    servers.catch_up()
    monkeypatch.setenv("CRM_URL", servers.url())
    monkeypatch.setenv("COPY_URL", servers.replica_url())
    yield servers
    servers.start()
    servers.resume()


def now() -> Instant:
    return Instant(SystemClock().now())


def deployed(root: Path, replica: str) -> Path:
    """A project whose two segments are deployed; its replica is so declared."""
    write(
        root,
        {
            "segflow.toml": SETTINGS + SECRETS,
            "catalog/crm.yaml": CATALOG.replace("REPLICA", replica),
            "segments/crm.yaml": SEGMENTS,
        },
    )
    instant = now()
    apply_at(root, instant, to_bytes(plan_at(root, instant)))
    return root


def refreshed(root: Path, as_of: Instant | None = None) -> Mapping[str, Refreshed]:
    with world_at(root, now()) as world:
        return {one.segment: one for one in refresh(world, (), as_of)}


def held(root: Path) -> dict[str, list[int]]:
    """The recorded members of each segment."""
    return {name: list(found) for name, found in ledger(root).members.items()}


@pytest.mark.parametrize("fallback", ["refuse", "primary"])
def test_the_primary_is_asked_nothing(crm: Pair, tmp_path: Path, fallback: str):
    """Neither plan, apply, refresh nor count read a table of it."""
    before = crm.scans()
    root = deployed(tmp_path, f"max_lag: 5min, fallback: {fallback}")
    assert held(root) == {"golden": [1, 2], "active": [3]}
    crm.write("INSERT INTO people VALUES (4, 'gold')", "INSERT INTO logins VALUES (2, 4, now())")
    crm.catch_up()
    found = refreshed(root)
    assert all(one.error is None and one.kept is None for one in found.values())
    assert held(root) == {"golden": [1, 2, 4], "active": [3, 4]}
    with world_at(root, now()) as world:
        assert len(members(world, load(root, None).compiled, "golden", None)) == 3
    # That these statistics tell of a question is shown by one. (To insert rows is no scan.)
    with psycopg.connect(crm.url()) as asking:
        asking.execute("SELECT count(*) FROM people")
    until(lambda: crm.scans() > before)
    assert crm.scans() == before + 1


def test_a_primary_that_nobody_reaches_is_not_missed(
    crm: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nor is its secret, where nothing falls back on it."""
    monkeypatch.delenv("CRM_URL")
    root = deployed(tmp_path, "max_lag: 5min")
    assert held(root) == {"golden": [1, 2], "active": [3]}


def test_an_idle_primary_does_not_let_its_replica_lag(crm: Pair, tmp_path: Path):
    """The last transaction is older than `max_lag`, and none is missing."""
    root = deployed(tmp_path, "max_lag: 1s")
    until(lambda: crm.age() > 2)
    instant = now()
    found = refreshed(root)
    assert {one.error or one.kept for one in found.values()} == {None}
    assert all(one.as_of >= instant and one.held_back_by is None for one in found.values())


def test_a_paused_replica_moves_t_back(crm: Pair, tmp_path: Path):
    """To the last transaction that it shows; what came later is not in the answer. When it goes on
    T is the present again."""
    root = deployed(tmp_path, "fallback: refuse")
    crm.write("INSERT INTO people VALUES (4, 'gold')", "INSERT INTO logins VALUES (2, 4, now())")
    crm.catch_up()
    crm.pause()
    crm.write("INSERT INTO people VALUES (5, 'gold')", "INSERT INTO logins VALUES (3, 5, now())")
    crm.wait_received()
    before = now()
    found = refreshed(root)
    until_ = instant_of(crm.replayed_until())
    assert until_ < before
    assert {(one.as_of, one.held_back_by) for one in found.values()} == {(until_, "source.crm")}
    assert held(root) == {"golden": [1, 2, 4], "active": [3, 4]}
    assert {one.as_of for one in ledger(root).snapshots.values()} == {until_}
    again = refreshed(root)
    for one in again.values():
        assert one.error is None
        assert (one.as_of, one.size) == (until_, found[one.segment].size)
        assert "source.crm has come to" in (one.kept or "")
    with world_at(root, now()) as world:
        assert world.state.failed_refreshes() == {}
    exact = refreshed(root, now())
    assert all("is asked for" in (one.kept or "") for one in exact.values())
    crm.resume()
    found = refreshed(root)
    assert all(one.as_of > before and one.held_back_by is None for one in found.values())
    assert held(root) == {"golden": [1, 2, 4, 5], "active": [3, 4, 5]}


def lag(crm: Pair, seconds: int) -> None:
    """Let the replica be behind by more than that, without person 4."""
    crm.pause()
    crm.write("INSERT INTO people VALUES (4, 'gold')")
    crm.wait_received()
    until(lambda: crm.age() > seconds)


def test_beyond_max_lag_it_is_refused(crm: Pair, tmp_path: Path):
    """The segments keep their members, stale with the lag as the reason; the primary is spared."""
    root = deployed(tmp_path, "max_lag: 1s, fallback: refuse")
    scans = crm.scans()
    lag(crm, 1)
    found = refreshed(root)
    assert all(
        "s behind, which is more than `max_lag: 1s`" in (one.error or "") for one in found.values()
    )
    assert held(root) == {"golden": [1, 2], "active": [3]}
    with world_at(root, now()) as world:
        stale = world.state.failed_refreshes()
    assert set(stale) == {"golden", "active"}
    assert "s behind" in stale["golden"].reason
    assert crm.scans() == scans
    crm.resume()
    assert {one.error for one in refreshed(root).values()} == {None}
    assert held(root)["golden"] == [1, 2, 4]


def test_beyond_max_lag_the_primary_is_read(crm: Pair, tmp_path: Path):
    """At the present, since it has all."""
    root = deployed(tmp_path, "max_lag: 1s, fallback: primary")
    scans = crm.scans()
    lag(crm, 1)
    instant = now()
    found = refreshed(root)
    assert all(one.as_of >= instant and one.held_back_by is None for one in found.values())
    assert held(root)["golden"] == [1, 2, 4]
    until(lambda: crm.scans() > scans)


def test_a_stopped_replica(crm: Pair, tmp_path: Path):
    """Its process has ended: one project refuses, the other reads the primary. When it is back both
    read it again."""
    refusing = deployed(tmp_path / "refusing", "max_lag: 1min")
    falling_back = deployed(tmp_path / "falling", "max_lag: 1min, fallback: primary")
    crm.stop_replica()
    crm.write("INSERT INTO people VALUES (4, 'gold')")
    found = refreshed(refusing)
    assert all("source crm (replica)" in (one.error or "") for one in found.values())
    assert "segflow_reader" not in str(found)
    assert held(refusing)["golden"] == [1, 2]
    assert {one.error for one in refreshed(falling_back).values()} == {None}
    assert held(falling_back)["golden"] == [1, 2, 4]
    crm.start()
    crm.catch_up()
    scans = crm.scans()
    for root in (refusing, falling_back):
        assert {one.error for one in refreshed(root).values()} == {None}
        assert held(root)["golden"] == [1, 2, 4]
    assert crm.scans() == scans


def test_a_silent_replica_is_waited_for_once(
    crm: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By a whole refresh, which asks the primary for the rest of it."""
    root = deployed(tmp_path, "fallback: primary")
    crm.write("INSERT INTO people VALUES (4, 'gold')")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("COPY_URL", f"postgresql://127.0.0.1:{listening.getsockname()[1]}/crm")
        found = refreshed(root)
        listening.setblocking(False)
        listening.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert {one.error for one in found.values()} == {None}
    assert held(root)["golden"] == [1, 2, 4]


@pytest.fixture
def promoted(crm: Pair) -> Iterator[Pair]:
    """The replica is a primary of its own, until it is copied anew."""
    yield crm
    crm.stop_replica()
    crm.forget_replica()


def test_a_promoted_replica(promoted: Pair, tmp_path: Path):
    """It is told, and nobody is read: not even the primary, which may be the one that was left."""
    root = deployed(tmp_path, "max_lag: 5min, fallback: primary")
    scans = promoted.scans()
    promoted.promote()
    found = refreshed(root)
    assert all("follows no other server" in (one.error or "") for one in found.values())
    assert held(root) == {"golden": [1, 2], "active": [3]}
    assert promoted.scans() == scans


def test_a_plan_is_refused_beyond_max_lag_too(crm: Pair, tmp_path: Path):
    """As whatever reads the source."""
    root = deployed(tmp_path, "max_lag: 1s")
    lag(crm, 1)
    path = root / "segments/crm.yaml"
    path.write_text(path.read_text().replace("eq: gold", "eq: iron"))
    with world_at(root, now()) as world, pytest.raises(Exception, match="max_lag: 1s"):
        make_plan(world, load(root, None).compiled, now())
