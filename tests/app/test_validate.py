"""segflow validate: where a project is, all that is wrong with it, and whether its sources fit."""

from pathlib import Path

import pytest

from segflow.app.columns import fits, holds_json, orders_rows
from segflow.app.root import find_root
from segflow.app.sources import check_sources
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.errors import InvalidProjectError, RefusedError
from segflow.model.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    STRING,
    TIMESTAMP,
    VERSION,
    ValueType,
    decimal_type,
    parse_type,
)
from tests.app.conftest import Edit


def findings(root: Path) -> list[tuple[str, str, int]]:
    """What the sources lack: code, file and line."""
    loaded = load(root, None)
    with open_world(loaded.compiled.project.settings, root) as world:
        report = check_sources(world, loaded.compiled)
    places = [(found.code, found.span) for found in report]
    assert all(span is not None for _, span in places)
    return [(code, span.path, span.line) for code, span in places if span is not None]


def test_root_is_the_nearest_folder_upward(fresh: Path):
    """From any folder of a project the project is found; outside of one that is told."""
    deep = fresh / "segments" / "deeper"
    deep.mkdir()
    assert find_root(deep) == find_root(fresh) == fresh.resolve()
    with pytest.raises(RefusedError, match=r"segflow\.toml"):
        find_root(fresh.parent)


CHANNELS = """
channel: letterbox
kind: file
---
channel: hook
kind: webhook
url: https://example.com/hook
headers:
  Host: example.com
timout: 3s
---
channel: mail
kind: email
anything: goes
"""


def test_settings_of_channels_are_judged_at_their_place(fresh: Path):
    """A wrong setting at its key, a missing one at the kind that wants it; all with the rest of
    what is wrong."""
    (fresh / "rules" / "channels.yaml").write_text(CHANNELS)
    with pytest.raises(InvalidProjectError) as caught:
        load(fresh, None)
    told = [
        (found.code, found.address, found.span and found.span.line, found.summary)
        for found in caught.value.report
    ]
    assert told == [
        ("CHN001", "channel.letterbox", 3, "the setting `path` is missing"),
        ("CHN001", "channel.hook", 9, "`Host` has to be the name of a header that is yours to set"),
        ("CHN001", "channel.hook", 10, "the setting `timout` is not known"),
        ("SUP001", "channel.mail", 13, "a channel of kind email is not supported yet"),
    ]


def test_errors_of_all_files_come_at_once(root: Path, edit: Edit):
    """What the loader and what the compiler finds is told together, in file order."""
    edit("catalog/shop.yaml", "  table: purchases\n", "  table: purchases\n  tabel: purchases\n")
    edit("segments/shop.yaml", "at_least: 2", "at_least: 2, within: 3m")
    edit("segments/shop.yaml", "{segment: recent}", "{segment: recnt}")
    with pytest.raises(InvalidProjectError) as caught:
        load(root, None)
    found = [found.span.path for found in caught.value.report.errors if found.span]
    assert found == ["catalog/shop.yaml", "segments/shop.yaml", "segments/shop.yaml"]


def test_missing_object_is_told_once_where_files_are_broken(root: Path, edit: Edit):
    """An entity that can't be read makes no error per segment that names it."""
    edit("catalog/shop.yaml", "entity: customer\n", "entitty: customer\n")
    with pytest.raises(InvalidProjectError) as caught:
        load(root, None)
    unknown = [found for found in caught.value.report.errors if found.code == "RES001"]
    assert len(unknown) <= 1


def test_sources_that_fit_find_nothing(fresh: Path):
    """Every table and column of the catalog is there."""
    assert findings(fresh) == []


def test_missing_columns_are_found_at_their_place(root: Path, edit: Edit):
    """Each column that a table lacks is an error where the catalog names it."""
    edit("catalog/shop.yaml", "time: purchased_at", "time: bought_at")
    edit("catalog/shop.yaml", "column: amount", "column: total")
    edit("catalog/shop.yaml", "since: first_seen", "since: first_sen")
    lines = (root / "catalog" / "shop.yaml").read_text().splitlines()
    expected = {
        number
        for number, line in enumerate(lines, start=1)
        if any(name in line for name in ("bought_at", "total", "first_sen"))
    }
    found = findings(root)
    assert {(code, path) for code, path, _ in found} == {("SRC002", "catalog/shop.yaml")}
    assert {line for _, _, line in found} == expected


