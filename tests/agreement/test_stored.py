"""Values that a source can hold and a case can't: engines and explanations treat them alike."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from segflow.compiler.worlds import World
from segflow.errors import UnusableDataError
from segflow.model.compiled import Compiled
from segflow.model.instant import parse_instant
from segflow.ports import Engine
from tests.agreement.hosts import DUCKDB, MYSQL, POSTGRES, SQLITE, Host, postgres_schema
from tests.agreement.mariadb import mariadb_database
from tests.agreement.sides import by_engine, explained
from tests.compiler.projects import compiled

T = parse_instant("2026-03-31T12:00:00Z")
CATALOG = """\
source: shop
engine: {engine}
url: {url}
---
entity: customer
key: {{type: integer}}
population: {{source: shop, table: people, key: id, since: first_seen}}
fields:
  plan: {{type: string, at: {{source: shop, table: people, key: id, column: plan}}}}
  other: {{type: string, at: {{source: shop, table: people, key: id, column: other}}}}
  born: {{type: date, at: {{source: shop, table: people, key: id, column: born}}}}
  seen: {{type: timestamp, at: {{source: shop, table: people, key: id, column: seen}}}}
  left: {{type: timestamp, at: {{source: shop, table: people, key: id, column: gone}}}}
---
event: visit
entities: {{customer: person}}
at: {{source: shop, table: visits, time: happened, id: {{column: id, type: string}}}}
properties:
  page: {{type: string, column: page}}
---
event: order
entities: {{customer: person}}
at: {{source: shop, table: orders, time: happened, id: {{column: id, type: integer}}}}
properties:
  paid: {{type: timestamp, column: paid}}
"""
BEYOND_IN_SQL = """INSERT INTO people (id, first_seen, born, seen, gone) VALUES
  (1, '-infinity', 'infinity', 'infinity', 'infinity'),
  (2, '-infinity', '-infinity', '-infinity', '-infinity'),
  (3, '0044-03-15 00:00:00+00 BC', '20000-01-01', '20000-01-01 00:00:00+00', '30000-06-01'),
  (4, '2026-01-01', '9999-12-31', '9999-12-31 23:59:59.999999+00', '9999-12-31 23:59:59.999'),
  (5, 'infinity', NULL, NULL, NULL);
INSERT INTO people (id, first_seen) VALUES (6, '2026-01-01'), (7, '2026-01-01');
INSERT INTO orders VALUES
  (18446744073709551615, 6, '-infinity', '2026-01-01'),
  (7, 6, '0044-03-15 00:00:00+00 BC', '2026-02-01'),
  (8, 7, 'infinity', '2026-01-01');
