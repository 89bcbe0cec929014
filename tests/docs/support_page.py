"""docs/reference/support.md: which form each engine answers itself, by compiling every form."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import yaml

from segflow.compiler.pipeline import compile_project
from segflow.loader.project import load_project
from segflow.loader.source import ENGINES
from segflow.model.catalog import Event, Source
from segflow.model.instant import Instant
from segflow.model.predicate import Predicate
from segflow.model.project import Project
from segflow.ports import Documents
from tests.agreement.elastic import in_units
from tests.docs.pages import DOCS
from tests.selections import select_members

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
- **split**: segflow answers a part of it, from or with a set of values or of keys.
- **refused**: a diagnostic names it, with its place in the file. No form is ever dropped or
  approximated.
"""
_ENDS = """
`matches` is split where the engine has no RE2: the distinct values of the column are fetched, RE2
is asked of them, and those that match are handed back. Leaves about the past of segments read the
membership log, which segflow keeps itself. A sample of Elasticsearch's users is drawn from all of
their keys.

In the column of Elasticsearch decimals are stored as `minor_units`, and no event's id is indexed
twice, as `unique: true` promises; otherwise what asks for them is refused.

Users may have integers or strings for keys in every cell. Those with strings have no membership log
yet: what reads it is refused when it is asked.
"""

_REASONS = """
## What Elasticsearch refuses
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


class Cell(NamedTuple):
    """What an engine makes of a form, and why it refuses it, if that has a reason of its own."""

    word: str
    why: str = ""


def cell(where: str, engine: str) -> Cell:
    """What an engine makes of a form, whatever the keys of users are."""
    integers = CATALOG.read_text("utf-8")
    texts = integers.replace("key: {type: integer, ordinals: direct}", "key: {type: string}")
    assert texts != integers
    (found,) = {_cell(where, engine, catalog) for catalog in (integers, texts)}
    return found


def _cell(where: str, engine: str, catalog: str) -> Cell:
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
    refused = [found for found in report if found.code == "SUP001"]
    if refused:
        return Cell("refused", refused[0].detail or "")
    assert compiled is not None, (where, [found.summary for found in report])
    selection = select_members(compiled, "s", Instant(0))
    if selection.splits:
        return Cell("split: values")
    if any(name.startswith("log.") for name in selection.sets):
        return Cell("split: the log")
    if isinstance(selection.statement, Documents) and "Sampled(" in repr(selection.statement):
        return Cell("split: keys")
    return Cell("native")


def _on(project: Project, engine: str) -> Project:
    moved = {
        address: replace(found, engine=engine, url="shop.db", tables=())  # type: ignore[arg-type]
        for address, found in project.objects.items()
        if isinstance(found, Source)
    }
    there = replace(project, objects={**project.objects, **moved})
    return _promising(in_units(there)) if engine == "elasticsearch" else there


def _promising(project: Project) -> Project:
    """The project, in which no event's id comes twice."""
    promised = {
        address: replace(found, at=replace(found.at, unique=True))
        for address, found in project.objects.items()
        if isinstance(found, Event)
    }
    return replace(project, objects={**project.objects, **promised})


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
    cells = {form: [cell(where, engine) for engine in ENGINES] for form, where in FORMS.items()}
    rows = [
        f"| {form} | {' | '.join(one.word for one in found)} |" for form, found in cells.items()
    ]
    table = [f"| form | {' | '.join(ENGINES)} |", "|---" * (len(ENGINES) + 1) + "|", *rows]
    reasons = [f"- {form}: {one.why}." for form, found in cells.items() for one in found if one.why]
    return "\n".join([_HEAD, *table]) + "\n" + _ENDS + "\n".join([_REASONS, *reasons]) + "\n"
