"""One project over many stores: users in MariaDB, fields in PostgreSQL and Elasticsearch, events in
ClickHouse, DuckDB and PostgreSQL, and no segment says which."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segflow.app.query import routing
from segflow.app.segments import explain, members
from segflow.app.sources import check_sources
from segflow.app.validate import load
from segflow.app.wiring import World, open_world
from segflow.model.compiled import Compiled
from segflow.model.instant import instant_of
from tests import services
from tests.agreement.clickhouse import FOLDER, write_tables
from tests.agreement.elastic import PREFIX, client, drop_indices, write_index
from tests.agreement.hosts import drop_schema, in_schema, postgres_schema
from tests.agreement.mariadb import drop_database, in_database, insert, mariadb_database
from tests.warehouse import SETTINGS, write, write_table

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AS_OF = instant_of(NOW)
NAME = "segflow_routes"
CATALOG = f"""\
source: shop
engine: mysql
url: ${{SHOP_URL}}
---
source: crm
engine: postgres
url: ${{CRM_URL}}
---
source: search
engine: elasticsearch
url: ${{SEARCH_URL}}
---
source: lake
engine: duckdb
tables: {{orders: data/orders.parquet}}
---
source: clicks
engine: clickhouse
url: {FOLDER}
---
entity: person
key: {{type: integer}}
population: {{source: shop, table: people, key: id, since: since}}
fields:
  name: {{type: string, at: {{source: shop, table: people, key: id, column: name}}}}
  country:
    type: string
    at:
      - {{source: crm, table: profiles, key: person, column: country}}
      - {{source: search, index: {PREFIX}profiles, key: person, path: [home, country]}}
  score: {{type: integer, at: {{source: crm, table: profiles, key: person, column: score}}}}
---
event: order
entities: {{person: person}}
at:
  - {{source: clicks, table: orders, time: at}}
  - {{source: lake, table: orders, time: at}}
  - {{source: crm, table: orders, time: at}}
properties:
  total: {{type: integer, column: total}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the stores hold of one key, most of it not in all of them."""

    id: int
    known: bool
    country: str | None
    score: int | None
    orders: tuple[tuple[datetime, int], ...]

    @property
    def recent(self) -> int:
        """The orders of the last week."""
        return sum(NOW - timedelta(days=7) < at <= NOW for at, _ in self.orders)

    @property
    def spent(self) -> int:
        """What all orders come to."""
        return sum(total for at, total in self.orders if at <= NOW)


def person(id: int) -> Person:
    """Somebody, all of whom differ; a tenth of the keys are not of the population."""
    orders = [(NOW - timedelta(days=3 * number + id % 4), 10 * id) for number in range(id % 5)]
    return Person(
        id=id,
        known=id % 10 != 7,
        country=("NO", "SE", None)[id % 3],
        score=id if id % 4 else None,
        orders=tuple(orders),
    )


EVERYBODY = tuple(map(person, range(1, 61)))

SEGMENTS: Mapping[str, tuple[str, Callable[[Person], bool]]] = {
    "field": ("{field: country, eq: NO}", lambda one: one.country == "NO"),
    "not_field": ("{field: country, ne: NO}", lambda one: one.country != "NO"),
    "missing": ("{field: country, exists: false}", lambda one: one.country is None),
    "did": ("{did: order, within: 7d}", lambda one: one.recent > 0),
    "did_not": ("{did_not: order, within: 7d}", lambda one: one.recent == 0),
    "few": ("{did: order, at_most: 2}", lambda one: len(one.orders) <= 2),
    "all_three": (
        "{all: [{field: name, starts_with: a}, {field: country, eq: SE}, {did: order}]}",
        lambda one: one.id % 2 == 0 and one.country == "SE" and bool(one.orders),
    ),
    "any": (
        "{any: [{field: country, eq: SE}, {did_not: order}, {field: name, eq: b}]}",
        lambda one: one.country == "SE" or not one.orders or one.id % 2 == 1,
    ),
    "none": (
        "{none: [{field: country, exists: true}, {did: order, within: 7d}]}",
        lambda one: one.country is None and not one.recent,
    ),
    "nested": (
        "{all: [{not: {segment: any}}, {sum: order.total, gt: 100}]}",
        lambda one: (
            one.country != "SE" and bool(one.orders) and one.id % 2 == 0 and one.spent > 100
        ),
    ),
    "rank": (
        "{all: [{rank: {sum: order.total}, top: [0, 5]}, {field: country, exists: true}]}",
        lambda one: one in BEST and one.country is not None,
    ),
    "both_there": (
        "{field: score, gt: {count: order, times: 10}}",
        lambda one: one.score is not None and one.score > 10 * len(one.orders),
    ),
}
BEST = sorted(
    (one for one in EVERYBODY if one.known), key=lambda one: (-one.spent, one.id)
)[:5]  # fmt: skip

CHOICES = [
    {},
    {"country": "crm"},
    {"country": "search"},
    {"order": "crm"},
    {"order": "lake"},
    {"country": "search", "order": "lake"},
    {"country": "search", "order": "clicks"},
    {"country": "search", "order": "crm"},
    {"country": "crm", "order": "lake"},
]


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> Iterator[Path]:
    """A folder with the files of the project's data, beside full servers."""
    root = tmp_path_factory.mktemp("stores")
    orders = [(one.id, at, total) for one in EVERYBODY for at, total in one.orders]
    profiles = [one for one in EVERYBODY if one.country or one.score]
    with mariadb_database(NAME) as cursor:
        cursor.execute("CREATE TABLE people (id bigint, since datetime(3), name varchar(9))")
        known = [one for one in EVERYBODY if one.known]
        rows = [(one.id, NOW - timedelta(days=one.id), "ab"[one.id % 2]) for one in known]
        insert(
            cursor, "people", [(id, since.replace(tzinfo=None), name) for id, since, name in rows]
        )
    with postgres_schema(NAME) as connection:
        _fill_postgres(connection, profiles, orders)
    columns = {
        "person": pa.array([id for id, _, _ in orders], pa.int64()),
        "at": pa.array([at for _, at, _ in orders], pa.timestamp("us", "UTC")),
        "total": pa.array([total for *_, total in orders], pa.int64()),
    }
    write_table(root, "orders", columns)
    write_tables(root, {"orders": pa.table(columns)})
    with client(services.elasticsearch_url()) as server:
        mapping = {
            "person": {"type": "long"},
            "home": {"properties": {"country": {"type": "keyword"}}},
        }
        documents = [{"person": one.id, "home": {"country": one.country}} for one in profiles]
        write_index(server, f"{PREFIX}profiles", mapping, documents)
        yield root
        drop_indices(server)
    drop_schema(NAME)
    drop_database(NAME)


def _fill_postgres(connection: Any, profiles: list[Person], orders: list[Any]) -> None:
    connection.execute("CREATE TABLE profiles (person bigint, country text, score bigint)")
    connection.execute("CREATE TABLE orders (person bigint, at timestamptz, total bigint)")
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO profiles VALUES (%s, %s, %s)",
            [(one.id, one.country, one.score) for one in profiles],
        )
        cursor.executemany("INSERT INTO orders VALUES (%s, %s, %s)", orders)


