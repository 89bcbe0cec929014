"""The small shop of the fault tests, deployed once per process and copied for each test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import shop
from tests.faults.conftest import deploy_first


@pytest.fixture(scope="session")
def deployed_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with its first segments applied; nobody changes this folder."""
    root = tmp_path_factory.mktemp("deployed") / "shop"
    deploy_first(root)
    return root


@pytest.fixture
def root(deployed_shop: Path, tmp_path: Path) -> Path:
    """A deployed shop of one's own."""
    return shop.copy(deployed_shop, tmp_path / "shop")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A shop of which nothing is deployed."""
    shop.write_before(tmp_path / "fresh")
    return tmp_path / "fresh"


Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(root: Path) -> Edit:
    """Changes a text that stands once in a file of the deployed shop."""

    def change(name: str, before: str, after: str) -> None:
        path = root / name
        text = path.read_text()
        assert text.count(before) == 1, f"{name} holds {before!r} {text.count(before)} times"
        path.write_text(text.replace(before, after))

    return change