def test_a_history_is_looked_for_too(root: Path, edit: Edit):
    """The table of a field's changes must have the columns that the catalog names."""
    history = "{source: warehouse, table: purchases, key: customer_id, time: at, column: plan}"
    field = "{source: warehouse, table: customers, key: customer_id, column: customer_id}"
    edit(
        "catalog/shop.yaml",
        "since: first_seen}\n",
        "since: first_seen}\nfields:\n  plan:\n    type: integer\n"
        f"    at: {field}\n    history: {history}\n",
    )
    lines = (root / "catalog" / "shop.yaml").read_text().splitlines()
    (line,) = (number for number, text in enumerate(lines, start=1) if "history" in text)
    assert findings(root) == [("SRC002", "catalog/shop.yaml", line)] * 2  # time and column


@pytest.mark.parametrize(
    ("kind", "table", "columns", "found"),
    [
        ("consent", "purchases", "key: customer_id, granted: amount, time: at, topic: t",
         ["SRC004", "SRC002", "SRC002"]),
        ("suppression", "purchases", "key: id, reason: why, time: purchased_at",
         ["SRC002", "SRC002"]),
        ("suppression", "purchases", "address: email, channel: amount", ["SRC002", "SRC004"]),
        ("address", "purchases", "key: customer_id, column: amount", ["SRC004"]),
        ("address", "none", "key: customer_id, column: email", ["SRC001"]),
    ],
)  # fmt: skip
def test_contacts_are_looked_for_too(
    root: Path, edit: Edit, kind: str, table: str, columns: str, found: list[str]
):
    """The tables of consents, suppressions and addresses have the columns that are named, each of
    which can hold what is said."""
    at = f"{{source: warehouse, table: {table}, {columns}}}"
    added = f"---\n{kind}: it\nentity: customer\nat: {at}\n"
    edit("catalog/shop.yaml", "---\nentity: customer\n", f"{added}---\nentity: customer\n")
    assert [code for code, _, _ in findings(root)] == found


def test_missing_table_is_told_once(root: Path, edit: Edit):
    """Of a table that is not there no column is looked for."""
    edit("catalog/shop.yaml", "  table: purchases", "  table: orders")
    assert [code for code, _, _ in findings(root)] == ["SRC001"]


def test_source_that_can_not_be_asked_is_told_once(root: Path):
    """A file that is gone is an error at its source, whatever rests on it."""
    (root / "data" / "customers.parquet").unlink()
    assert findings(root) == [("SRC003", "catalog/shop.yaml", 1)]


def test_names_of_columns_have_no_case(root: Path, edit: Edit):
    """SQL does not tell AMOUNT from amount, and neither does the check."""
    edit("catalog/shop.yaml", "column: amount", "column: AMOUNT")
    assert findings(root) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('amount: {type: "decimal(18,2)"', "amount: {type: integer"),
        ('amount: {type: "decimal(18,2)"', 'amount: {type: "decimal(18,1)"'),
        ('amount: {type: "decimal(18,2)"', "amount: {type: boolean"),
        ('amount: {type: "decimal(18,2)"', "amount: {type: date"),
        ("  time: purchased_at", "  time: amount"),
        ("since: first_seen", "since: customer_id"),
        ("column: amount}", "column: amount, path: a}"),
        ("column: amount}", "column: purchased_at, encoding: minor_units(2)}"),
        ("column: amount}", "column: purchased_at, encoding: text}"),
        ("entities: {customer: customer_id}", "entities: {customer: amount}"),
    ],
)
def test_columns_that_do_not_hold_what_is_said_are_found(fresh: Path, before: str, after: str):
    """A value that would be rounded, cut or misread is an error at the catalog's line."""
    catalog = fresh / "catalog" / "shop.yaml"
    text = catalog.read_text()
    assert text.count(before) == 1
    catalog.write_text(text.replace(before, after))

    found = findings(fresh)

    assert {code for code, _, _ in found} == {"SRC004"}


