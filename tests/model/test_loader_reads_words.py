"""What an object is given back as, the loader reads to the very same object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.loader.project import load_project
from segflow.model.wording import to_words
from segflow.model.wording_text import document
from tests.model.strategies import KINDS

SETTINGS = """
[project]
name = "shop"
[secrets]
allow = ["WAREHOUSE_URL", "OTHER_URL", "HOOK_URL"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project with the files that the strategies name, and room for one document."""
    root = tmp_path_factory.mktemp("shop")
    (root / "segflow.toml").write_text(SETTINGS)
    for name in ("lists", "catalog", "codes", "templates"):
        (root / name).mkdir()
    for path in ("lists/vips.csv", "a b.txt", "codes/five_off.csv", "templates/winback.j2"):
        (root / path).write_text("1\n")
    return root


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=st.data())
def test_words_read_back(kind, folder, data):
    """Dumped as YAML, the words of any object load without a word of complaint to an equal one."""
    thing = data.draw(KINDS[kind])
    text = document(to_words(thing))
    (folder / "catalog" / "thing.yaml").write_text(text, encoding="utf-8")
    project, report = load_project(folder)

    assert [str(found.summary) for found in report] == []
    assert project.objects == {thing.address: thing}
