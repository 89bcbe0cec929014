"""The very first apply, killed while the state comes into being."""

from pathlib import Path

import pytest

from segflow.app.apply import apply, resume
from segflow.planner.planfile import to_bytes
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, start, world_at

MINUTE = 60_000
KILLED = -9


@pytest.mark.parametrize(
    "failpoint",
    [
        "apply.before.create",
        "apply.after.create",
        "apply.lease.after.acquire",
        "apply.journal.after.begin",
        "apply.journal.after.end.1",
        "apply.before.commit",
    ],
)
def test_killed_first_apply_leaves_nothing_deployed_and_can_be_done_again(
    tmp_path: Path, failpoint: str
):
    """Nothing is deployed after the kill, and what comes next deploys all of it."""
    root, untouched = tmp_path / "shop", tmp_path / "untouched"
    for folder in (root, untouched):
        shop.write_before(folder)
    plan = plan_at(root, shop.FIRST)
    assert start(failpoint, apply_at, root, shop.FIRST, to_bytes(plan)).end() == KILLED
    assert ledger(root).objects == {}

    with world_at(root, shop.FIRST + MINUTE) as world:
        if resume(world) is None:
            apply(world, plan)
    assert plan_at(root, shop.FIRST).is_empty
    apply_at(untouched, shop.FIRST, to_bytes(plan))
    assert ledger(root) == ledger(untouched)
