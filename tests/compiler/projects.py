"""Projects for tests of the compiler: a shop's catalog, and whatever a test writes beside it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Diagnostic, Report
from segflow.loader.project import load_project
from segflow.model.compiled import Compiled
from segflow.model.project import Project

SETTINGS = '[environments.prod]\n[project]\nname = "shop"\n'

CATALOG = """\
source: warehouse
engine: duckdb
tables: {customers: customers.parquet, purchases: purchases.parquet, visits: visits.parquet}
---
entity: customer
key: {type: integer}
population: {source: warehouse, table: customers, key: id, since: first_seen}
fields:
  country: {type: string, at: {source: warehouse, table: customers, key: id, column: country}}
  age: {type: integer, at: {source: warehouse, table: customers, key: id, column: age}}
  balance: {type: "decimal(18,2)", at: {source: warehouse, table: customers, key: id, column: cash}}
  score: {type: float, at: {source: warehouse, table: customers, key: id, column: score}}
  vip: {type: boolean, at: {source: warehouse, table: customers, key: id, column: vip}}
  born: {type: date, at: {source: warehouse, table: customers, key: id, column: born}}
  seen: {type: timestamp, at: {source: warehouse, table: customers, key: id, column: seen}}
  spend: {type: "decimal(18,2)", is: {sum: purchase.amount, within: 90d}}
---
entity: shop
key: {type: integer}
population: {source: warehouse, table: shops, key: id}
---
event: purchase
entities: {customer: customer_id}
at: {source: warehouse, table: purchases, time: at, id: {column: id, type: integer}, unique: true}
properties:
  amount: {type: "decimal(18,2)", column: amount}
  weight: {type: float, column: weight}
  sku: {type: string, column: sku}
  gift: {type: boolean, column: gift}
  due: {type: date, column: due}
---
event: visit
entities: {customer: customer_id}
at: {source: warehouse, table: visits, time: at}
properties:
  sku: {type: string, column: sku}
  amount: {type: integer, column: amount}
---
channel: push
kind: webhook
"""


def project(
    folder: Path,
    text: str,
    *,
    catalog: str = CATALOG,
    settings: str = SETTINGS,
    files: Mapping[str, str] = MappingProxyType({}),
) -> Project:
    """The project of the catalog, of the text, which stands in segments/case.yaml, and of files."""
    for name, content in (
        ("segflow.toml", settings),
        ("catalog/shop.yaml", catalog),
        ("segments/case.yaml", text),
        *files.items(),
    ):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    loaded, report = load_project(folder)
    assert [found.summary for found in report] == []
    return loaded


def compiled(folder: Path, text: str, **parts: Any) -> Compiled:
    """The compiled project, which must have no errors."""
    result, report = compile_project(project(folder, text, **parts))
    assert result is not None, lines(report)
    return result


def lines(report: Report) -> list[str]:
    """The findings as one line each: place, code, summary and, after a bar, the help."""
    return [line(found) for found in report]


def line(found: Diagnostic) -> str:
    """One finding on one line."""
    place = "?" if found.span is None else f"{found.span.line}:{found.span.column}"
    rest = "" if found.help is None else f" | {found.help}"
    return f"{place} {found.code} {found.summary}{rest}"
