"""An apply that is killed, wherever it stands: nothing half, nothing lost, nothing twice."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from segflow.app.apply import apply, resume
from segflow.app.state import interrupted
from segflow.errors import PlanAppliedError
from segflow.model.plan import Plan
from segflow.planner.planfile import to_bytes
from tests.faults import shop
from tests.faults.conftest import Stages, deploy_first
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, start, world_at

MINUTE = 60_000
KILLED = -9


@cache
def failpoints() -> tuple[str, ...]:
    """Every failpoint that an apply of the second stage passes, in order, found by passing them."""
    passed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        deploy_first(root)
        shop.write_after(root)
        plan = plan_at(root, shop.SECOND)
        with world_at(root, shop.SECOND) as world:
            apply(replace(world, failpoint=passed.append), plan)
    return tuple(passed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "failpoint" in metafunc.fixturenames:
        metafunc.parametrize("failpoint", failpoints())


def killed_at(root: Path, failpoint: str, plan: Plan) -> None:
    """Apply the plan in a process that dies at the failpoint."""
    assert start(failpoint, apply_at, root, shop.SECOND, to_bytes(plan)).end() == KILLED


def test_every_write_has_a_failpoint_on_either_side():
    """Failpoints come in pairs around each act, and there are acts of every sort."""
    names = failpoints()
    assert len(set(names)) == len(names)
    before = {name for name in names if ".before." in name}
    assert {name.replace(".before.", ".after.") for name in before} == set(names) - before
    for act in ("lease", "blob", "journal", "snapshot", "commit"):
        assert any(act in name for name in before), act


def test_the_apply_changes_the_stock(stages: Stages):
    """What the test below compares: codes of a file come and go, made ones are topped up."""
    assert [one.free for one in stages.before.stock] == [3, 20]
    assert [one.free for one in stages.after.stock] == [4, 25]


def test_killed_apply_is_finished_by_the_next_one(stages: Stages, tmp_path: Path, failpoint: str):
    """Until the commit readers see the old state, from then on the new one, whole; whoever comes
    next gets to the state of an uninterrupted apply, and the plan can't be applied twice."""
    root = stages.copy(tmp_path)
    killed_at(root, failpoint, stages.plan)

    committed = failpoint == "apply.after.commit"
    assert ledger(root) == (stages.after if committed else stages.before)

    with world_at(root, shop.SECOND + MINUTE) as world:
        begun = interrupted(world)
        finished = resume(world)
        assert (finished is not None) == begun
        assert finished is None or finished.resumed
        if begun or committed:
            with pytest.raises(PlanAppliedError):
                apply(world, stages.plan)
        else:
            apply(world, stages.plan)
    assert plan_at(root, shop.LATER).is_empty
    assert ledger(root) == stages.after
