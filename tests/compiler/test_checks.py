"""What the checking passes say of wrong text: one file of cases per pass."""

from pathlib import Path

import pytest
import yaml

from segflow.compiler.codes import CODES
from segflow.compiler.pipeline import CHECKS, compile_project
from tests.compiler.projects import lines, project

CASES = Path(__file__).parent / "cases"


def cases():
    for file in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(file.read_text(encoding="utf-8")):
            yield pytest.param(case, id=f"{file.stem}: {case['case']}")


@pytest.mark.parametrize("case", tuple(cases()))
def test_every_fault_is_reported_at_its_place(case, tmp_path):
    """The report is the expected one, line by line; with errors the compiler gives nothing, with
    the warning of an environment it does."""
    compiled, report = compile_project(project(tmp_path, case["text"], files=case.get("files", {})))
    assert lines(report) == case["says"]
    assert (compiled is None) == report.has_errors
    assert report.has_errors or all("RES003" in line for line in case["says"])


def test_every_pass_that_checks_has_cases():
    """No check goes untested."""
    assert {file.stem for file in CASES.glob("*.yaml")} == {check.__name__ for check in CHECKS}


def test_every_code_is_provoked():
    """Each code of the table is given by some case."""
    said = {line.split(" ")[1] for case in cases() for line in case.values[0]["says"]}
    assert said == set(CODES)
