"""docs/reference/support.md: which form each engine answers itself, by compiling every form."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import yaml

from segflow.compiler.dialects import DIALECTS
from segflow.compiler.pipeline import compile_project
from segflow.compiler.targets.sql import select_members
from segflow.loader.project import load_project
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.model.predicate import Predicate
from segflow.model.project import Project
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "support.md"
CATALOG = DOCS.parent / "tests" / "cases" / "catalog.yaml"

FORMS: dict[str, str] = {
    one["form"]: one["where"]
    for one in yaml.safe_load((Path(__file__).parent / "forms.yaml").read_text(encoding="utf-8"))
}

_HEAD = """\
# Forms and engines

What each engine makes of each form. This page is made by compiling every form for every engine.

- **native**: the engine's query answers it.
- **split**: segflow answers a part of it, and gives the engine a set of values or of keys.
- **refused**: a diagnostic names it, with its place in the file. No form is ever dropped or
  approximated.
"""
_ENDS = """
`matches` is split where the engine has no RE2: the distinct values of the column are fetched, RE2
is asked of them, and those that match are handed back. Leaves about the past of segments read the
membership log, which segflow keeps itself. Sources on other engines are refused as a whole.

Users may have integers or strings for keys in every cell. Those with strings have no membership log
yet: what reads it is refused when it is asked.
"""

_SEGMENTS = """\
consent: marketing
entity: customer
at: {source: shop, table: consents, key: customer_id, granted: granted, time: at, topic: topic}
---
address: email
entity: customer
at: {source: shop, table: contacts, key: customer_id, column: email}
topic: marketing
---
suppression: bounced
entity: customer
at: {source: shop, table: bounces, address: address, channel: channel, time: at}
---
segment: other
entity: customer
where: {everyone: true}
---
segment: s
entity: customer
where: """


def cell(where: str, engine: str) -> str:
    """What an engine makes of a form, whatever the keys of users are."""
    integers = CATALOG.read_text("utf-8")
    texts = integers.replace("key: {type: integer, ordinals: direct}", "key: {type: string}")
    assert texts != integers
    (found,) = {_cell(where, engine, catalog) for catalog in (integers, texts)}
    return found


def _cell(where: str, engine: str, catalog: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "segflow.toml").write_text('[project]\nname = "forms"\n')
        for name, content in (
            ("catalog", catalog),
            ("segments", _SEGMENTS + where),
        ):
            (root / name).mkdir()
            (root / name / "all.yaml").write_text(content)
        project, report = load_project(root)
    assert [found.summary for found in report] == [], where
    compiled, report = compile_project(_on(project, engine))
    refused = [found.summary for found in report if found.code == "SUP001"]
    if refused:
        return "refused"
    assert compiled is not None, (where, [found.summary for found in report])
    selection = select_members(compiled, "s", Instant(0))
    if selection.splits:
        return "split: values"
    if any(name.startswith("log.") for name in selection.sets):
        return "split: the log"
    return "native"


def _on(project: Project, engine: str) -> Project:
    moved = {
        address: replace(found, engine=engine, url="shop.db", tables=())  # type: ignore[arg-type]
        for address, found in project.objects.items()
        if isinstance(found, Source)
    }
    return replace(project, objects={**project.objects, **moved})


def unlisted() -> set[str]:
    """The forms of the language's closed union of which the table has no example."""
    shown = " ".join(FORMS.values())
    heads = {
        "Test": "field",
        "AnyOf": "any",
        "NoneOf": "none",
        "EventHas": "has",
        "InSegment": "segment",
        "Transition": "entered",
        "InFile": "",  # needs a file; an engine sees it as it sees a kept set
    }
    names = {kind.__name__ for kind in Predicate.__args__}  # type: ignore[attr-defined]
    return {name for name in names if not re.search(rf"\b{heads.get(name, name.lower())}", shown)}


def render() -> str:
    """The page as engines are now."""
    engines = list(DIALECTS)
    rows = [
        f"| {form} | {' | '.join(cell(where, engine) for engine in engines)} |"
        for form, where in FORMS.items()
    ]
    table = [f"| form | {' | '.join(engines)} |", "|---" * (len(engines) + 1) + "|", *rows]
    return "\n".join([_HEAD, *table]) + "\n" + _ENDS
