"""A project on Spark from its first plan to a refresh, and what a refresh costs there."""

from pathlib import Path

import pytest
from pyspark import SparkContext

from segflow.model.instant import Instant
from segflow.planner.planfile import to_bytes
from tests.agreement.spark import MASTER, keep
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, refresh_at
from tests.warehouse import CUSTOMERS, write

ON_SPARK = CUSTOMERS.replace("engine: duckdb", f"engine: spark\nurl: {MASTER}")
HOUR = 3_600_000
MANY = """\
---
segment: spent
entity: customer
where: {sum: purchase.amount, gte: 150}
---
segment: once
entity: customer
where: {did: purchase, exactly: 1}
---
segment: dear
entity: customer
where: {any: [{max: purchase.amount, gt: 90}, {avg: purchase.amount, lt: 20}]}
---
segment: often
entity: customer
where: {all: [{did: purchase, within: 30d, at_least: 2}, {not: {segment: dear}}]}
---
segment: before
entity: customer
where: {none: [{did: purchase, since: 2026-02-01}, {segment: once}]}
"""


def put_on_spark(root: Path) -> None:
    """The shop, its files read by Spark."""
    keep()
    catalog = root / "catalog" / "shop.yaml"
    catalog.write_text(catalog.read_text().replace(CUSTOMERS, ON_SPARK))


def deploy(root: Path, at: Instant) -> None:
    """Plan and apply the working tree."""
    apply_at(root, at, to_bytes(plan_at(root, at)))


@pytest.mark.timeout(600)
def test_a_project_has_the_ids_that_duckdb_gives(root: Path, tmp_path: Path):
    """From nothing to two applies and a refresh, whichever of both reads the files."""
    lake = tmp_path / "lake"
    shop.write_before(lake)
    put_on_spark(lake)
    deploy(lake, shop.FIRST)
    assert ledger(lake).members == ledger(root).members
    for one in (lake, root):
        shop.write_after(one)
        deploy(one, shop.SECOND)
        refresh_at(one, shop.LATER, [], shop.LATER)
    found, expected = ledger(lake).members, ledger(root).members
    assert found == expected
    assert set(found) == {"recent", "quiet", "first_buyers", "big", "invited"}
    assert 0 < len(found["recent"]) < shop.CUSTOMERS


@pytest.mark.timeout(600)
def test_a_refresh_of_many_segments_costs_the_jobs_of_one(fresh: Path):
    """All are asked for in one query, in which each table is read once: there are as many jobs, and
    as many tasks in them."""
    put_on_spark(fresh)
    write(fresh, {"segments/more.yaml": MANY})
    deploy(fresh, shop.FIRST)
    one = ran(fresh, ["recent"], Instant(shop.FIRST + HOUR))
    every = ran(fresh, [], Instant(shop.FIRST + 2 * HOUR))
    assert one > (0, 0)
    assert every == one


def ran(root: Path, names: list[str], at: Instant) -> tuple[int, int]:
    """How many jobs of Spark a refresh takes, and how many tasks these have."""
    tracker = SparkContext.getOrCreate().statusTracker()
    before = set(tracker.getJobIdsForGroup())
    refresh_at(root, at, names, at)
    jobs = set(tracker.getJobIdsForGroup()) - before
    stages = {stage for job in jobs for stage in tracker.getJobInfo(job).stageIds}
    return len(jobs), sum(tracker.getStageInfo(stage).numTasks for stage in stages)
