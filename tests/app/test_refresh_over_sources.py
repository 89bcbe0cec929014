"""Refreshing one segment from several real servers whose rows don't agree: on who there is, and on
what time it is."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from segflow.app.refresh import Refreshed, refresh
from segflow.model.instant import instant_of
from segflow.planner.planfile import to_bytes
from tests.agreement.hosts import drop_schema, in_schema, postgres_schema
from tests.agreement.mariadb import (
    connected,
    drop_database,
    in_database,
    insert,
    mariadb_database,
)
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, world_at
from tests.services import mariadb_owner_url, postgres_owner_url, postgres_url
from tests.warehouse import SETTINGS, write

NAME = f"segflow_over_{os.getpid()}"
HOUR = timedelta(hours=1)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
NOW = FIRST + timedelta(days=7)
FILES = {
    "segflow.toml": f'{SETTINGS}[secrets]\nallow = ["CRM_URL", "SITE_URL"]\n',
    "catalog/stores.yaml": """\
source: site
engine: mysql
url: ${SITE_URL}
---
source: crm
engine: postgres
url: ${CRM_URL}
---
entity: person
key: {type: integer, ordinals: direct}
population: {source: site, table: people, key: id}
fields:
  country: {type: string, at: {source: crm, table: profiles, key: person, column: country}}
---
event: visit
entities: {person: person}
at: {source: site, table: visits, time: at, arrived: arrived}
---
event: order
entities: {person: person}
at: {source: crm, table: orders, time: at, arrived: arrived}
""",
    "segments/all.yaml": """\
segment: bought
entity: person
where: {did: order, within: 7d}
---
segment: only_looked
entity: person
where: {all: [{did: visit, within: 7d}, {did_not: order, within: 7d}]}
---
segment: foreign
entity: person
where: {field: country, ne: NO}
---
segment: unknown
entity: person
where: {field: country, exists: false}
---
segment: visited
entity: person
where: {did: visit}
""",
}


@dataclass(slots=True)
class Stores:
    """What the servers hold: `people` and `visits` on one, `countries` and `orders` on the other.
    Events are a key and when it happened; each arrives as it happens."""

    people: list[int]
    countries: dict[int, str]
    visits: list[tuple[int, datetime]]
    orders: list[tuple[int, datetime]]

    def write(self) -> None:
        """Put it there, in place of what was."""
        with connected(mariadb_owner_url()) as cursor:
            cursor.execute(f"USE {NAME}")
            cursor.execute("DELETE FROM people")
            cursor.execute("DELETE FROM visits")
            insert(cursor, "people", [(id,) for id in self.people])
            visits = [(id, at.replace(tzinfo=None)) for id, at in self.visits]
            insert(cursor, "visits", [(id, at, at) for id, at in visits])
        with (
            psycopg.connect(in_schema(NAME, postgres_owner_url())) as connection,
            connection.cursor() as rows,
        ):
            rows.execute("TRUNCATE profiles, orders")
            rows.executemany("INSERT INTO profiles VALUES (%s, %s)", list(self.countries.items()))
            orders = [(id, at, at) for id, at in self.orders]
            rows.executemany("INSERT INTO orders VALUES (%s, %s, %s)", orders)

    def members(self, at: datetime) -> Mapping[str, list[int]]:
        """Who is in each segment at an instant."""

        def since(events: list[tuple[int, datetime]], first: datetime) -> set[int]:
            return {id for id, when in events if first < when <= at}

        week = at - timedelta(days=7)
        bought, looked = since(self.orders, week), since(self.visits, week)
        ever = since(self.visits, datetime.min.replace(tzinfo=UTC))
        found: dict[str, Any] = {
            "bought": bought,
            "only_looked": looked - bought,
            "foreign": {id for id, one in self.countries.items() if one != "NO"},
            "unknown": set(self.people) - set(self.countries),
            "visited": ever,
        }
        # Who has no country has another one than Norway, too.
        found["foreign"] |= found["unknown"]
        return {name: sorted(ids & set(self.people)) for name, ids in found.items()}


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    """The tables on both servers."""
    with mariadb_database(NAME) as cursor:
        cursor.execute("CREATE TABLE people (id bigint PRIMARY KEY)")
        cursor.execute("CREATE TABLE visits (person bigint, at datetime(3), arrived datetime(3))")
    with postgres_schema(NAME) as connection:
        connection.execute("CREATE TABLE profiles (person bigint PRIMARY KEY, country text)")
        connection.execute(
            "CREATE TABLE orders (person bigint, at timestamptz, arrived timestamptz)"
        )
    yield
    drop_schema(NAME)
    drop_database(NAME)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, deployed a week ago."""
    monkeypatch.setenv("SITE_URL", in_database(NAME))
    monkeypatch.setenv("CRM_URL", in_schema(NAME, postgres_url()))
    Stores([1, 2, 3], {1: "NO"}, [(1, FIRST)], [(2, FIRST)]).write()
    write(tmp_path, FILES)
    apply_at(tmp_path, instant_of(FIRST), to_bytes(plan_at(tmp_path, instant_of(FIRST))))
    return tmp_path


