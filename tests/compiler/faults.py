"""A project with every common form, its documents as trees, and ways to break one place of them."""

import re
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Report
from segflow.loader.project import load_project
from segflow.model.project import Project
from tests.compiler.projects import CATALOG, SETTINGS

TEXT = """\
segment: lapsed
description: Who did not order
entity: customer
refresh: {every: 1h}
where:
  all:
    - {did: purchase, where: {property: amount, gte: 5}, within: 30d, at_least: 2}
    - {did_not: [purchase, visit], ago: {from: 9d, to: 2d}}
    - any:
        - {field: country, in: [US, DE], ignore_case: true}
        - {sum: purchase.amount, calendar: this_month, gt: {sum: purchase.amount, within: 7d}}
    - not: {last_time: visit, older_than: 7d}
    - none: [{segment: other, as: snapshot}]
    - {in_file: lists/a.csv}
    - {sample: 10%, salt: x}
protect: {max_change: 30%, prevent_destroy: true}
tests:
  - name: a test
    as_of: 2026-01-31
    user: {country: US, seen: 2w, key: 7, since: 2y}
    events: [{purchase: 3d, amount: 5.00, id: 9}, {visit: 2026-01-01, sku: x}]
    members_of: [other]
    expect: out
    because: {last_time: visit, older_than: 7d}
---
segment: other
entity: customer
where: {field: seen, in_last: 7d}
---
channel: codes
kind: coupon
---
channel: export
kind: file
path: out.jsonl
rate: 5/min
live: {environments: [prod]}
---
offer: five
codes: {generate: {pattern: "F-********", count: 10}}
expires: 30d
value: 5.00
---
rule: r
segment: lapsed
where: {field: age, gte: 18}
trigger: {cron: "0 9 * * *", timezone: Asia/Shanghai, gap: shift, catch_up: 2h}
active: {from: 2026-01-01, until: 2026-02-01}
holdout: 10%
re_entry: always
variants:
  - {name: a, weight: 2, send: [{channel: codes, offer: five}, {channel: push, template: t.j2}]}
  - {name: b, send: [{channel: export}]}
cap: [{at_most: 1, per: 7d, window: rolling}]
budget: {coupons: 10}
goal: {event: purchase, window: 7d, value: amount}
---
rule: q
segment: other
trigger: {every: 1d, misfire: latest}
send: [{channel: codes, offer: five}, {channel: push, offer: five}]
"""
FILES = {
    "segflow.toml": SETTINGS,
    "lists/a.csv": "1\n",
    "templates/t.j2": "{{ user.country }} {{ offer.code }}",
}
Path_ = tuple[str | int, ...]
"""The number of a document, and the way into it."""

DOCUMENTS: list[Any] = list(yaml.load_all(f"{CATALOG}---\n{TEXT}", yaml.BaseLoader))


def judged(documents: list[Any]) -> tuple[Project, bool, Report]:
    """The project of the documents, whether it compiles, and all that is said of it."""
    return judged_text("---".join(_yaml(document, 0) for document in documents))


def judged_text(text: str) -> tuple[Project, bool, Report]:
    """The project of a text, which stands in catalog/a.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**FILES, "catalog/a.yaml": text}.items():
            file = Path(folder) / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8")
        project, report = load_project(Path(folder))
        compiled, found = compile_project(project)
    report.extend(found)
    return project, compiled is not None, report


def _yaml(value: Any, depth: int) -> str:
    """A tree of texts as YAML, in which only texts that need quotes have them."""
    if isinstance(value, dict):
        pairs = (f"{'  ' * depth}{key}:{_yaml(inner, depth + 1)}" for key, inner in value.items())
        return "\n" + "".join(pairs)
    if isinstance(value, list):
        return "\n" + "".join(f"{'  ' * depth}-{_yaml(item, depth + 1)}" for item in value)
    if value is None:
        return "\n"
    plain = re.fullmatch(r"[A-Za-z0-9_./%+-][A-Za-z0-9_./%+ -]*", value)
    return f" {value}\n" if plain else f' "{value}"\n'


def paths(node: Any, before: Path_ = ()) -> list[Path_]:
    """The ways to everything below a tree."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    if isinstance(node, str):
        return []
    return [
        path for key, inner in pairs for path in ((*before, key), *paths(inner, (*before, key)))
    ]


def at(documents: Any, path: Path_) -> Any:
    """What stands at a path."""
    for step in path:
        documents = documents[step]
    return documents


def changed(documents: list[Any], path: Path_, value: Any) -> list[Any]:
    """The documents with another value at the path."""
    copy = deepcopy(documents)
    at(copy, path[:-1])[path[-1]] = value
    return copy


def renamed(documents: list[Any], path: Path_, key: str) -> list[Any]:
    """The documents with another key at the path."""
    copy = deepcopy(documents)
    parent = at(copy, path[:-1])
    pairs = [(key if old == path[-1] else old, value) for old, value in parent.items()]
    parent.clear()
    parent.update(pairs)
    return copy


def spoilt(documents: list[Any], path: Path_, how: str) -> list[Any]:
    """The documents with a fault of shape at the path."""
    value = at(documents, path)
    match how:
        case "misspelt" | "foreign" if isinstance(path[-1], str):
            return renamed(documents, path, f"{path[-1]}x" if how == "misspelt" else "zzz")
        case "list" if not isinstance(value, list):
            return changed(documents, path, [[value]])
        case "nothing":
            return changed(documents, path, None)
        case "text":
            return changed(documents, path, "No Such!")
        case _:
            return changed(documents, path, {"zzz": value})


HOW = ("misspelt", "foreign", "list", "nothing", "text", "map")