@pytest.mark.parametrize(
    ("engine", "word", "declared", "holds"),
    [
        ("duckdb", "BIGINT", INTEGER, True),
        ("duckdb", "DECIMAL(18,0)", INTEGER, True),
        ("duckdb", "DOUBLE", INTEGER, False),
        ("duckdb", "DOUBLE", decimal_type(18, 2), True),
        ("duckdb", "DECIMAL(18,3)", decimal_type(18, 2), False),
        ("duckdb", "INTEGER", decimal_type(18, 2), True),
        ("duckdb", "TIMESTAMP", DATE, False),
        ("duckdb", "DATE", TIMESTAMP, True),
        ("duckdb", "TIMESTAMP WITH TIME ZONE", TIMESTAMP, True),
        ("duckdb", "VARCHAR", TIMESTAMP, False),
        ("duckdb", "VARCHAR", STRING, True),
        ("duckdb", "STRUCT(a INTEGER)", STRING, True),
        ("sqlite", "DECIMAL(18,2)", decimal_type(18, 2), False),
        ("sqlite", "REAL", decimal_type(18, 2), False),
        ("sqlite", "TEXT", decimal_type(18, 2), True),
        ("sqlite", "INTEGER", decimal_type(18, 2), True),
        ("sqlite", "INTEGER", TIMESTAMP, True),
        ("sqlite", "DATETIME", TIMESTAMP, True),
        ("sqlite", "DATE", DATE, True),
        ("sqlite", "REAL", TIMESTAMP, False),
        ("sqlite", "INTEGER", DATE, False),
        ("sqlite", "BOOLEAN", BOOLEAN, True),
        ("sqlite", "TEXT", INTEGER, False),
        ("sqlite", "NUMERIC", STRING, False),
        ("sqlite", "", STRING, True),
        ("postgres", "bigint", INTEGER, True),
        ("postgres", "numeric(20,0)", INTEGER, True),
        ("postgres", "numeric(18,3)", decimal_type(18, 2), False),
        ("postgres", "numeric", decimal_type(18, 2), True),
        ("postgres", "double precision", decimal_type(18, 2), True),
        ("postgres", "double precision", INTEGER, False),
        ("postgres", "timestamp(3) without time zone", TIMESTAMP, True),
        ("postgres", "timestamp with time zone", DATE, False),
        ("postgres", "date", TIMESTAMP, True),
        ("postgres", "character varying(20)", STRING, True),
        ("postgres", "text", TIMESTAMP, False),
        ("postgres", "jsonb", STRING, True),
        ("duckdb", "VARCHAR", VERSION, True),
        ("duckdb", "DECIMAL(3,2)", VERSION, False),
        ("duckdb", "VARCHAR[]", parse_type("list<string>"), True),
        ("duckdb", "BIGINT[]", parse_type("list<integer>"), True),
        ("duckdb", "VARCHAR[]", parse_type("list<integer>"), False),
        ("duckdb", "VARCHAR", parse_type("list<string>"), False),
        ("duckdb", "VARCHAR[]", STRING, False),
        ("postgres", "text[]", parse_type("list<string>"), True),
        ("postgres", "bigint[]", parse_type("list<string>"), True),
        ("postgres", "text[]", STRING, False),
        ("postgres", "bigint", parse_type("list<integer>"), False),
        ("sqlite", "TEXT", parse_type("list<integer>"), True),
        ("sqlite", "INTEGER", parse_type("list<integer>"), False),
        ("mysql", "bigint(20) unsigned", INTEGER, True),
        ("mysql", "tinyint(1)", INTEGER, True),
        ("mysql", "tinyint(1)", BOOLEAN, True),
        ("mysql", "bit(1)", BOOLEAN, True),
        ("mysql", "int(11)", BOOLEAN, False),
        ("mysql", "decimal(20,0)", INTEGER, True),
        ("mysql", "decimal(18,3) unsigned", decimal_type(18, 2), False),
        ("mysql", "double", decimal_type(18, 2), True),
        ("mysql", "double", INTEGER, False),
        ("mysql", "datetime(6)", TIMESTAMP, True),
        ("mysql", "timestamp", DATE, False),
        ("mysql", "date", TIMESTAMP, True),
        ("mysql", "varchar(20)", STRING, True),
        ("mysql", "enum('a b','c')", STRING, True),
        ("mysql", "varchar(20)", INTEGER, False),
        ("mysql", "json", STRING, True),
        ("mysql", "json", parse_type("list<integer>"), True),
        ("mysql", "longtext", parse_type("list<string>"), True),
        ("mysql", "int(11)", parse_type("list<integer>"), False),
        ("mysql", "varchar(20)", VERSION, True),
        ("mysql", "tinyint(4)", VERSION, True),
        ("mysql", "decimal(3,2)", VERSION, False),
        ("clickhouse", "Nullable(UInt64)", INTEGER, True),
        ("clickhouse", "UInt8", BOOLEAN, True),
        ("clickhouse", "Int64", BOOLEAN, False),
        ("clickhouse", "Nullable(Decimal(18, 3))", decimal_type(18, 2), False),
        ("clickhouse", "Decimal(18, 2)", decimal_type(18, 2), True),
        ("clickhouse", "Float64", INTEGER, False),
        ("clickhouse", "LowCardinality(Nullable(String))", STRING, True),
        ("clickhouse", "DateTime64(3, 'UTC')", TIMESTAMP, True),
        ("clickhouse", "Date32", DATE, True),
        ("clickhouse", "Array(Nullable(Int64))", parse_type("list<integer>"), True),
        ("clickhouse", "Array(String)", parse_type("list<integer>"), False),
        ("clickhouse", "String", parse_type("list<string>"), False),
        ("spark", "decimal(20,0)", INTEGER, True),
        ("spark", "decimal(18,3)", decimal_type(18, 2), False),
        ("spark", "double", decimal_type(18, 2), True),
        ("spark", "timestamp_ntz", TIMESTAMP, True),
        ("spark", "array<bigint>", parse_type("list<integer>"), True),
        ("spark", "array<string>", parse_type("list<integer>"), False),
        ("spark", "string", parse_type("list<string>"), False),
        ("spark", "struct<a:int>", STRING, False),
        ("elasticsearch", "keyword", STRING, True),
        ("elasticsearch", "keyword", parse_type("list<string>"), True),
        ("elasticsearch", "keyword with normalizer", STRING, False),
        ("elasticsearch", "keyword inside of nested", STRING, False),
        ("elasticsearch", "text", STRING, False),
        ("elasticsearch", "long", STRING, False),
        ("elasticsearch", "short", INTEGER, True),
        ("elasticsearch", "unsigned_long", INTEGER, False),
        ("elasticsearch", "long or keyword", INTEGER, False),
        ("elasticsearch", "scaled_float", decimal_type(18, 2), False),
        ("elasticsearch", "double", decimal_type(18, 2), False),
        ("elasticsearch", "date", DATE, True),
        ("elasticsearch", "date_nanos", TIMESTAMP, False),
        ("elasticsearch", "boolean", BOOLEAN, True),
    ],
)
def test_types_fit_where_nothing_is_lost(engine: str, word: str, declared: ValueType, holds: bool):
    """A column fits a declared type where each of its values is one of it; unknown types pass,
    but not those of indices, which are all known."""
    assert fits(engine, word, declared) is holds


