"""Values that a source can hold and a case can't: DuckDB and the explanations treat them alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from segflow.compiler.worlds import World
from segflow.engines.duckdb import DuckDbEngine
from segflow.errors import UnusableDataError
from segflow.model.compiled import Compiled
from segflow.model.instant import parse_instant
from segflow.ports import Engine
from tests.agreement.sides import by_engine, explained
from tests.compiler.projects import compiled

T = parse_instant("2026-03-31T12:00:00Z")
CATALOG = """\
source: shop
engine: duckdb
url: shop.duckdb
---
entity: customer
key: {type: integer}
population: {source: shop, table: people, key: id, since: first_seen}
fields:
  plan: {type: string, at: {source: shop, table: people, key: id, column: plan}}
  other: {type: string, at: {source: shop, table: people, key: id, column: other}}
  born: {type: date, at: {source: shop, table: people, key: id, column: born}}
  seen: {type: timestamp, at: {source: shop, table: people, key: id, column: seen}}
  left: {type: timestamp, at: {source: shop, table: people, key: id, column: gone}}
---
event: visit
entities: {customer: person}
at: {source: shop, table: visits, time: happened, id: {column: id, type: string}}
properties:
  page: {type: string, column: page}
---
event: order
entities: {customer: person}
at: {source: shop, table: orders, time: happened, id: {column: id, type: integer}}
properties:
  paid: {type: timestamp, column: paid}
"""
TABLES = """
CREATE TABLE people (id BIGINT, first_seen TIMESTAMPTZ, plan VARCHAR COLLATE NOCASE,
  other VARCHAR, born DATE, seen TIMESTAMPTZ, gone TIMESTAMP);
CREATE TABLE visits (id VARCHAR COLLATE NOCASE, person BIGINT, happened TIMESTAMP,
  page VARCHAR COLLATE NOCASE);
CREATE TABLE orders (id UBIGINT, person UBIGINT, happened TIMESTAMPTZ, paid TIMESTAMPTZ);
"""


def store(folder: Path, rows: str) -> None:
    """Write the rows to the source's database, anew."""
    (folder / "shop.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(TABLES + rows)


@contextmanager
def asking(folder: Path, where: str) -> Iterator[tuple[Engine, Compiled]]:
    """The stored source, and a segment `s` with that condition."""
    project = compiled(folder, f"segment: s\nentity: customer\nwhere: {where}\n", catalog=CATALOG)
    source = project.project.source("shop")
    assert source is not None
    engine = DuckDbEngine(source, folder)
    try:
        yield engine, project
    finally:
        engine.close()


def members(folder: Path, where: str) -> tuple[list[int], list[int]]:
    """The members by DuckDB, and by explanations of the users 1 to 5."""
    world = World(users=())
    with asking(folder, where) as (engine, project):
        found = by_engine(engine, project, world, "s", T)
        traces = [explained(engine, project, world, "s", key, T) for key in range(1, 6)]
    return sorted(found), [trace.key for trace in traces if trace.member]


BEYOND = """INSERT INTO people (id, first_seen, born, seen, gone) VALUES
  (1, '-infinity', 'infinity', 'infinity', 'infinity'),
  (2, '-infinity', '-infinity', '-infinity', '-infinity'),
  (3, '0044-03-15 (BC) 00:00:00+00', '20000-01-01', '20000-01-01 00:00:00+00', '30000-06-01'),
  (4, '2026-01-01', '9999-12-31', '9999-12-31 23:59:59.999999+00', '9999-12-31 23:59:59.999'),
  (5, 'infinity', NULL, NULL, NULL);
"""


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{everyone: true}", [1, 2, 3, 4]),
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
def test_what_lies_beyond_the_calendar_is_at_its_end(where, expected, tmp_path):
    """Infinity and the years beyond 1 to 9999 are the first or the last that there is."""
    store(tmp_path, BEYOND)
    assert members(tmp_path, where) == (expected, expected)


def test_events_before_the_calendar_happened(tmp_path):
    """An event at minus infinity was before all others; of two there, the id decides."""
    rows = """
    INSERT INTO people (id, first_seen) VALUES (1, '2026-01-01'), (2, '2026-01-01');
    INSERT INTO orders VALUES
      (18446744073709551615, 1, '-infinity', '2026-01-01'),
      (7, 1, '0044-03-15 (BC) 00:00:00+00', '2026-02-01'),
      (8, 2, 'infinity', '2026-01-01');
    """
    store(tmp_path, rows)
    for where in (
        "{last: order.paid, lt: 2026-02-01}",
        "{first: order.paid, gte: 2026-02-01}",
        "{first_time: order, before: 2000-01-01}",
        "{did: order, exactly: 2}",
    ):
        assert members(tmp_path, where) == ([1], [1]), where


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
def test_text_compares_by_code_points_whatever_its_collation(where, expected, tmp_path):
    """A column that ignores case in the source does not do so in segments."""
    store(tmp_path, COLLATED)
    assert members(tmp_path, where) == (expected, expected)


def test_a_user_with_two_values_of_a_field_is_not_explained(tmp_path):
    """Members are refused where a table of fields has two rows for a key; an explanation too."""
    rows = "INSERT INTO people (id, first_seen, plan) VALUES (1, '2026-01-01', 'a'), (1, NULL, 'b')"
    store(tmp_path, rows)
    world = World(users=())
    with asking(tmp_path, "{field: plan, eq: a}") as (engine, project):
        with pytest.raises(UnusableDataError, match="more than one row"):
            by_engine(engine, project, world, "s", T)
        with pytest.raises(UnusableDataError, match="more than one row for key 1"):
            explained(engine, project, world, "s", 1, T)