"""


@dataclass(frozen=True, slots=True)
class Store:
    """An engine with tables whose texts have a collation that ignores case, and rows in which
    instants and dates lie beyond the calendar."""

    host: Host
    tables: str
    beyond: str
    run: Callable[[Path, str], None]


def _in_duckdb(folder: Path, statements: str) -> None:
    (folder / "shop.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(statements)


def _in_sqlite(folder: Path, statements: str) -> None:
    (folder / "shop.db").unlink(missing_ok=True)
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript(statements)
    connection.close()


def _in_postgres(folder: Path, statements: str) -> None:
    with postgres_schema() as connection:
        connection.execute(statements.encode())


def _in_mysql(folder: Path, statements: str) -> None:
    with mariadb_database() as cursor:
        for statement in filter(str.strip, statements.split(";")):
            cursor.execute(statement)


STORES = (
    Store(
        replace(DUCKDB, url=lambda: "shop.duckdb"),
        """
        CREATE TABLE people (id BIGINT, first_seen TIMESTAMPTZ, plan VARCHAR COLLATE NOCASE,
          other VARCHAR, born DATE, seen TIMESTAMPTZ, gone TIMESTAMP);
        CREATE TABLE visits (id VARCHAR COLLATE NOCASE, person BIGINT, happened TIMESTAMP,
          page VARCHAR COLLATE NOCASE);
        CREATE TABLE orders (id UBIGINT, person UBIGINT, happened TIMESTAMPTZ, paid TIMESTAMPTZ);
        """,
        BEYOND_IN_SQL.replace("00:00:00+00 BC", "(BC) 00:00:00+00"),
        _in_duckdb,
    ),
    Store(
        SQLITE,
        """
        CREATE TABLE people (id INTEGER, first_seen INTEGER, plan TEXT COLLATE NOCASE, other TEXT,
          born TEXT, seen TIMESTAMP, gone INTEGER);
        CREATE TABLE visits (id TEXT COLLATE NOCASE, person INTEGER, happened TEXT,
          page TEXT COLLATE NOCASE);
        CREATE TABLE orders (id INTEGER, person INTEGER, happened INTEGER, paid TEXT);
        """,
        """
        INSERT INTO people (id, first_seen, born, seen, gone) VALUES
          (1, -9e17, '9999-12-31', 9e17, 9e17),
          (2, -9e17, '0001-01-01', -9e17, -9e17),
          (3, -63549705600000, '9999-12-31', '9999-12-31T23:59:59.999-14:00', 9e17),
          (4, '2026-01-01', '9999-12-31', '9999-12-31 23:59:59.999999+00:00', 253402300799999),
          (5, 9e17, NULL, NULL, NULL);
        INSERT INTO people (id, first_seen) VALUES (6, '2026-01-01'), (7, '2026-01-01');
        INSERT INTO orders VALUES (9223372036854775807, 6, -9e17, '2026-01-01'),
          (7, 6, -63549705600000, '2026-02-01'), (8, 7, 9e17, '2026-01-01');
        """,
        _in_sqlite,
    ),
    Store(
        POSTGRES,
        """
        CREATE COLLATION nocase
          (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE people (id BIGINT, first_seen TIMESTAMPTZ, plan VARCHAR COLLATE nocase,
          other TEXT COLLATE "en-x-icu", born DATE, seen TIMESTAMPTZ, gone TIMESTAMP);
        CREATE TABLE visits (id VARCHAR COLLATE nocase, person BIGINT, happened TIMESTAMP,
          page VARCHAR COLLATE nocase);
        CREATE TABLE orders
          (id NUMERIC(20), person NUMERIC(20), happened TIMESTAMPTZ, paid TIMESTAMPTZ);
        """,
        BEYOND_IN_SQL,
        _in_postgres,
    ),
    Store(
        MYSQL,
        """
        CREATE TABLE people (id BIGINT, first_seen DATETIME, plan VARCHAR(20),
          other VARCHAR(20) COLLATE utf8mb4_bin, born DATE, seen DATETIME(6), gone DATETIME(6));
        CREATE TABLE visits (id VARCHAR(20), person BIGINT, happened DATETIME, page TEXT);
        CREATE TABLE orders (id BIGINT UNSIGNED, person BIGINT UNSIGNED, happened DATETIME(3),
          paid DATETIME);
        """,
        """
        INSERT INTO people (id, first_seen, born, seen, gone) VALUES
          (1, '0000-01-01', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999'),
          (2, '0000-01-01', '0000-03-15', '0000-03-15', '0000-12-31'),
          (3, '0000-01-01', '9999-12-31', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999'),
          (4, '2026-01-01', '9999-12-31', '9999-12-31 23:59:59.9995', '9999-12-31 23:59:59.999'),
          (5, '9999-12-31', NULL, NULL, NULL);
        INSERT INTO people (id, first_seen) VALUES (6, '2026-01-01'), (7, '2026-01-01');
        INSERT INTO orders VALUES (18446744073709551615, 6, '0000-01-01', '2026-01-01'),
          (7, 6, '0000-03-15', '2026-02-01'), (8, 7, '9999-12-31', '2026-01-01');
        """,
        _in_mysql,
    ),
)


@pytest.fixture(params=STORES, ids=lambda store: store.host.name)
def store(request):
    return request.param


@contextmanager
def asking(store: Store, folder: Path, rows: str, where: str) -> Iterator[tuple[Engine, Compiled]]:
    """The source with the rows, and a segment `s` with that condition."""
    store.run(folder, store.tables + rows)
    catalog = CATALOG.format(engine=store.host.name, url=store.host.url())
    project = compiled(folder, f"segment: s\nentity: customer\nwhere: {where}\n", catalog=catalog)
    with store.host.opened(project.project, folder) as engine:
        yield engine, project


def members(store: Store, folder: Path, rows: str, where: str) -> tuple[list[int], list[int]]:
    """The members by the engine, and by explanations of the users 1 to 7."""
    world = World(users=())
    with asking(store, folder, rows, where) as (engine, project):
        found = by_engine(engine, project, world, "s", T)
        traces = [explained(engine, project, world, "s", key, T) for key in range(1, 8)]
    return sorted(found), [trace.key for trace in traces if trace.member]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{everyone: true}", [1, 2, 3, 4, 6, 7]),
        ("{field: seen, exists: true}", [1, 2, 3, 4]),
        ("{field: born, gte: 9999-12-31}", [1, 3, 4]),
        ("{field: born, gt: 9999-12-31}", []),
        ("{field: born, eq: 0001-01-01}", [2]),
        ("{field: born, after: 2026-01-01}", [1, 3, 4]),
        ('{field: seen, eq: "9999-12-31T23:59:59.999Z"}', [1, 3, 4]),
        ("{field: seen, before: 2026-01-01}", [2]),
        ("{field: seen, eq: {field: left}}", [1, 2, 3, 4]),
        ("{field: seen, lt: {field: left}}", []),
        ('{field: seen, anniversary: "12-31"}', [1, 3, 4]),
        ('{field: born, anniversary: "12-31"}', [1, 3, 4]),
        ('{field: seen, anniversary: "01-01"}', [2]),
    ],
)
def test_what_lies_beyond_the_calendar_is_at_its_end(store, where, expected, tmp_path):
    """Infinity and the years beyond 1 to 9999 are the first or the last that there is."""
    assert members(store, tmp_path, store.beyond, where) == (expected, expected)


def test_events_before_the_calendar_happened(store, tmp_path):
    """An event at minus infinity was before all others; of two there, the id decides."""
    for where in (
        "{last: order.paid, lt: 2026-02-01}",
        "{first: order.paid, gte: 2026-02-01}",
        "{first_time: order, before: 2000-01-01}",
        "{did: order, exactly: 2}",
    ):
        assert members(store, tmp_path, store.beyond, where) == ([6], [6]), where


COLLATED = """
INSERT INTO people (id, first_seen, plan, other) VALUES
  (1, '2026-01-01', 'a', 'A'), (2, '2026-01-01', 'A', 'A'), (3, '2026-01-01', 'b', 'B');
INSERT INTO visits VALUES
  ('x', 1, '2026-03-01', 'home'), ('X', 1, '2026-03-01', 'HOME'), ('y', 2, '2026-03-01', 'home');
"""


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{field: plan, eq: a}", [1]),
        ("{field: plan, in: [A, B]}", [2]),
        ("{field: plan, eq: {field: other}}", [2]),
        ("{field: plan, lt: a}", [2]),
        ("{field: plan, contains: A}", [2]),
        ("{field: plan, eq: B, ignore_case: true}", [3]),
        ("{did: visit, exactly: 2}", [1]),
        ("{count_distinct: visit.page, exactly: 2}", [1]),
        ("{min: visit.page, eq: HOME}", [1]),
        ("{last: visit.page, eq: home}", [1, 2]),
        ("{did: visit, where: {property: page, starts_with: H}}", [1]),
    ],
)
def test_text_compares_by_code_points_whatever_its_collation(store, where, expected, tmp_path):
    """A column that ignores case in the source does not do so in segments."""
    assert members(store, tmp_path, COLLATED, where) == (expected, expected)


def test_a_user_with_two_values_of_a_field_is_not_explained(store, tmp_path):
    """Members are refused where a table of fields has two rows for a key; an explanation too."""
    rows = "INSERT INTO people (id, first_seen, plan) VALUES (1, '2026-01-01', 'a'), (1, NULL, 'b')"
    world = World(users=())
    with asking(store, tmp_path, rows, "{field: plan, eq: a}") as (engine, project):
        with pytest.raises(UnusableDataError, match="more than one row"):
            by_engine(engine, project, world, "s", T)
        with pytest.raises(UnusableDataError, match="more than one row for key 1"):
            explained(engine, project, world, "s", 1, T)
