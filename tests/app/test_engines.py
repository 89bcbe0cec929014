"""A project on each engine, from its files to members and explanations."""

import subprocess
import sys
from pathlib import Path

import pytest

from segflow.app import segments
from segflow.app.query import routing
from segflow.app.sources import check_sources
from segflow.app.validate import load
from segflow.app.wiring import open_engine, open_world
from segflow.errors import RefusedError
from segflow.model.catalog import Source
from segflow.model.instant import parse_instant
from tests.agreement.hosts import MYSQL, POSTGRES, SQLITE, Host
from tests.test_cases import CASES, rows

T = parse_instant("2026-03-31T12:00:00Z")
SEGMENT = """\
segment: tested
entity: customer
where:
  all:
    - {field: city, matches: "^P"}
    - {sum: purchase.amount, gte: 0.30}
    - {not: {in_file: lists/vips.csv}}
"""
TABLES = {
    "people": [{"customer_id": str(key)} for key in (1, 2, 3, 4)],
    "profiles": [
        {"customer_id": "1", "city": "Paris"},
        {"customer_id": "2", "city": "Rome"},
        {"customer_id": "3", "city": "Porto"},
        {"customer_id": "4", "city": "Prague"},
    ],
    "purchases": [
        {
            "id": str(10 * key + n),
            "customer_id": str(key),
            "at": "2026-03-01T00:00:00Z",
            "amount": text,
        }
        for key in (1, 2, 3)
        for n, text in enumerate(("0.10", "0.20"))
    ],
    "views": [],
}


@pytest.mark.parametrize("host", [SQLITE, POSTGRES, MYSQL], ids=lambda host: host.name)
def test_a_project_is_asked_on_its_engine(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Sources are checked, members counted, users explained and queries shown, with the url of the
    source in a secret."""
    assert host.url is not None
    monkeypatch.setenv("SHOP_URL", host.url())
    files = {
        "segflow.toml": '[project]\nname = "shop"\n[secrets]\nallow = ["SHOP_URL"]\n',
        "catalog/shop.yaml": catalog(host.name),
        "segments/s.yaml": SEGMENT,
        "lists/vips.csv": "3\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    compiled = load(tmp_path, None).compiled
    host.write(tmp_path, compiled.project, rows(compiled.project, TABLES), {})
    try:
        with open_world(compiled.project.settings, tmp_path) as world:
            assert [found.summary for found in check_sources(world, compiled)] == []
            assert list(segments.members(world, compiled, "tested", T)) == [1]
            assert segments.explain(world, compiled, "tested", 1, T).member
            assert not segments.explain(world, compiled, "tested", 3, T).member
            assert "purchases" in routing(world, compiled, "tested", host.name, T).parts[0].query
    finally:
        host.forget()


def catalog(engine: str) -> str:
    """The catalog of the cases with its source on another engine."""
    text = (CASES / "catalog.yaml").read_text(encoding="utf-8")
    start, end = text.index("engine:"), text.index("---")
    return f"{text[:start]}engine: {engine}\nurl: ${{SHOP_URL}}\n{text[end:]}"


def test_a_missing_driver_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An engine whose driver is not installed is refused with what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "segflow.engines.postgres", raising=False)
    source = Source(name="shop", engine="postgres", url="postgresql://127.0.0.1/shop")
    with pytest.raises(RefusedError, match="source shop needs psycopg") as caught:
        open_engine(source, tmp_path)
    assert caught.value.hint == 'install it: pip install "segflow[postgres]"'


def test_sqlite_needs_no_driver():
    """Neither DuckDB nor Arrow nor psycopg nor PyMySQL is imported for it."""
    script = (
        "import sys, segflow.app.wiring, segflow.engines.sqlite\n"
        "print(sorted({'duckdb', 'pyarrow', 'psycopg', 'pymysql'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
