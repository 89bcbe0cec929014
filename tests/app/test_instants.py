"""As of which instants something can be recorded: not ahead of the clock, not behind the log."""

from pathlib import Path

import pytest

from segflow.app.ahead import SKEW, refuse_ahead
from segflow.app.apply import apply
from segflow.app.plan import make_plan
from segflow.app.refresh import refresh
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.errors import BlockedError, RefusedError
from segflow.model.instant import Instant
from tests.app.conftest import Edit
from tests.faults.shop import FIRST

FAR_AHEAD = Instant(4_102_444_800_000)  # 2100-01-01T00:00:00Z


def test_a_plan_for_an_instant_to_come_is_not_applied(fresh: Path) -> None:
    """One may look ahead, but not record what is not known yet."""
    compiled = load(fresh, None).compiled
    with open_world(compiled.project.settings, fresh) as world:
        plan = make_plan(world, compiled, FAR_AHEAD)

        with pytest.raises(RefusedError, match="2100-01-01T00:00:00Z has not come yet"):
            apply(world, plan)

        assert world.state.version() is None


def test_a_refresh_for_an_instant_to_come_is_refused(root: Path) -> None:
    """The same for a refresh."""
    settings = load(root, None).compiled.project.settings
    with (
        open_world(settings, root) as world,
        pytest.raises(RefusedError, match="has not come yet"),
    ):
        refresh(world, (), FAR_AHEAD)


def test_clocks_may_differ_a_little() -> None:
    """A plan made by a clock that is ahead of ours by up to the skew is applied."""
    now = Instant(1_000_000_000_000)
    skew = SKEW.milliseconds or 0

    refuse_ahead(Instant(now + skew), now)
    with pytest.raises(RefusedError):
        refuse_ahead(Instant(now + skew + 1), now)


def test_a_plan_behind_the_log_says_that_it_is_blocked(root: Path, edit: Edit) -> None:
    """A plan as of an instant before what is recorded tells so itself, and apply refuses it."""
    edit("segments/shop.yaml", "within: 14d", "within: 15d")
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root) as world:
        plan = make_plan(world, compiled, Instant(FIRST - 86_400_000))

        assert {stop.rule for stop in plan.blocked} == {"as_of"}
        with pytest.raises(BlockedError, match="is recorded up to 2026-03-01"):
            apply(world, plan)


def test_a_plan_at_the_recorded_instant_is_not_blocked(root: Path, edit: Edit) -> None:
    """Another definition may follow at the very instant that is recorded."""
    edit("segments/shop.yaml", "within: 14d", "within: 15d")
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root) as world:
        plan = make_plan(world, compiled, FIRST)

        assert not plan.blocked
        outcome = apply(world, plan)
        assert (outcome.updated, outcome.recomputed) == (1, 2)
