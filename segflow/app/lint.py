"""segflow lint: the warnings about a project that is valid."""

from collections.abc import Iterator
from pathlib import Path

from segflow.app.validate import load
from segflow.compiler.lint.pipeline import lint
from segflow.diagnostics import Report
from segflow.model.rule import TEMPLATES

LISTS = "lists"
"""The folder in which lists are looked for; others may be anywhere."""


def lint_project(root: Path, environment: str | None) -> Report:
    """Every warning about the project in a folder: those of validate, and what lint finds, without
    the codes that the settings pass over.

    Raises InvalidProjectError for a project with errors.
    """
    loaded = load(root, environment)
    found = lint(loaded.compiled, _files(root))
    found.extend(loaded.report)
    ignored = loaded.compiled.project.settings.lint.ignore
    report = Report()
    report.extend(one for one in found if one.code not in ignored)
    return report


def _files(root: Path) -> Iterator[str]:
    """The files in the folders of lists and templates, without hidden ones."""
    for folder in (LISTS, TEMPLATES):
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and not any(part.startswith(".") for part in relative.parts):
                yield relative.as_posix()
