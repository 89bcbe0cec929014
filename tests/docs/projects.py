"""Projects made of the examples in the reference, checked as `segflow validate` would."""

from collections.abc import Mapping
from pathlib import Path

from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Report
from segflow.loader.project import load_project
from tests.docs.pages import DOCS, Block, blocks

CATALOG = DOCS / "reference" / "catalog.md"
LANGUAGE = DOCS / "reference" / "segments.md"
BLUEPRINTS = DOCS / "reference" / "blueprints.md"
RULES = DOCS / "reference" / "rules.md"
CHECKS = DOCS / "reference" / "checks.md"

_SETTINGS = (
    '[project]\nname = "docs"\n[secrets]\nallow = ["PUSH_URL", "CRM_TOKEN"]\n[environments.prod]\n'
)
_NO_FILES: Mapping[str, str] = {}


def examples(page: Path, *notes: str) -> list[Block]:
    """The YAML blocks of a page with exactly these notes."""
    return [block for block in blocks(page) if block.language == "yaml" and block.notes == notes]


def check(
    folder: Path, *documents: str, catalog: bool = True, files: Mapping[str, str] = _NO_FILES
) -> Report:
    """Everything that is found in a project of the catalog's example, these documents and files."""
    base = [block.text for block in examples(CATALOG)] if catalog else []
    yaml = {f"catalog/{number}.yaml": text for number, text in enumerate((*base, *documents))}
    for name, text in {"segflow.toml": _SETTINGS, **yaml, **files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    project, report = load_project(folder)
    _, found = compile_project(project)
    report.extend(found)
    return report


def segment() -> str:
    """The whole segment of the language page, which other examples name."""
    (block,) = examples(LANGUAGE)
    return block.text
