"""Two applies at once, in two real processes: exactly one of them wins."""

from pathlib import Path

from segflow.planner.planfile import to_bytes
from tests.faults import shop
from tests.faults.conftest import Stages
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, start

LOSERS = {"LockedError", "PlanAppliedError", "StalePlanError"}


def test_one_of_two_applies_of_one_plan_wins(stages: Stages, tmp_path: Path):
    """Both get the plan at the same moment; one deploys it, the other is refused."""
    root = stages.copy(tmp_path)
    content = to_bytes(stages.plan)
    both = [start(None, apply_at, root, shop.SECOND, content) for _ in range(2)]
    won, lost = sorted((one.end() for one in both), key=lambda ended: ended != "done")
    assert won == "done"
    assert lost in LOSERS
    assert ledger(root) == stages.after


def test_one_of_two_first_applies_wins(tmp_path: Path):
    """Where no state exists yet both want to make it; afterwards there is one, applied once."""
    root = tmp_path / "shop"
    shop.write_before(root)
    content = to_bytes(plan_at(root, shop.FIRST))
    both = [start(None, apply_at, root, shop.FIRST, content) for _ in range(2)]
    assert sorted(one.end() for one in both)[-1] == "done"
    assert [serial for _, serial in ledger(root).applied] == [1]
