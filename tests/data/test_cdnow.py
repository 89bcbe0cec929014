"""The purchases carried in data/ are whole and typed as data/README.md says."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

DATA = Path(__file__).parents[2] / "data"
TIMESTAMP = pa.timestamp("ms", tz="UTC")


@pytest.fixture(scope="module")
def purchases() -> pa.Table:
    return pq.read_table(DATA / "purchases.parquet")


@pytest.fixture(scope="module")
def customers() -> pa.Table:
    return pq.read_table(DATA / "customers.parquet")


def test_types_of_purchases(purchases):
    """Money is an exact decimal, instants are UTC milliseconds, keys are integers."""
    assert purchases.schema.names == [
        "purchase_id",
        "customer_id",
        "purchased_at",
        "amount",
        "cds",
    ]
    assert purchases.schema.types == [
        pa.int64(),
        pa.int64(),
        TIMESTAMP,
        pa.decimal128(18, 2),
        pa.int64(),
    ]


def test_types_of_customers(customers):
    """A customer is an integer key and the instant from which it exists."""
    assert customers.schema.names == ["customer_id", "first_seen"]
    assert customers.schema.types == [pa.int64(), TIMESTAMP]


def test_nothing_is_missing(purchases, customers):
    """No column of either table holds a null."""
    assert all(column.null_count == 0 for table in (purchases, customers) for column in table)


def test_figures_of_purchases(purchases):
    """69,659 purchases of 23,570 customers, 167,881 CDs, 2,500,315.63 dollars."""
    assert purchases.num_rows == 69_659
    assert pc.count_distinct(purchases["customer_id"]).as_py() == 23_570
    assert pc.sum(purchases["cds"]).as_py() == 167_881
    assert pc.sum(purchases["amount"]).as_py() == Decimal("2500315.63")


def test_first_and_last_day(purchases):
    """Purchases run from 1997-01-01 to 1998-06-30, each at 00:00 UTC of its day."""
    instants = purchases["purchased_at"]
    assert pc.min_max(instants).as_py() == {
        "min": datetime(1997, 1, 1, tzinfo=UTC),
        "max": datetime(1998, 6, 30, tzinfo=UTC),
    }
    assert {instant.time() for instant in instants.to_pylist()} == {time(0)}


def test_purchase_ids_are_dense(purchases):
    """Ids count the rows from 1, so that identical purchases stay two purchases."""
    assert purchases["purchase_id"].to_pylist() == list(range(1, 69_660))


def test_customers_are_the_buyers_since_their_first_purchase(purchases, customers):
    """Every buyer stands once in the customers, with the first of their purchases."""
    grouped = purchases.group_by("customer_id").aggregate([("purchased_at", "min")])
    first = grouped.sort_by("customer_id")
    assert customers.num_rows == 23_570
    assert customers["customer_id"].to_pylist() == first["customer_id"].to_pylist()
    assert customers["first_seen"].to_pylist() == first["purchased_at_min"].to_pylist()
    assert pc.max(customers["first_seen"]).as_py() == datetime(1997, 3, 25, tzinfo=UTC)


def test_tiers_are_what_customers_had_spent_by_the_middle_of_1997(purchases):
    """The made-up part follows from the purchases, to the last customer."""
    early = purchases.filter(pc.less(purchases["purchased_at"], datetime(1997, 7, 1, tzinfo=UTC)))
    spent = early.group_by("customer_id").aggregate([("amount", "sum")]).sort_by("customer_id")
    expected = [
        (row["customer_id"], "gold" if row["amount_sum"] >= 500 else "silver")
        for row in spent.to_pylist()
        if row["amount_sum"] >= 200
    ]
    with closing(sqlite3.connect(DATA / "crm.db")) as crm:
        assert crm.execute("SELECT * FROM tiers ORDER BY customer_id").fetchall() == expected
    assert Counter(tier for _, tier in expected) == {"gold": 166, "silver": 992}
