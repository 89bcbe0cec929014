"""Numbers that DuckDB can't hold: engines that can give the reference's members."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from segflow.model.instant import parse_instant
from tests.agreement.data import world_of
from tests.agreement.hosts import MYSQL, POSTGRES, SQLITE, Host
from tests.agreement.sides import by_engine, by_reference, compiled_for_engines
from tests.compiler.projects import compiled

CATALOG = """\
source: shop
engine: duckdb
tables: {people: people.parquet, gifts: gifts.parquet}
---
entity: customer
key: {type: integer}
population: {source: shop, table: people, key: id}
---
event: gift
entities: {customer: person}
at: {source: shop, table: gifts, time: at}
properties:
  worth: {type: "decimal(38,10)", column: worth}
"""
BEFORE = datetime(2026, 3, 1, tzinfo=UTC)
T = parse_instant("2026-03-31T12:00:00Z")
MOST = Decimal("9999999999999999999999999999.9999999999")
TABLES = {
    "people": [{"id": key} for key in (1, 2, 3)],
    "gifts": [
        {"person": key, "at": BEFORE, "worth": worth}
        for key, worth in ((1, MOST), (2, MOST.copy_negate()))
        for _ in range(30)
    ],
}


@pytest.mark.parametrize("host", [SQLITE, POSTGRES, MYSQL], ids=lambda host: host.name)
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{sum: gift.worth, gt: 299999999999999999999999999999}", [1]),
        ("{sum: gift.worth, gte: 300000000000000000000000000000}", []),
        ("{sum: gift.worth, lt: -299999999999999999999999999999}", [2]),
        ("{sum: gift.worth, in: [0, 299999999999999999999999999999]}", [3]),
        ("{avg: gift.worth, lt: 1}", [2]),
        ("{avg: gift.worth, lt: {max: gift.worth, times: 2}}", [1]),
    ],
)
def test_sums_have_as_many_digits_as_they_need(host: Host, where, expected, tmp_path: Path):
    """A sum of more than 38 digits is compared by value, with constants as long."""
    text = f"segment: s\nentity: customer\nwhere: {where}\n"
    project = host.of(compiled(tmp_path, text, catalog=CATALOG).project)
    made = compiled_for_engines(project)
    world = world_of(project, "customer", TABLES, {}, {})
    host.write(tmp_path, project, TABLES, {})
    with host.opened(project, tmp_path) as engine:
        found = by_engine(engine, made, world, "s", T)
    reference, _ = by_reference(made, world, "s", T)
    assert sorted(found) == sorted(reference) == expected
