"""SQLite: a file that can only be read, and values that are what is declared, or an error."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import column, select, table, text

from segflow.compiler.dialects import dialect_of
from segflow.engines.sqlite import SqliteEngine
from segflow.errors import SourceUnavailableError, UnusableDataError
from segflow.model.catalog import Source
from segflow.model.instant import parse_instant
from segflow.model.types import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    STRING,
    TIMESTAMP,
    ValueType,
    decimal_type,
)
from segflow.ports import KeyColumn, Selection
from tests.engines.people import hears_ctrl_c

SQLITE = dialect_of("sqlite")
SOURCE = Source(name="warehouse", engine="sqlite", url="shop.db")
MONEY = decimal_type(18, 2)


def write(folder: Path, *statements: str) -> None:
    """Run the statements in the source's file."""
    connection = sqlite3.connect(folder / "shop.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def opened(tmp_path):
    """Opens the engine, and closes it at the end."""
    engines = []

    def open_on(*statements: str) -> SqliteEngine:
        write(tmp_path, *statements)
        engines.append(SqliteEngine(SOURCE, tmp_path))
        return engines[-1]

    yield open_on
    for engine in engines:
        engine.close()


def read(engine: SqliteEngine, type_: ValueType) -> list[object]:
    """The values of the column `v` of the table `t` as that type."""
    value = SQLITE.stored(table("t", column("v")).c.v, type_)
    return [row["value"] for row in engine.rows(select(value.label("value")))]


def test_the_newest_instant_however_it_is_written(opened):
    """Not the greatest text: one may have an offset, or be a number of milliseconds."""
    texts = ("2026-01-31T23:00:00+09:00", "2026-01-31 20:00:00", "2026-01-31")
    rows = ", ".join(f"('{one}')" for one in texts)
    engine = opened("CREATE TABLE t (v)", f"INSERT INTO t VALUES {rows}, (NULL)")
    assert engine.newest("t", "v") == parse_instant("2026-01-31T20:00:00Z")
    later = parse_instant("2026-01-31T20:00:00.001Z")
    engine = opened(f"INSERT INTO t VALUES ({later})")
    assert engine.newest("t", "v") == later


KEYS = select(table("t", column("v")).c.v.label("key"))


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE more (id)", "DELETE FROM t", "ATTACH 'x' AS x"]
)
def test_a_file_can_only_be_read(opened, statement, tmp_path):
    """Nothing can be written, and no other file reached."""
    engine = opened("CREATE TABLE t (v)")
    with engine._engine.connect() as connection, pytest.raises(Exception, match="readonly|authori"):
        connection.execute(text(statement))
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]


def selected(*sets: str, **more) -> Selection:
    """Every value of the table as a key."""
    return Selection(source="warehouse", statement=KEYS, sets=sets, **more)


def test_files_lie_in_the_project(tmp_path):
    """Another folder is not reached, and a file that is not there is not made."""
    (tmp_path / "project").mkdir()
    write(tmp_path, "CREATE TABLE t (v)")
    with pytest.raises(UnusableDataError, match="lies outside"):
        SqliteEngine(SOURCE, tmp_path / "project", "../shop.db")
    with pytest.raises(SourceUnavailableError, match=r"there is no file other\.db"):
        SqliteEngine(SOURCE, tmp_path, "other.db")
    assert not (tmp_path / "other.db").exists()


def test_a_file_that_is_no_database_is_told(tmp_path):
    """Whatever is in it, one line says so."""
    (tmp_path / "shop.db").write_text("id,name\n" * 1_000)
    with pytest.raises(SourceUnavailableError, match="warehouse: file is not a database"):
        SqliteEngine(SOURCE, tmp_path)


def test_text_that_is_sorted_otherwise_is_refused(tmp_path):
    """UTF-16 has another order than code points."""
    write(tmp_path, "PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (v)")
    with pytest.raises(UnusableDataError, match="not UTF-8"):
        SqliteEngine(SOURCE, tmp_path)


