"""Servers that are killed or hang in the middle of a question of a refresh: others' segments go on,
theirs keep their last good members, stale with the reason, until they are back. The servers are
of these tests alone."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from segflow.app.refresh import Refreshed, refresh
from segflow.cli.main import main
from segflow.model.instant import Instant, format_instant
from segflow.planner.planfile import to_bytes
from tests.agreement.elastic import client, write_index
from tests.agreement.mariadb import connected, insert
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, world_at
from tests.own_servers import Own, own_elasticsearch, own_home, own_mariadb, own_postgres
from tests.proxy import Proxy, standing
from tests.warehouse import SETTINGS

pytestmark = pytest.mark.timeout(400)  # servers are started, some of them again

SOURCE = """
---
source: {name}
engine: {engine}
url: ${{{secret}}}
limits: {{timeout: 1s}}
---
entity: {name}_person
key: {{type: integer, ordinals: direct}}
population: {{source: {name}, table: people, key: id}}
fields:
  plan: {{type: string, at: {{source: {name}, table: people, key: id, column: plan}}}}
"""
ELSEWHERE = """\
  {name}_plan: {{type: string, at: {{source: {name}, table: people, key: id, column: plan}}}}
"""
GOLDEN = """
---
segment: {name}
entity: {name}_person
where: {{field: plan, eq: gold}}
"""
EVERYWHERE = """
---
segment: everywhere
entity: crm_person
where:
  all: [{field: plan, eq: gold}, {field: billing_plan, eq: gold}, {field: search_plan, eq: gold}]
"""
Rows = Mapping[int, str]
BEFORE: Rows = {1: "gold", 2: "gold", 3: "iron"}
AFTER: Rows = {**BEFORE, 4: "gold"}


@dataclass(frozen=True, slots=True)
class Server:
    """One of the three. `write` puts people there in place of those before; `marker` is in what
    asks for them."""

    name: str
    engine: str
    own: Own
    url: str
    owner: str
    write: Callable[[str, Rows], None]
    marker: bytes = b"people"

    @property
    def secret(self) -> str:
        """The secret that holds its url."""
        return f"{self.name.upper()}_URL"


def _write_postgres(owner: str, rows: Rows) -> None:
    with psycopg.connect(owner) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS people")
        cursor.execute("CREATE TABLE people (id bigint PRIMARY KEY, plan text)")
        cursor.executemany("INSERT INTO people VALUES (%s, %s)", list(rows.items()))


def _write_mariadb(owner: str, rows: Rows) -> None:
    with connected(owner) as cursor:
        cursor.execute("USE segflow")
        cursor.execute("CREATE OR REPLACE TABLE people (id bigint PRIMARY KEY, plan varchar(9))")
        insert(cursor, "people", list(rows.items()))


def _write_elasticsearch(owner: str, rows: Rows) -> None:
    mapping = {"id": {"type": "long"}, "plan": {"type": "keyword"}}
    with client(owner) as connection:
        documents: list[Mapping[str, Any]] = [{"id": id, "plan": plan} for id, plan in rows.items()]
        write_index(connection, "people", mapping, documents)


def _sql(name: str, engine: str, scheme: str, own: Own, write: Any) -> Server:
    def url(role: str) -> str:
        return f"{scheme}://segflow_{role}:segflow_{role}@127.0.0.1:{own.port}/segflow"

    return Server(name, engine, own, url("reader"), url("owner"), write)


@pytest.fixture(scope="module")
def servers() -> Iterator[Mapping[str, Server]]:
    """One of each kind, by its name."""
    with own_home() as home, ThreadPoolExecutor() as together:
        search = own_elasticsearch(home)
        at = f"http://127.0.0.1:{search.port}"
        found = [
            _sql("crm", "postgres", "postgresql", own_postgres(home), _write_postgres),
            _sql("billing", "mysql", "mysql", own_mariadb(home), _write_mariadb),
            Server("search", "elasticsearch", search, at, at, _write_elasticsearch, b"_search"),
        ]
        try:
            list(together.map(lambda one: one.own.start(), found))
            yield {one.name: one for one in found}
        finally:
            list(together.map(lambda one: one.own.stop(), found))


@pytest.fixture
def root(
    servers: Mapping[str, Server], fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A project that is deployed, with a segment of each server, one of all, and others; by now
    there is somebody more on each server. At the end all servers run."""
    secrets = [one.secret for one in servers.values()]
    (fresh / "segflow.toml").write_text(f"{SETTINGS}[secrets]\nallow = {json.dumps(secrets)}\n")
    catalog, segments = fresh / "catalog/shop.yaml", fresh / "segments/shop.yaml"
    facts = [
        {"name": one.name, "engine": one.engine, "secret": one.secret} for one in _all(servers)
    ]
    crm, *others = (SOURCE.format(**one) for one in facts)
    elsewhere = [ELSEWHERE.format(**one) for one in facts[1:]]
    catalog.write_text("".join([catalog.read_text(), crm, *elsewhere, *others]))
    golden = [GOLDEN.format(**one) for one in facts]
    segments.write_text("".join([segments.read_text(), *golden, EVERYWHERE]))
    for one in _all(servers):
        monkeypatch.setenv(one.secret, one.url)
        one.write(one.owner, BEFORE)
    apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
    for one in _all(servers):
        one.write(one.owner, AFTER)
    yield fresh
    for one in _all(servers):
        one.own.thaw()
        one.own.start()


