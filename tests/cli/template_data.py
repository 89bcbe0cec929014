"""The made-up shop of the project that `segflow init` writes, row by row from arithmetic.

`python tests/cli/template_data.py` writes the files anew.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parents[2] / "segflow" / "cli" / "template" / "data"
CUSTOMERS = range(1, 41)
OPENING = datetime(2026, 1, 1, tzinfo=UTC)


def first_seen(customer: int) -> datetime:
    """Customers arrive over 45 days, in no order of their ids."""
    return OPENING + timedelta(days=customer * 7 % 45, hours=customer * 5 % 24)


def customers() -> pa.Table:
    """One row per customer."""
    return pa.table(
        {
            "customer_id": pa.array(CUSTOMERS, pa.int64()),
            "first_seen": pa.array(map(first_seen, CUSTOMERS), pa.timestamp("ms", "UTC")),
        }
    )


def purchases() -> pa.Table:
    """One to seven purchases per customer, the first on arrival, then every 3 to 15 days."""
    rows = [
        (
            customer,
            first_seen(customer) + timedelta(days=number * (3 + customer * 11 % 13)),
            Decimal(500 + (customer * 37 + number * 1_013) % 9_000) / 100,
        )
        for customer in CUSTOMERS
        for number in range(1 + customer * 5 % 7)
    ]
    return pa.table(
        {
            "purchase_id": pa.array(range(1, len(rows) + 1), pa.int64()),
            "customer_id": pa.array([row[0] for row in rows], pa.int64()),
            "purchased_at": pa.array([row[1] for row in rows], pa.timestamp("ms", "UTC")),
            "amount": pa.array([row[2] for row in rows], pa.decimal128(18, 2)),
        }
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    pq.write_table(customers(), FOLDER / "customers.parquet", compression="zstd")
    pq.write_table(purchases(), FOLDER / "purchases.parquet", compression="zstd")