@pytest.fixture
def opened(stores, monkeypatch) -> Callable[[Mapping[str, str]], Any]:
    """Opens the project, whose segments read from the sources that are chosen."""
    monkeypatch.setenv("SHOP_URL", in_database(NAME))
    monkeypatch.setenv("CRM_URL", in_schema(NAME))
    monkeypatch.setenv("SEARCH_URL", services.elasticsearch_url())

    def open_(chosen: Mapping[str, str]) -> tuple[Compiled, Any]:
        asked = {
            name: {thing: source for thing, source in chosen.items() if _may_choose(thing, where)}
            for name, (where, _) in SEGMENTS.items()
        }
        texts = [
            f"segment: {name}\nentity: person\nwhere: {where}\nread_from: {asked[name]}\n"
            if asked[name]
            else f"segment: {name}\nentity: person\nwhere: {where}\n"
            for name, (where, _) in SEGMENTS.items()
        ]
        files = {
            "segflow.toml": f'{SETTINGS}[secrets]\nallow = ["SHOP_URL", "CRM_URL", "SEARCH_URL"]\n',
            "catalog/stores.yaml": CATALOG,
            "segments/all.yaml": "---\n".join(texts),
        }
        write(stores, files)
        compiled = load(stores, None).compiled
        return compiled, open_world(compiled.project.settings, stores)

    return open_


def _may_choose(thing: str, where: str) -> bool:
    """A score is with the orders of crm only."""
    return thing in where and "score" not in where


def expected(name: str) -> list[int]:
    """The known people for whom the segment holds."""
    return [one.id for one in EVERYBODY if one.known and SEGMENTS[name][1](one)]


def sources(world: World, compiled: Compiled, name: str) -> set[str]:
    """The sources that a segment is read from."""
    return {part.source for part in routing(world, compiled, name, None, AS_OF).parts}


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
def test_members_are_the_same_from_all_places(opened, chosen):
    """Whichever of its places a field or an event is read from, and each answer tells some users
    from others."""
    compiled, opening = opened(chosen)
    with opening as world:
        assert list(check_sources(world, compiled)) == []
        for name in SEGMENTS:
            found = members(world, compiled, name, AS_OF)
            assert sorted(found) == expected(name), name
            assert 0 < len(found) < sum(one.known for one in EVERYBODY), name


def test_few_sources_are_asked(opened):
    """One beside the population's where one has all; a leaf over two things goes where both are."""
    compiled, opening = opened({})
    with opening as world:
        assert sources(world, compiled, "field") == {"shop", "crm"}
        assert sources(world, compiled, "all_three") == {"shop", "crm"}
        assert sources(world, compiled, "both_there") == {"shop", "crm"}
        assert sources(world, compiled, "did") == {"shop", "clicks"}


def test_choices_are_followed(opened):
    """Also where more sources are asked than there need be."""
    compiled, opening = opened({"country": "search", "order": "lake"})
    with opening as world:
        assert sources(world, compiled, "all_three") == {"shop", "search", "lake"}


@pytest.mark.parametrize("chosen", [{}, {"country": "search", "order": "lake"}], ids=str)
def test_each_user_is_explained_as_all_are_found(opened, chosen):
    """The rows of one user are looked up in each source; what is in documents is asked."""
    compiled, opening = opened(chosen)
    with opening as world:
        for name in ("all_three", "any", "nested", "rank", "missing"):
            told = [
                one.id
                for one in EVERYBODY[:20]
                if explain(world, compiled, name, one.id, AS_OF).member
            ]
            assert told == [id for id in expected(name) if id <= 20], name
