"""What lint finds, one behaviour per file of tests/cases/lint: a project in, its warnings out."""

import sys
from pathlib import Path

import pytest
import yaml

from segflow.compiler.lint.codes import CODES
from segflow.compiler.lint.pipeline import lint
from tests.compiler.projects import CATALOG, SETTINGS, compiled, lines

CASES = sorted((Path(__file__).parents[1] / "cases" / "lint").glob("*.yaml"))


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def catalog(case: dict) -> str:
    """The catalog of the shop with what the case says otherwise."""
    text = CATALOG
    for old, new in case.get("catalog", {}).items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_has_these_warnings(path, tmp_path):
    """The project has the warnings of the case, at these places, and no others."""
    case = read(path)
    assert set(case) <= {"fact", "text", "catalog", "files", "settings", "finds"}
    files = case.get("files", {})
    settings = SETTINGS + case.get("settings", "")
    project = compiled(
        tmp_path, case["text"], catalog=catalog(case), settings=settings, files=files
    )
    found = lint(project, files)
    assert {one.severity for one in found} <= {"warning"}
    assert lines(found) == case["finds"]


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_cases(code):
    """Of each code there is a case that it is found in, and one where nothing is found."""
    about = [read(path) for path in CASES if path.stem.startswith(code.lower())]
    assert {bool(case["finds"]) for case in about} == {True, False}
    assert all(code in " ".join(case["finds"]) for case in about if case["finds"])


def test_every_error_has_a_place(tmp_path):
    """A warning is shown at a line of a file."""
    text = "segment: a\nentity: customer\nwhere: {field: age, gt: 5, lt: 3}\n"
    (found,) = lint(compiled(tmp_path, text), ())
    assert found.span is not None
    assert (found.span.path, found.span.line, found.address) == (
        "segments/case.yaml",
        3,
        "segment.a",
    )


def test_what_a_blueprint_makes_is_told_once(tmp_path):
    """A warning about several objects of a blueprint stands once, and names the first."""
    text = (
        "blueprint: b\nparameters: {n: {type: integer}}\nfor_each: [{n: 1}, {n: 2}]\n"
        "object:\n  segment: s_{n}\n  entity: customer\n  where:\n    all:\n"
        "    - {field: country, ne: DE}\n    - {field: age, gte: {param: n}}\n"
    )
    (found,) = lint(compiled(tmp_path, text), ())
    assert found.address == "segment.s_1"
    assert found.detail == "in 2 objects, first segment.s_1, made with n: 1 in line 3"


def test_many_segments_are_looked_at_once(tmp_path):
    """Twice the segments take about twice as many calls of functions, and not four times."""

    def calls(number: int) -> int:
        text = "---\n".join(
            f"segment: s_{n}\nentity: customer\nwhere:\n  all:\n"
            f"  - {{did: purchase, within: {n + 1}d}}\n  - {{field: age, ne: {n}}}\n"
            for n in range(number)
        )
        project = compiled(tmp_path / str(number), text)
        made = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += event == "call"

        sys.setprofile(count)
        try:
            report = lint(project, ())
        finally:
            sys.setprofile(None)
        assert len(report) == number
        return made

    calls(10)  # fills the caches
    assert calls(200) < 2.5 * calls(100)
