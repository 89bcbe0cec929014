"""Between the kill of an apply and its end: who may do what, and what finishing it needs."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from segflow.app.apply import apply, resume
from segflow.app.refresh import refresh
from segflow.app.state import interrupted, unlock
from segflow.app.wiring import World
from segflow.errors import LeaseLostError, LockedError, RefusedError, SourceUnavailableError
from segflow.model.catalog import Source
from segflow.planner.planfile import to_bytes
from segflow.ports import Engine, Keys, Selection
from tests.faults import shop
from tests.faults.conftest import Stages
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, start, world_at

MINUTE = 60_000
KILLED = -9


@pytest.fixture
def killed(stages: Stages, tmp_path: Path) -> Path:
    """A shop whose apply was killed when its first two steps had ended."""
    root = stages.copy(tmp_path)
    content = to_bytes(stages.plan)
    assert start("apply.journal.after.end.1", apply_at, root, shop.SECOND, content).end() == KILLED
    return root


def test_dead_process_holds_the_lease_until_it_runs_out(killed: Path, stages: Stages):
    """Right after the kill nobody knows that the holder is dead; half a minute later it counts as
    dead, and the apply is finished."""
    with world_at(killed, shop.SECOND + 29_000) as world, pytest.raises(LockedError):
        resume(world)
    with world_at(killed, shop.SECOND + 31_000) as world:
        assert resume(world) is not None
    assert ledger(killed) == stages.after


def test_unlock_lets_the_next_one_in_at_once(killed: Path, stages: Stages):
    """A person who knows that the process is dead need not wait."""
    with world_at(killed, shop.SECOND) as world:
        assert unlock(world, "state") is not None
        assert resume(world) is not None
    assert ledger(killed) == stages.after


def test_finishing_needs_no_file(killed: Path, stages: Stages):
    """Everything that the plan needs is in the state; the working tree may be gone."""
    for folder in ("catalog", "segments", "rules", "lists", "templates", "codes"):
        shutil.rmtree(killed / folder)
    with world_at(killed, shop.SECOND + MINUTE) as world:
        assert resume(world) is not None
    assert ledger(killed) == stages.after


def test_outcome_is_that_of_an_uninterrupted_apply(killed: Path, stages: Stages, tmp_path: Path):
    """Whoever finishes an apply is told what the whole of it did."""
    untouched = shop.copy(stages.planned, tmp_path / "untouched")
    with world_at(untouched, shop.SECOND) as world:
        whole = apply(world, stages.plan)
    with world_at(killed, shop.SECOND + MINUTE) as world:
        finished = resume(world)
    assert finished is not None
    assert replace(finished, resumed=False) == replace(whole, apply_id=finished.apply_id)


def test_what_can_not_be_finished_is_told_as_given_up(killed: Path, stages: Stages):
    """Where the source is gone meanwhile, whoever resumes learns that it was the interrupted apply
    that ended, with nothing deployed, and what to do; the error's class still says "try again"."""
    source = killed / "data" / "purchases.parquet"
    content = source.read_bytes()
    source.unlink()
    with world_at(killed, shop.SECOND + MINUTE) as world:
        given_up = (
            r"interrupted .* was given up, with nothing deployed: segment\.\w+: source warehouse: "
        )
        with pytest.raises(SourceUnavailableError, match=given_up) as caught:
            resume(world)
        assert str(caught.value.hint).endswith(
            "; then run `segflow apply` again: it makes a new plan"
        )
        assert not interrupted(world)
    assert ledger(killed) == stages.before
    source.write_bytes(content)
    with world_at(killed, shop.LATER) as world:
        assert resume(world) is None
        assert apply(world, plan_at(killed, shop.LATER)).created > 0


def test_what_still_waits_is_not_told_as_given_up(killed: Path, stages: Stages):
    """While the lease of the dead process has not run out, the apply is not said to be given up."""
    with world_at(killed, shop.SECOND) as world:
        with pytest.raises(LockedError) as caught:
            resume(world)
        assert "given up" not in caught.value.message
        assert interrupted(world)


class CountingEngine:
    """An engine that notes for how many segments it is asked each time."""

    def __init__(self, engine: Engine, asked: list[int]) -> None:
        self._engine = engine
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        self._asked.append(1)
        return self._engine.members(selection, sets)

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        self._asked.append(count)
        return self._engine.memberships(selection, sets, count)


def counting(world: World, asked: list[int]) -> World:
    """The world, with a note of how many segments its sources are asked for."""

    def engines(source: Source) -> Engine:
        return cast(Engine, CountingEngine(world.engines(source), asked))

    return replace(world, engines=engines)


def test_steps_that_ended_are_not_evaluated_again(killed: Path, stages: Stages, tmp_path: Path):
    """The two new segments whose steps had ended are not asked for; of the two edited ones both the
    old and the new definition still are."""
    whole: list[int] = []
    rest: list[int] = []
    untouched = shop.copy(stages.planned, tmp_path / "untouched")
    with world_at(untouched, shop.SECOND) as world:
        apply(counting(world, whole), stages.plan)
    with world_at(killed, shop.SECOND + MINUTE) as world:
        resume(counting(world, rest))
    assert (sum(whole), sum(rest)) == (6, 4)


def test_apply_of_the_same_plan_finishes_it(killed: Path, stages: Stages):
    """Who simply repeats the command gets what was asked for."""
    with world_at(killed, shop.SECOND + MINUTE) as world:
        assert apply(world, stages.plan).resumed
    assert ledger(killed) == stages.after


def test_nothing_else_may_write_before_it_is_finished(killed: Path, stages: Stages):
    """Neither another plan nor a refresh gets between the steps of an interrupted apply."""
    other = replace(plan_at(killed, shop.LATER), id="another")
    with world_at(killed, shop.LATER) as world:
        with pytest.raises(RefusedError, match="interrupted"):
            apply(world, other)
        with pytest.raises(RefusedError, match="interrupted"):
            refresh(world, (), shop.LATER)
        assert interrupted(world)
    assert ledger(killed) == stages.before


def test_holder_that_lost_the_lease_stops_at_once(stages: Stages, tmp_path: Path):
    """Where somebody takes over in the middle of an apply the old one writes nothing more, not even
    that it gave up; the new one finishes it."""
    root = stages.copy(tmp_path)
    with world_at(root, shop.SECOND) as world, world_at(root, shop.SECOND) as other:

        def take_over(name: str) -> None:
            if name == "apply.journal.after.begin.1":
                unlock(other, "state")

        with pytest.raises(LeaseLostError):
            apply(replace(world, failpoint=take_over), stages.plan)
        assert interrupted(other)
        assert ledger(root) == stages.before
        assert resume(other) is not None
    assert ledger(root) == stages.after
