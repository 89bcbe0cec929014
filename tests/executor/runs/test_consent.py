"""Runs of rules that ask for consent: who has not agreed, or not any more, is not sent to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from segflow.executor.runs.run_rule import WITHDRAWN, go_on
from segflow.model.instant import Instant
from tests import warehouse
from tests.executor.campaign import (
    DAY,
    HOUR,
    LAPSED,
    NOW,
    RULE,
    counts,
    decided,
    open_shop,
    reasons,
    write_shop,
)

CONSENT = """\
---
consent: winning_back
entity: customer
at: {source: warehouse, table: words, key: customer_id, granted: agrees, time: said_at}
"""
AGREED = set(range(20, 50))


def write(root: Path, rules: str, later: Mapping[int, tuple[Instant, bool]] = {}) -> None:
    """The shop, in which customers 20 to 49 agreed long ago, and what was said later."""
    write_shop(root, rules)
    catalog = root / "catalog/shop.yaml"
    text = catalog.read_text().replace("tables: {", "tables: {words: data/words.parquet, ")
    catalog.write_text(text + CONSENT)
    words = [(key, Instant(NOW - 90 * DAY), True) for key in sorted(AGREED)]
    words += [(key, at, agrees) for key, (at, agrees) in later.items()]
    times = [datetime.fromtimestamp(at / 1000, UTC) for _, at, _ in words]
    table = {
        "customer_id": pa.array([key for key, _, _ in words], pa.int64()),
        "said_at": pa.array(times, pa.timestamp("ms", tz="UTC")),
        "agrees": pa.array([agrees for _, _, agrees in words], pa.bool_()),
    }
    warehouse.write_table(root, "words", table)


ASKING = RULE + "consent: winning_back\n"


def test_who_has_not_agreed_is_not_sent_to(tmp_path: Path):
    """Their bucket says so; the arms divide those who agreed alone."""
    write(tmp_path, ASKING + "holdout: 25%\n")
    with open_shop(tmp_path) as shop:
        report = shop.run()

        assert report is not None
        sent, held = shop.users(report, "delivered"), shop.users(report, "held_out")
        assert sent and held and sent | held == set(LAPSED) & AGREED
        assert shop.users(report, "no_consent") == set(LAPSED) - AGREED
        assert {one.arm for one in report.buckets if one.bucket == "no_consent"} == {None}
        assert {int(message.key) for message in shop.post.messages} == sent


def test_a_transactional_rule_asks_for_no_consent(tmp_path: Path):
    """A receipt is sent whatever somebody wants to hear of."""
    write(tmp_path, ASKING + "kind: transactional\n")
    with open_shop(tmp_path) as shop:
        assert counts(shop.run()) == {"delivered": len(LAPSED)}


@pytest.mark.parametrize("late", [0, HOUR])
def test_consent_is_asked_for_at_the_instant_of_sending(tmp_path: Path, late: int):
    """What was said between a run's instant and its sends counts, both ways."""
    later = {30: (Instant(NOW + 1), False), 55: (Instant(NOW + 1), True)}
    write(tmp_path, ASKING, later)
    with open_shop(tmp_path) as shop:
        shop.clock.set(NOW + late)
        report = shop.run()

        assert report is not None
        agreed = AGREED - {30} | {55} if late else AGREED
        assert shop.users(report, "delivered") == set(LAPSED) & agreed


def test_who_takes_consent_back_while_a_run_is_interrupted_is_not_sent_to(tmp_path: Path):
    """Before it goes on it asks again."""
    write(tmp_path, ASKING)
    with open_shop(tmp_path) as shop:
        run = decided(shop)
        write(tmp_path, ASKING, {40: (Instant(NOW + 1), False)})
        shop.clock.set(NOW + 60_000)

        report = go_on(shop.running, shop.hold, shop.compiled, run)

        agreed = set(LAPSED) & AGREED
        assert report is not None and shop.users(report, "delivered") == agreed - {40}
        assert reasons(report)[WITHDRAWN] == 1
