"""The shop in three stages, built once per test process: deployed, changed with a plan, applied."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from segflow.model.plan import Impact, Plan
from segflow.planner.planfile import to_bytes
from tests.faults import shop
from tests.faults.ledger import Ledger, ledger
from tests.faults.scene import Scene, deployed_scene, fresh
from tests.faults.worker import apply_at, plan_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """`planned` is the folder of a shop that is deployed, then changed and planned, but not applied
    yet; `before` and `after` are what readers see without and with that plan."""

    planned: Path
    plan: Plan
    before: Ledger
    after: Ledger

    def impact(self, segment: str) -> Impact:
        """What the plan says of a segment that it evaluates."""
        (found,) = (change.impact for change in self.plan.changes if change.address.name == segment)
        assert found is not None
        return found

    def copy(self, target: Path) -> Path:
        """A planned shop of one's own."""
        return shop.copy(self.planned, target / "shop")


def deploy_first(root: Path) -> None:
    """The shop as it is first, applied."""
    shop.write_before(root)
    apply_at(root, shop.FIRST, to_bytes(plan_at(root, shop.FIRST)))


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """A shop in every stage; nobody changes these folders."""
    planned = tmp_path_factory.mktemp("planned") / "shop"
    deploy_first(planned)
    shop.write_after(planned)
    plan = plan_at(planned, shop.SECOND)
    applied = shop.copy(planned, tmp_path_factory.mktemp("applied") / "shop")
    apply_at(applied, shop.SECOND, to_bytes(plan))
    return Stages(
        planned=planned,
        plan=plan,
        before=ledger(planned),
        after=ledger(applied),
    )


@pytest.fixture(scope="module")
def deployed_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A deployed shop with rules, which nobody changes."""
    with deployed_scene(tmp_path_factory.mktemp("rules") / "shop") as made:
        yield made


@pytest.fixture
def scene(deployed_rules: Scene, tmp_path: Path) -> Scene:
    """A copy of it, and a receiver that has heard nothing."""
    return fresh(deployed_rules, tmp_path / "shop")