@pytest.mark.parametrize(
    ("declared", "type_", "written"),
    [
        ("INTEGER", INTEGER, "'seven'"),
        ("INTEGER", INTEGER, "1.5"),
        ("INTEGER", INTEGER, "9223372036854775808"),  # a double in SQLite
        ("TEXT", INTEGER, "'7'"),
        ("", INTEGER, "7.0"),
        ("", INTEGER, "x'07'"),
        ("", STRING, "x'61'"),
        ("", STRING, "1.5"),
        ("NUMERIC", MONEY, "'0.10'"),  # a double, too
        ("TEXT", MONEY, "'ten'"),
        ("TEXT", MONEY, "'1e3'"),
        ("TEXT", MONEY, "'1.005'"),
        ("TEXT", MONEY, "' 1'"),
        ("TEXT", MONEY, "'12345678901234567'"),
        ("REAL", FLOAT, "'fast'"),
        ("TEXT", FLOAT, "'1.5'"),
        ("BOOLEAN", BOOLEAN, "2"),
        ("BOOLEAN", BOOLEAN, "'true'"),
        ("DATE", DATE, "'2026-02-30'"),
        ("DATE", DATE, "20260130"),
        ("DATE", DATE, "'2026-01-30 12:00'"),
        ("TIMESTAMP", TIMESTAMP, "'yesterday'"),
        ("TIMESTAMP", TIMESTAMP, "1769774400.5"),
    ],
)
def test_a_value_that_is_none_of_its_type_is_an_error(opened, declared, type_, written):
    """Whatever SQLite lets a column hold, it is read as what is declared or not at all."""
    engine = opened(f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES ({written})")
    with pytest.raises(UnusableDataError, match="warehouse: .*") as caught:
        read(engine, type_)
    assert str(type_) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("declared", "type_", "written", "texts"),
    [
        ("INTEGER", INTEGER, "(' 7 '), (7.0), (NULL)", ["7", "7", "None"]),  # integers by then
        ("", STRING, "(7), ('7'), (NULL)", ["7", "7", "None"]),
        ("TEXT", MONEY, "('0.1'), ('-0'), (3), ('NaN')", ["0.10", "0.00", "3.00", "None"]),
        ("INTEGER", MONEY, "(3), (-9999999999999999)", ["3.00", "-9999999999999999.00"]),
        ("REAL", FLOAT, "(1), (9e999), (NULL)", ["1.0", "inf", "None"]),
        ("BOOLEAN", BOOLEAN, "(1), (FALSE), (NULL)", ["True", "False", "None"]),
        ("DATE", DATE, "('2026-01-30'), (NULL)", ["2026-01-30", "None"]),
        (
            "TIMESTAMP",
            TIMESTAMP,
            "('2026-01-30'), ('2026-01-30 01:02:03.0049'), ('2026-01-30T01:02:03+05:00'), (1)",
            [
                "2026-01-30 00:00:00+00:00",
                "2026-01-30 01:02:03.004000+00:00",
                "2026-01-29 20:02:03+00:00",
                "1970-01-01 00:00:00.001000+00:00",
            ],
        ),
    ],
)
def test_values_are_read_as_their_type(opened, declared, type_, written, texts):
    """Instants are ISO texts or milliseconds, decimals texts or integers, booleans 0 and 1."""
    engine = opened(f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES {written}")
    assert [str(value) for value in read(engine, type_)] == texts


def test_a_key_that_is_no_integer_in_a_table_of_fields_is_refused(opened):
    """Its fields would be nobody's; so would those of a text that looks like an integer."""
    engine = opened("CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES ('7')")
    with pytest.raises(UnusableDataError, match="table t holds '7' as v; keys are integers"):
        engine.members(selected(one_row=(KeyColumn("t", "v"),)), {})


def test_a_person_can_stop_a_query(tmp_path):
    """Ctrl-C is heard while SQLite works on a query that has no end."""
    write(tmp_path, "CREATE TABLE t (v)")
    script = tmp_path / "asks.py"
    script.write_text(
        "from pathlib import Path\n"
        "from sqlalchemy import func, literal, select\n"
        "from segflow.engines.sqlite import SqliteEngine\n"
        "from segflow.model.catalog import Source\n"
        "source = Source(name='w', engine='sqlite', url='shop.db')\n"
        f"engine = SqliteEngine(source, Path({str(tmp_path)!r}))\n"
        "numbers = select(literal(1).label('n')).cte('numbers', recursive=True)\n"
        "numbers = numbers.union_all(select(numbers.c.n + 1))\n"
        "print('asks', flush=True)\n"
        "engine.rows(select(func.count()).select_from(numbers))\n"
    )
    hears_ctrl_c(script, within=20)


def test_views_and_generated_columns_are_columns(opened):
    """A view may give decimals as texts; a column without a type is of any."""
    engine = opened(
        "CREATE TABLE t (v INTEGER, w TEXT AS (v || '.00'))",
        "CREATE VIEW seen AS SELECT v, w, v + 1 AS next FROM t",
    )
    assert engine.columns("T") == {"v": "INTEGER", "w": "TEXT"}
    assert engine.columns("seen") == {"v": "INTEGER", "w": "TEXT", "next": "ANY"}
