"""A small shop with two versions of its files and data: what the fault tests deploy and change."""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from segflow.model.instant import Instant, instant_of
from tests import warehouse
from tests.warehouse import write

FIRST = instant_of(datetime(2026, 3, 1, tzinfo=UTC))
SECOND = instant_of(datetime(2026, 3, 8, tzinfo=UTC))
LATER = instant_of(datetime(2026, 3, 9, tzinfo=UTC))
CUSTOMERS = 60

PROPERTIES = """\
properties:
  amount: {type: "decimal(18,2)", column: amount}
"""
CATALOG = warehouse.CUSTOMERS + warehouse.PURCHASES + PROPERTIES

SEGMENTS_BEFORE = """\
segment: recent
entity: customer
where: {did: purchase, within: 14d}
---
segment: quiet
entity: customer
where: {not: {segment: recent}}
---
segment: first_buyers
entity: customer
mode: static
where: {did: purchase}
---
segment: gone
entity: customer
where: {did: purchase, at_least: 2}
"""

SEGMENTS_AFTER = """\
segment: recent
description: Edited, so that members move by data and by definition
entity: customer
where: {did: purchase, within: 6d}
---
segment: quiet
entity: customer
where: {not: {segment: recent}}
---
segment: first_buyers
entity: customer
mode: static
where: {did: purchase}
---
segment: big
entity: customer
where: {all: [{sum: purchase.amount, gte: 100}, {segment: first_buyers}]}
---
segment: invited
entity: customer
where: {in_file: lists/invited.csv}
"""

INVITED = "customer_id\n3\n5\n58\n"

RULES = """\
channel: coupons
kind: coupon
---
channel: outbox
kind: file
path: outbox.jsonl
---
offer: five
codes: {{file: codes/five.txt}}
---
offer: ten
codes: {{generate: {{pattern: "TEN-********", count: {count}}}}}
---
rule: winback
segment: quiet
trigger: {{every: 1d}}
holdout: 10%
variants:
  - name: five_off
    send: [{{channel: coupons, offer: five}}, {{channel: outbox, template: hi.j2}}]
  - name: ten_off
    send: [{{channel: coupons, offer: ten}}]
"""
THANKS = """\
---
rule: thanks
segment: first_buyers
trigger: {every: 1w}
send: [{channel: outbox, template: thanks.j2}]
"""
DELIVERY_BEFORE = {
    "rules/shop.yaml": RULES.format(count=20),
    "codes/five.txt": "FIVE-1\nFIVE-2\nFIVE-3\n",
    "templates/hi.j2": "Take {{ offer.code }}\n",
}
DELIVERY_AFTER = {
    "rules/shop.yaml": RULES.format(count=25) + THANKS,
    "codes/five.txt": "FIVE-2\nFIVE-3\nFIVE-4\nFIVE-5\n",
    "templates/hi.j2": "Take this: {{ offer.code }}\n",
    "templates/thanks.j2": "Thank you\n",
}


def write_before(root: Path) -> None:
    """The project as it is deployed first."""
    write(
        root,
        {
            "segflow.toml": warehouse.SETTINGS,
            "catalog/shop.yaml": CATALOG,
            "segments/shop.yaml": SEGMENTS_BEFORE,
            **DELIVERY_BEFORE,
        },
    )
    write_customers(root)
    write_purchases(root, until=FIRST)


def write_after(root: Path) -> None:
    """The edits of a week later: one segment of each kind of change, other codes, a template that
    is edited and a new rule; and a week of purchases."""
    segments = {"segments/shop.yaml": SEGMENTS_AFTER, "lists/invited.csv": INVITED}
    write(root, segments | DELIVERY_AFTER)
    write_purchases(root, until=SECOND)


def write_customers(root: Path) -> None:
    """Everybody was first seen long ago."""
    seen = datetime(2025, 1, 1, tzinfo=UTC)
    warehouse.write_table(
        root,
        "customers",
        {
            "customer_id": pa.array(range(CUSTOMERS), pa.int64()),
            "first_seen": pa.array([seen] * CUSTOMERS, pa.timestamp("ms", tz="UTC")),
        },
    )


def write_purchases(root: Path, until: Instant, missing: frozenset[int] = frozenset()) -> None:
    """Purchases from January on, up to an instant; those of `missing` customers never happened."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        (number, number * 7 % CUSTOMERS, start + timedelta(hours=13 * number), 5 * number % 97)
        for number in range(200)
    ]
    kept = [row for row in rows if instant_of(row[2]) <= until and row[1] not in missing]
    warehouse.write_table(
        root,
        "purchases",
        {
            "purchase_id": pa.array([row[0] for row in kept], pa.int64()),
            "customer_id": pa.array([row[1] for row in kept], pa.int64()),
            "purchased_at": pa.array([row[2] for row in kept], pa.timestamp("ms", tz="UTC")),
            "amount": pa.array([Decimal(row[3]) for row in kept], pa.decimal128(18, 2)),
        },
    )


def copy(root: Path, target: Path) -> Path:
    """The project with its state, to be changed freely."""
    shutil.copytree(root, target)
    return target