@pytest.mark.parametrize(
    ("engine", "word", "json", "order"),
    [
        ("duckdb", "VARCHAR", True, False),
        ("duckdb", "JSON", True, False),
        ("duckdb", "STRUCT(a INTEGER)[]", True, False),
        ("duckdb", "BIGINT", False, True),
        ("duckdb", "TIMESTAMP", False, True),
        ("duckdb", "DOUBLE", False, False),
        ("postgres", "character varying(20)", True, False),
        ("postgres", "jsonb", True, True),
        ("sqlite", "TEXT", True, True),
        ("sqlite", "REAL", False, False),
        ("duckdb", "BOOLEAN", False, False),
        ("mysql", "longtext", True, False),
        ("mysql", "json", True, True),
        ("mysql", "tinyint(4)", False, True),
        ("mysql", "datetime(6)", False, True),
        ("mysql", "double", False, False),
    ],
)
def test_what_may_hold_json_or_tell_newer_rows(engine: str, word: str, json: bool, order: bool):
    """JSON is text or what has parts; newer rows are told by exact numbers and instants."""
    assert (holds_json(engine, word), orders_rows(engine, word)) == (json, order)


def test_the_version_of_an_event_has_an_order(root: Path, edit: Edit):
    """Text can't say which of two rows is newer, and a column that is not there neither."""
    edit("catalog/shop.yaml", "  time: purchased_at", "  time: purchased_at\n  version: amount")
    assert findings(root) == []
    edit("catalog/shop.yaml", "version: amount", "version: loaded_at")
    assert [code for code, _, _ in findings(root)] == ["SRC002"]
