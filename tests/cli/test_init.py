"""`segflow init`: what it writes and when it refuses."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segflow.cli.scaffold import project_name
from tests.cli import template_data

FILES = [
    "segflow.toml",
    ".gitignore",
    "catalog/shop.yaml",
    "data/customers.parquet",
    "data/purchases.parquet",
    "segments/shop.yaml",
]


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_writes_a_whole_project_into_a_new_folder(segflow, tmp_path):
    """Settings, catalog, segments and sample data, in a folder made for them."""
    folder = tmp_path / "My Shop"
    result = segflow("init", str(folder))
    assert (result.code, result.err) == (0, "")
    assert written(folder) == sorted(FILES)
    assert 'name = "my-shop"' in (folder / "segflow.toml").read_text()
    assert "segflow plan --as-of 2026-04-01T00:00:00Z" in result.out


def test_it_says_what_it_wrote_as_json(segflow, tmp_path):
    """--json gives the project's name, its folder and its files."""
    facts = json.loads(segflow("init", str(tmp_path / "a"), "--json").out)
    assert facts == {"project": "a", "folder": str(tmp_path / "a"), "files": FILES}


def test_it_takes_the_current_folder_by_default(segflow, tmp_path, monkeypatch):
    """Without DIR the project is made here, beside files that are there already."""
    (tmp_path / "README.md").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert segflow("init").code == 0
    assert written(tmp_path) == sorted([*FILES, "README.md"])


def test_a_project_is_never_made_over_another(segflow, shop):
    """A second init changes nothing and fails."""
    (shop / "segments" / "shop.yaml").write_text("segment: mine")
    result = segflow("init")
    assert result.code == 1
    assert result.err.startswith("error: this folder is a segflow project already")
    assert (shop / "segments" / "shop.yaml").read_text() == "segment: mine"


def test_no_file_is_overwritten(segflow, tmp_path):
    """One file of the same name is enough to refuse; nothing at all is written then."""
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "shop.yaml").write_text("mine")
    result = segflow("init", str(tmp_path))
    assert result.code == 1
    assert "catalog/shop.yaml" in result.err
    assert written(tmp_path) == ["catalog/shop.yaml"]


@pytest.mark.parametrize("before", ["*.log\n", "*.log"])
def test_a_gitignore_that_is_there_is_added_to(segflow, tmp_path, before):
    """Its lines stay, and the state is ignored too; once is enough."""
    (tmp_path / ".gitignore").write_text(before)
    assert segflow("init", str(tmp_path)).code == 0
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[0] == "*.log"
    assert lines.count(".segflow/") == 1


def test_a_file_in_the_way_is_a_plain_error(segflow, tmp_path):
    """Where DIR is a file, the message names it; no traceback."""
    (tmp_path / "file").write_text("")
    result = segflow("init", str(tmp_path / "file"))
    assert result.code == 1
    assert result.err.startswith("error: ")
    assert str(tmp_path / "file") in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/a/Shop Two", "shop-two"),
        ("/a/crm_eu", "crm_eu"),
        ("/a/流失", "project"),
        ("/", "project"),
    ],
)
def test_a_project_is_called_after_its_folder(folder, name):
    """The folder's name in lower case, dashes for what a name should not hold."""
    assert project_name(Path(folder)) == name


@pytest.mark.parametrize("table", ["customers", "purchases"])
def test_the_sample_data_is_what_its_program_makes(table):
    """The Parquet files that ship are the made-up rows of template_data.py and nothing else."""
    shipped = pq.read_table(template_data.FOLDER / f"{table}.parquet")
    assert shipped.equals(getattr(template_data, table)())
