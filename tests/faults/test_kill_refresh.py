"""A refresh that is killed: readers see the old snapshots or the new ones, and it can go again."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from segflow.app.refresh import refresh
from tests.faults import shop
from tests.faults.conftest import deploy_first
from tests.faults.ledger import Ledger, ledger
from tests.faults.worker import refresh_at, start, world_at

MINUTE = 60_000
KILLED = -9


@cache
def failpoints() -> tuple[str, ...]:
    """Every failpoint that a refresh of the deployed shop passes, in order."""
    passed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        deploy_first(root)
        shop.write_purchases(root, until=shop.SECOND)
        with world_at(root, shop.SECOND) as world:
            refresh(replace(world, failpoint=passed.append), (), shop.SECOND)
    return tuple(passed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "failpoint" in metafunc.fixturenames:
        metafunc.parametrize("failpoint", failpoints())


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployed shop a week later, not refreshed yet."""
    root = tmp_path_factory.mktemp("deployed") / "shop"
    deploy_first(root)
    shop.write_purchases(root, until=shop.SECOND)
    return root


@pytest.fixture(scope="module")
def refreshed(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What readers see after a refresh that nobody interrupted."""
    root = shop.copy(deployed, tmp_path_factory.mktemp("refreshed") / "shop")
    refresh_at(root, shop.SECOND, (), shop.SECOND)
    return ledger(root)


def test_killed_refresh_is_whole_or_nothing(
    deployed: Path, refreshed: Ledger, tmp_path: Path, failpoint: str
):
    """Before the commit nothing is recorded, after it all is; doing it again gives the same."""
    root = shop.copy(deployed, tmp_path / "shop")
    killed = start(failpoint, refresh_at, root, shop.SECOND, (), shop.SECOND).end()
    assert killed == KILLED
    if failpoint == "refresh.after.commit":
        assert ledger(root) == refreshed
        return
    assert ledger(root) == ledger(deployed)
    refresh_at(root, shop.SECOND + MINUTE, (), shop.SECOND)
    assert ledger(root) == refreshed
