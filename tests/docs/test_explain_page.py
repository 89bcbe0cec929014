"""The page of explanations is true: what it shows is printed, and its tables have all the keys."""

import json

import pytest

from segflow.cli.main import main
from tests.docs.pages import DOCS, blocks, tables_of_keys

PAGE = DOCS / "reference" / "explain.md"
QUESTION = ["segment", "explain", "win_back", "--key", "1", "--as-of", "2026-04-01T00:00:00Z"]


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys):
    """The example project, in which the page asks."""
    monkeypatch.chdir(tmp_path)
    assert main(["init", "shop"]) == 0
    monkeypatch.chdir(tmp_path / "shop")
    capsys.readouterr()


def test_the_explanation_that_is_shown_is_printed(shop, capsys):
    """Line by line."""
    assert main(QUESTION) == 0
    (shown,) = blocks(PAGE)
    assert capsys.readouterr().out == shown.text


def test_every_key_of_an_explanations_json_is_documented(shop, capsys):
    """The three tables of the page have the keys of the whole, of a node and of the deadline."""
    assert main([*QUESTION, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    tables = tables_of_keys(PAGE.read_text(encoding="utf-8"))
    assert [sorted(table) for table in tables] == [
        sorted(found),
        sorted(found["because"]),
        sorted(found["changes"]),
    ]
