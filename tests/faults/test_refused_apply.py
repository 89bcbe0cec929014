"""Applies that are refused before anything is done."""

from dataclasses import replace
from pathlib import Path

import pytest

from segflow.app.apply import apply
from segflow.app.refresh import refresh
from segflow.app.state import interrupted
from segflow.errors import (
    BlockedError,
    ForeignPlanError,
    PlanAppliedError,
    RefusedError,
    SegflowError,
    StalePlanError,
    StateUnavailableError,
)
from segflow.model.plan import Plan
from segflow.planner.planfile import to_bytes
from tests.faults import shop
from tests.faults.conftest import Stages
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, world_at

NEW_SEGMENT = "---\nsegment: {name}\nentity: customer\nwhere: {{did: purchase, within: 30d}}\n"


def edit(root: Path, before: str, after: str) -> None:
    """Change the shop's segments."""
    path = root / "segments" / "shop.yaml"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def refused(root: Path, plan: Plan, error: type[SegflowError], now: int = shop.SECOND) -> str:
    """Apply the plan, see it refused without any trace, and give the reason."""
    before = ledger(root)
    with world_at(root, now) as world:
        with pytest.raises(error) as caught:
            apply(world, plan)
        assert not interrupted(world)
        assert world.state.lease() is None
    assert ledger(root) == before
    return caught.value.message


def test_plan_is_applied_once(stages: Stages, tmp_path: Path):
    """The same plan, applied to the end, is refused the second time."""
    root = stages.copy(tmp_path)
    apply_at(root, shop.SECOND, to_bytes(stages.plan))
    refused(root, stages.plan, PlanAppliedError)


def test_related_change_makes_a_plan_stale(stages: Stages, tmp_path: Path):
    """Where a segment of the plan was deployed otherwise meanwhile, the plan is refused and names
    it."""
    root = stages.copy(tmp_path)
    edit(root, "within: 6d", "within: 5d")
    apply_at(root, shop.SECOND, to_bytes(plan_at(root, shop.SECOND)))
    assert "segment.recent" in refused(root, stages.plan, StalePlanError)


def test_unrelated_change_leaves_a_plan_fresh(stages: Stages, tmp_path: Path):
    """Where something else was deployed meanwhile, the plan is applied."""
    root = stages.copy(tmp_path)
    edited = (root / "segments" / "shop.yaml").read_text()
    shop.write(root, shop.DELIVERY_BEFORE)
    (root / "segments" / "shop.yaml").write_text(
        shop.SEGMENTS_BEFORE + NEW_SEGMENT.format(name="unrelated")
    )
    apply_at(root, shop.SECOND, to_bytes(plan_at(root, shop.SECOND)))
    shop.write(root, shop.DELIVERY_AFTER)
    (root / "segments" / "shop.yaml").write_text(edited + NEW_SEGMENT.format(name="unrelated"))
    apply_at(root, shop.SECOND, to_bytes(stages.plan))
    assert plan_at(root, shop.SECOND).is_empty


def test_refresh_beyond_the_plans_instant_makes_it_stale(stages: Stages, tmp_path: Path):
    """The log never goes back: a plan of an instant before the last refresh is refused."""
    root = stages.copy(tmp_path)
    with world_at(root, shop.LATER) as world:
        refresh(world, (), shop.LATER)
    assert "recorded as of" in refused(root, stages.plan, StalePlanError)


def test_plan_of_another_project_is_foreign(stages: Stages, tmp_path: Path):
    """A plan is bound to its project, its environment and the lineage of its state."""
    root = stages.copy(tmp_path)
    others = (
        replace(stages.plan, project="bakery"),
        replace(stages.plan, environment="prod"),
        replace(stages.plan, lineage="another"),
    )
    for other in others:
        refused(root, other, ForeignPlanError)


def test_plan_of_another_project_can_not_be_made(stages: Stages, tmp_path: Path):
    """A project that is pointed at the state of another one can't even plan."""
    root = stages.copy(tmp_path)
    (root / "segflow.toml").write_text('[project]\nname = "bakery"\n')
    with pytest.raises(ForeignPlanError, match="belongs to project shop"):
        plan_at(root, shop.SECOND)


def test_plan_against_a_state_that_is_gone_is_foreign(stages: Stages, tmp_path: Path):
    """Without the state that it was made against, a plan is refused, and no state is made."""
    root = stages.copy(tmp_path)
    (root / ".segflow" / "state.db").rename(root / "elsewhere.db")
    refused(root, stages.plan, ForeignPlanError)
    assert not (root / ".segflow" / "state.db").exists()


@pytest.mark.parametrize("name", ["lists/invited.csv", "codes/five.txt", "templates/hi.j2"])
def test_changed_file_is_refused(stages: Stages, tmp_path: Path, name: str):
    """A list, template or file of codes that is not the planned one any more, or is gone, stops the
    apply at once."""
    root = stages.copy(tmp_path)
    file = root / name
    file.write_text(file.read_text() + "4\n")
    assert name in refused(root, stages.plan, StalePlanError)
    file.unlink()
    assert name in refused(root, stages.plan, RefusedError)


def test_unwritable_state_is_a_clear_error(tmp_path: Path):
    """Where the state can't be made, the apply says so; what stands in the way is left alone."""
    root = tmp_path / "shop"
    shop.write_before(root)
    (root / ".segflow").write_text("a file where the folder should be")
    plan = plan_at(root, shop.FIRST)
    with (
        world_at(root, shop.FIRST) as world,
        pytest.raises(StateUnavailableError, match="state"),
    ):
        apply(world, plan)
    assert (root / ".segflow").read_text() == "a file where the folder should be"


def test_plan_that_a_guard_forbids_is_refused(stages: Stages, tmp_path: Path):
    """What `protect` forbade at plan is not begun."""
    root = stages.copy(tmp_path)
    edit(root, "within: 6d}", "within: 6d}\nprotect: {max_change: 1%}")
    plan = plan_at(root, shop.SECOND)
    assert [found.rule for found in plan.blocked] == ["protect.max_change"]
    assert "segment.recent" in refused(root, plan, BlockedError)


def test_refused_first_apply_makes_no_state(tmp_path: Path):
    """What a guard forbids, or a list that changed, is refused before a state comes into being."""
    root = tmp_path / "shop"
    shop.write_before(root)
    edit(root, "within: 14d}", "within: 14d}\nprotect: {max_size: 1}")
    blocked = plan_at(root, shop.FIRST)
    shop.write_after(root)
    listed = plan_at(root, shop.FIRST)
    (root / "lists" / "invited.csv").write_text("1\n")
    with world_at(root, shop.FIRST) as world:
        with pytest.raises(BlockedError, match="segment.recent"):
            apply(world, blocked)
        with pytest.raises(StalePlanError, match="invited"):
            apply(world, listed)
    assert not (root / ".segflow").exists()