def refreshed(root: Path, now: datetime) -> Mapping[str, Refreshed]:
    with world_at(root, instant_of(now)) as world:
        return {one.segment: one for one in refresh(world, (), None)}


def held(root: Path) -> Mapping[str, list[int]]:
    """The recorded members."""
    return {name: list(found) for name, found in ledger(root).members.items()}


def test_keys_outside_the_population(root: Path):
    """Nobody who is known to one server alone is a member, whatever is said of them; a key that
    can't be anybody's is one of those."""
    stores = Stores(
        people=[1, 2, 3, 4, 5],
        countries={-1: "NO", 1: "NO", 2: "SE", 7: "NO", 8: "SE", 2**62: "SE"},
        visits=[(1, NOW), (3, NOW), (8, NOW), (9, NOW)],
        orders=[(1, NOW), (4, NOW), (7, NOW), (10, NOW)],
    )
    stores.write()
    found = refreshed(root, NOW)
    assert all(one.error is None and one.kept is None for one in found.values())
    assert held(root) == stores.members(NOW)
    assert all(held(root).values())


def test_clocks_that_differ(root: Path):
    """One server is two hours ahead of the other, with ours between them. All segments are of the
    instant that both have reached; what is stamped later counts when that has come."""
    slow, fast = NOW - HOUR, NOW + HOUR
    stores = Stores(
        people=[1, 2, 3, 4],
        countries={},
        visits=[(1, slow - HOUR), (2, slow)],
        orders=[(2, slow + timedelta(minutes=1)), (3, fast), (4, slow)],
    )
    stores.write()
    found = refreshed(root, NOW)
    assert {one.as_of for one in found.values()} == {instant_of(slow)}
    assert {one.held_back_by for one in found.values()} == {"event.visit"}
    assert held(root) == stores.members(slow)
    assert held(root)["only_looked"] == [1, 2]

    stores.visits.append((4, fast))
    stores.write()
    later = refreshed(root, fast + HOUR)
    assert {one.as_of for one in later.values()} == {instant_of(fast)}
    assert held(root) == stores.members(fast)
    assert held(root)["only_looked"] == [1]


def test_a_clock_of_ours_that_goes_back(root: Path):
    """What is recorded stands; nothing failed, and nothing is asked of a time that is over."""
    stores = Stores([1, 2, 3], {}, [(3, NOW)], [(1, NOW)])
    stores.write()
    refreshed(root, NOW)
    recorded = held(root)
    Stores([1], {}, [], []).write()
    found = refreshed(root, NOW - HOUR)
    assert all("it is recorded as of" in (one.kept or "") for one in found.values())
    assert held(root) == recorded
    with world_at(root, instant_of(NOW)) as world:
        assert world.state.failed_refreshes() == {}