def _all(servers: Mapping[str, Server]) -> list[Server]:
    return list(servers.values())


def refreshed(root: Path, at: Instant) -> Mapping[str, Refreshed]:
    with world_at(root, at) as world:
        return {one.segment: one for one in refresh(world, (), None)}


def members(root: Path) -> Mapping[str, list[int]]:
    """The recorded members of the servers' segments."""
    found = ledger(root).members
    return {name: list(found[name]) for name in ("crm", "billing", "search", "everywhere")}


def told(root: Path, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command prints."""
    capsys.readouterr()
    assert main((*command, "--project", str(root))) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("end", [Own.freeze, Own.kill], ids=["hangs", "is killed"])
@pytest.mark.parametrize("name", ["crm", "billing", "search"])
def test_a_server_that_fails_in_the_middle_of_a_question(
    servers: Mapping[str, Server],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    end: Callable[[Own], None],
):
    """The question has come to it when it stops for good. What it has a part of is stale until it
    is back."""
    failing = servers[name]
    own = failing.own
    proxy = Proxy(own.port, failing.marker, before=own.freeze, after=lambda: end(own))
    with standing(proxy):
        monkeypatch.setenv(failing.secret, proxy.through(failing.url))
        found = refreshed(root, shop.SECOND)
    assert proxy.asked.is_set()

    stale = {name, "everywhere"}
    assert {one.segment for one in found.values() if one.error is not None} == stale
    for one in found.values():
        assert one.as_of == (shop.FIRST if one.segment in stale else shop.SECOND)
    expected = {one: [1, 2] if one in stale else [1, 2, 4] for one in members(root)}
    assert members(root) == expected
    listed = told(root, capsys, "segment", "list")
    shown = told(root, capsys, "segment", "show", name)
    for text in (listed, shown):
        assert f"its refresh as of {format_instant(shop.SECOND)} failed: source {name}: " in text
    assert listed.count("is stale") == 2

    own.thaw()
    own.start()
    failing.write(failing.owner, AFTER)
    monkeypatch.setenv(failing.secret, failing.url)
    again = refreshed(root, shop.LATER)
    assert all(one.error is None and one.as_of == shop.LATER for one in again.values())
    assert set(map(tuple, members(root).values())) == {(1, 2, 4)}
    assert "stale" not in told(root, capsys, "segment", "list")
