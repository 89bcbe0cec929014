"""Budgets: what is left of them, and what a day is."""

from zoneinfo import ZoneInfo

import pytest

from segflow.campaign.budget import Spent, day_of, remaining
from segflow.model.instant import format_instant, parse_instant
from segflow.model.rule import Budget

SPENT = Spent(run=10, day=30, total=80)


@pytest.mark.parametrize(("per", "left"), [("run", 90), ("day", 70), ("total", 20)])
def test_what_counts_depends_on_the_period(per, left):
    """A budget per run, day or in total is lessened by what was spent in that."""
    assert remaining(Budget(coupons=100, per=per), SPENT) == left


def test_a_budget_below_what_is_spent_leaves_nothing():
    """A budget that was lowered under what is spent already is 0, not less."""
    assert remaining(Budget(coupons=50), SPENT) == 0
    assert remaining(Budget(coupons=0), Spent()) == 0


def test_no_budget_is_no_limit():
    """Without a number of coupons nothing limits them."""
    assert remaining(None, SPENT) is None
    assert remaining(Budget(), SPENT) is None


@pytest.mark.parametrize(
    ("zone", "scheduled", "start", "end"),
    [
        ("UTC", "2026-03-29T23:59:59.999Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"),
        ("Asia/Shanghai", "2026-03-29T16:00:00Z", "2026-03-29T16:00:00Z", "2026-03-30T16:00:00Z"),
        ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (
            "America/Sao_Paulo",
            "2017-10-15T04:00:00Z",
            "2017-10-15T03:00:00Z",
            "2017-10-16T02:00:00Z",
        ),
    ],
)
def test_a_day_is_local(zone, scheduled, start, end):
    """A run counts for the local day of its instant, be that 23 or 24 hours long."""
    day = day_of(parse_instant(scheduled), ZoneInfo(zone))
    assert (format_instant(day.start), format_instant(day.end)) == (start, end)
