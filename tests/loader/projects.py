"""Small projects on disk, and the case files of tests/cases/loader."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from segflow.diagnostics import Diagnostic, Report
from segflow.loader.project import load_project
from segflow.model.project import Project

CASES = Path(__file__).parents[1] / "cases" / "loader"
CASE_FILE = "catalog/case.yaml"
SETTINGS = """\
[project]
name = "shop"

[secrets]
allow = ["WAREHOUSE_URL", "WAREHOUSE_REPLICA_URL", "PUSH_TOKEN"]
"""


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files, and the settings unless they are among them."""
    for name, content in {"segflow.toml": SETTINGS, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def load(
    root: Path, files: Mapping[str, str | bytes], environment: str | None = None
) -> tuple[Project, Report]:
    """A project of these files, loaded."""
    return load_project(write(root, files), environment)


def load_text(root: Path, text: str) -> tuple[Project, Report]:
    """A project of one YAML file."""
    return load(root, {CASE_FILE: text})


def load_case(root: Path, told: Mapping[str, Any]) -> tuple[Project, Report]:
    """The text of a case as a project, with the files that it brings."""
    return load(root, {CASE_FILE: told["text"], **told.get("files", {})})


@cache
def case_files() -> tuple[Path, ...]:
    """Every case file."""
    return tuple(sorted(CASES.rglob("*.yaml")))


@cache
def case(path: Path) -> Mapping[str, Any]:
    """One case: fact, text, and what comes of it."""
    read: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return read


def name_of(path: Path) -> str:
    """The name of a case in test reports."""
    return str(path.relative_to(CASES).with_suffix(""))


def at(found: Diagnostic) -> str:
    """Where a finding is, as cases say it: line:column-end, or line:column-line:end."""
    span = found.span
    assert span is not None
    end = f"{span.end_column}"
    if span.end_line != span.line:
        end = f"{span.end_line}:{end}"
    return f"{span.line}:{span.column}-{end}"


def codes(report: Report) -> list[str]:
    """The codes of a report in file order."""
    return [found.code for found in report]
