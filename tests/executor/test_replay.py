"""A replay tells what a daemon that is never late does, and leaves no trace."""

from pathlib import Path

import pytest

from segflow.app.daemon import rehearsal_folder, rehearse, replay_span
from segflow.errors import NotDeployedError, RefusedError
from segflow.executor.daemon import Daemon
from segflow.model.instant import Instant
from segflow.model.run import RunReport
from tests.executor.campaign import (
    DAY,
    HOUR,
    LAPSED,
    NOW,
    Shop,
    counts,
    five,
    open_shop,
    write_shop,
)

RULES = """\
rule: winback
segment: lapsed
trigger: {cron: "0 9 * * *"}
holdout: 20%
variants:
  - name: coupon
    weight: 2
    send: [{channel: coupon, offer: five}, {channel: push, template: hello.j2}]
  - {name: plain, send: [{channel: push}]}
cap: [{at_most: 1, per: 3d}]
budget: {coupons: 12, per: day}
---
rule: over_snapshot
segment: kept
priority: 60
trigger: {every: 6h}
send: [{channel: letter}]
cap: [{at_most: 2, per: 2d, scope: all}]
"""
KEPT = """\
---
segment: kept
entity: customer
where: {all: [{segment: lapsed, as: snapshot}, {sample: 50%}]}
"""
DAYS = 4


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A shop whose rules meet caps, budgets and a stock that ends."""
    write_shop(tmp_path, RULES, {"hello.j2": "{{ offer.code }}"}, codes=20)
    with (tmp_path / "catalog/shop.yaml").open("a") as catalog:
        catalog.write(KEPT)
    return tmp_path


def watched(shop: Shop, days: int = DAYS) -> None:
    """A daemon that looks at the clock every ten minutes for some days."""
    daemon = Daemon(shop.running, shop.hold)
    shop.clock.set(NOW + 1)
    daemon.begin()
    for minute in range(10, days * 24 * 60 + 1, 10):
        shop.clock.set(NOW + minute * 60_000)
        daemon.look()


def told(report: RunReport) -> dict[str, object]:
    """What a run did: everything but the clock's own times."""
    return {
        "run": (report.run.rule, report.run.scheduled, report.run.status, report.run.audience),
        "audience": report.run.digest,
        "buckets": sorted((one.bucket, one.arm or "", one.digest) for one in report.buckets),
        "exposures": [(one.arm, one.digest) for one in report.exposures],
        "coupons": report.coupons,
    }


def test_a_replay_tells_what_the_daemon_did(root: Path):
    """The same audiences, the same people in the same buckets, as many coupons."""
    with open_shop(root) as shop:
        watched(shop)
        ledger = shop.world.ledger
        done = {
            run.id: RunReport(
                run=run,
                buckets=tuple(ledger.buckets(run.id)),
                exposures=tuple(ledger.exposures(run.id)),
                coupons=tuple(ledger.coupons(run.id).items()),
            )
            for run in ledger.runs()
        }
        start, end = Instant(NOW + 2), Instant(NOW + DAYS * DAY + 1)
        replayed = {report.run.id: report for report in replay_span(shop.world, start, end)}

        assert len(done) == DAYS + 4 * DAYS
        assert {name: told(one) for name, one in replayed.items()} == {
            name: told(one) for name, one in done.items()
        }
        buckets = {bucket for report in done.values() for bucket in counts(report)}
        assert {"delivered", "held_out", "capped", "out_of_stock", "over_budget"} <= buckets


def test_a_replay_leaves_no_trace(root: Path):
    """No run, no send, no code and no message is there afterwards."""
    with open_shop(root) as shop:
        stock = five(shop)
        reports = list(replay_span(shop.world, NOW, Instant(NOW + DAY)))
        assert len(reports) == 5
        assert shop.world.ledger.runs() == []
        assert five(shop) == stock
        assert shop.post.messages == []


def test_a_span_that_was_run_is_replayed_anew(root: Path):
    """The runs of that time are taken out of the copy with their codes, those before it count."""
    with open_shop(root) as shop:
        end = Instant(NOW + 3 * DAY)
        before = list(replay_span(shop.world, Instant(NOW + 2), end))
        watched(shop, days=2)
        start = Instant(NOW + DAY + 1)
        again = list(replay_span(shop.world, start, end))
        assert [told(one) for one in again] == [
            told(one) for one in before if one.run.scheduled >= start
        ]
        assert len(shop.world.ledger.runs()) == 10


def test_a_span_has_to_end_after_it_begins(root: Path):
    """And something has to be deployed."""
    with open_shop(root) as shop:
        with pytest.raises(RefusedError, match="is not after"):
            list(replay_span(shop.world, NOW, NOW))
        (root / ".segflow/state.db").rename(root / "away")
        with pytest.raises(NotDeployedError):
            list(replay_span(shop.world, NOW, Instant(NOW + 1)))


def rehearsed(shop: Shop, at: int) -> RunReport:
    report = rehearse(shop.world, "winback", Instant(at))
    assert report is not None
    return report


def test_a_rehearsal_writes_what_would_be_sent(root: Path):
    """One file per channel, of the last rehearsal alone; nothing else is there afterwards."""
    with open_shop(root) as shop:
        rehearsed(shop, NOW + HOUR)
        report = rehearsed(shop, NOW)

        folder = rehearsal_folder(shop.world, "winback")
        lines = (folder / "push.jsonl").read_text().splitlines()
        assert len(lines) == counts(report)["delivered"]
        assert sum(counts(report).values()) == len(LAPSED)
        assert shop.world.ledger.runs() == []
        assert shop.post.messages == []
