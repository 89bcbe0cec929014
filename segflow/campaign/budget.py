"""Budgets: how many coupons a run may still give away."""

from dataclasses import dataclass
from typing import assert_never
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import Bounds, calendar_bounds
from segflow.model.instant import Instant
from segflow.model.rule import Budget
from segflow.model.window import CalendarSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Coupons that a rule has reserved or given away: in this run so far, in all runs of its day,
    and ever; the wider ones include the narrower."""

    run: int = 0
    day: int = 0
    total: int = 0


def day_of(scheduled: Instant, zone: ZoneInfo) -> Bounds:
    """The local day that a run counts for: the one it was scheduled in, however late it is."""
    return calendar_bounds(CalendarSpan(unit="day", last=0), scheduled, zone)


def remaining(budget: Budget | None, spent: Spent) -> int | None:
    """The coupons left, never below 0; None where nothing limits them."""
    if budget is None or budget.coupons is None:
        return None
    return max(0, budget.coupons - _counted(budget, spent))


def _counted(budget: Budget, spent: Spent) -> int:
    match budget.per:
        case "run":
            return spent.run
        case "day":
            return spent.day
        case "total":
            return spent.total
        case _:
            assert_never(budget.per)
