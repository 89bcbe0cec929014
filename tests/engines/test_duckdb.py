"""DuckDB as a source: what it can't do to files, and how it opens them."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap64
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Select,
    cast,
    column,
    func,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.ext.compiler import compiles

from segflow.engines.duckdb import DuckDbEngine
from segflow.errors import SegflowError, SourceUnavailableError, UnusableDataError
from segflow.model.catalog import Source
from segflow.ports import KeyColumn, Selection, Volume
from tests.engines.people import hears_ctrl_c

IDS = Selection(
    source="warehouse", statement=select(column("id").label("key")).select_from(table("people"))
)


def parquet_source(folder: Path, content: pa.Table) -> Source:
    (folder / "data").mkdir(exist_ok=True)
    pq.write_table(content, folder / "data" / "people.parquet")
    return Source(name="warehouse", engine="duckdb", tables=(("people", "data/people.parquet"),))


def database_source(folder: Path, content: pa.Table) -> Source:
    (folder / "data").mkdir(exist_ok=True)
    with duckdb.connect(str(folder / "data" / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", content)
        connection.execute("CREATE TABLE people AS SELECT * FROM given")
    return Source(name="warehouse", engine="duckdb", url="data/shop.duckdb")


BOTH = pytest.mark.parametrize("source_of", [parquet_source, database_source])


@pytest.fixture
def opened():
    engines = []

    def open_source(source, folder, **parts):
        engines.append(DuckDbEngine(source, folder, **parts))
        return engines[-1]

    yield open_source
    for engine in engines:
        engine.close()


def contents(folder: Path):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- no power over files ---------------------------------------------------------------------

REACHING = [
    "COPY people TO '{folder}/stolen.csv'",
    "COPY people TO '{folder}/data/people.parquet'",
    "COPY (SELECT 1) TO '{folder}/data/shop.duckdb'",
    "EXPORT DATABASE '{folder}/stolen'",
    "ATTACH '{folder}/other.duckdb'",
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM read_text('{folder}/secret.csv')",
    "SELECT * FROM read_parquet('{folder}/data/people.parquet')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT * FROM glob('{folder}/*')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_paths = ['{folder}/secret.csv']",
    "SET TimeZone = 'Asia/Tokyo'",
    "RESET enable_external_access",
    "SET python_enable_replacements = true",
    "SELECT * FROM SECRET_OF_THE_TEST",
]
SECRET_OF_THE_TEST = pa.table({"secret": [42]})


@BOTH
@pytest.mark.parametrize("statement", REACHING)
def test_nothing_reaches_beyond_the_source(source_of, statement, opened, tmp_path):
    """No statement writes a file, reads another one, or gives itself the power to."""
    source = source_of(tmp_path, pa.table({"id": [1, 2]}))
    (tmp_path / "secret.csv").write_text("42\n")
    engine = opened(source, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(SegflowError):
        engine.rows(text(statement.format(folder=tmp_path)))
    assert contents(tmp_path) == before
    assert engine.members(IDS, {}) == BitMap64([1, 2])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM people",
        "UPDATE people SET id = 3",
        "INSERT INTO people VALUES (3)",
        "DROP TABLE people",
        "CREATE TABLE more AS SELECT 1 AS id",
        "ATTACH '{folder}/data/shop.duckdb' AS again (READ_WRITE)",
        "ATTACH '{folder}/data/shop.duckdb' AS again; INSERT INTO again.people VALUES (3)",
    ],
)
def test_a_database_file_is_never_written_to(statement, opened, tmp_path):
    """The database is opened read-only."""
    source = database_source(tmp_path, pa.table({"id": [1, 2]}))
    engine = opened(source, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(SegflowError):
        engine.rows(text(statement.format(folder=tmp_path)))
    engine.close()
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "path", ["../outside.parquet", "{outside}", "data/../../outside.parquet", "link.parquet"]
)
def test_files_outside_of_the_project_are_refused(path, opened, tmp_path):
    """Not by a relative path, not by an absolute one, not by a link."""
    outside = tmp_path / "outside.parquet"
    pq.write_table(pa.table({"id": [1]}), outside)
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "link.parquet").symlink_to(outside)
    file = path.format(outside=outside)
    for source in (
        Source(name="warehouse", engine="duckdb", tables=(("people", file),)),
        Source(name="warehouse", engine="duckdb", url=file),
    ):
        with pytest.raises(UnusableDataError, match="outside of the project"):
            opened(source, project)


# --- opening ---------------------------------------------------------------------------------


def test_a_missing_file_is_named(opened, tmp_path):
    """The message has the source and the path as written, the hint what it is relative to."""
    for source in (
        Source(name="warehouse", engine="duckdb", tables=(("people", "data/people.parquet"),)),
        Source(name="warehouse", engine="duckdb", url="data/people.parquet"),
    ):
        with pytest.raises(
            SourceUnavailableError, match="warehouse.*data/people.parquet"
        ) as caught:
            opened(source, tmp_path)
        assert "segflow.toml" in caught.value.hint


def test_a_file_that_is_something_else_is_refused(opened, tmp_path):
    """Neither Parquet nor a database: an error with the source's name."""
    (tmp_path / "junk").write_text("id\n1\n" * 1000)
    for source in (
        Source(name="warehouse", engine="duckdb", tables=(("people", "junk"),)),
        Source(name="warehouse", engine="duckdb", url="junk"),
    ):
        with pytest.raises(SourceUnavailableError, match="warehouse"):
            opened(source, tmp_path)


def test_the_url_may_come_from_elsewhere(opened, tmp_path):
    """A url that the catalog keeps secret is given when the source is opened."""
    source = database_source(tmp_path, pa.table({"id": [1, 2]}))
    hidden = Source(name="warehouse", engine="duckdb", url=None)
    assert opened(hidden, tmp_path, url=source.url).members(IDS, {}) == BitMap64([1, 2])


def test_a_database_may_be_opened_twice(opened, tmp_path):
    """Reading locks nobody out who reads, in the same process neither."""
    source = database_source(tmp_path, pa.table({"id": [1, 2]}))
    first, second = opened(source, tmp_path), opened(source, tmp_path)
    assert first.members(IDS, {}) == second.members(IDS, {})


def test_who_opens_a_database_second_does_not_know_what_is_read(opened, tmp_path):
    """DuckDB counts for the connection that settled its settings; nothing is not told as zero."""
    source = database_source(tmp_path, pa.table({"id": [1, 2]}))
    first, second = opened(source, tmp_path), opened(source, tmp_path)
    for engine in (first, second):
        engine.members(IDS, {})
    assert (first.read_so_far(), second.read_so_far()) == (Volume(rows=2), Volume())


def test_a_folder_of_parquet_files_is_one_table(opened, tmp_path):
    """A table may be spread over files."""
    (tmp_path / "people").mkdir()
    for number in range(3):
        pq.write_table(pa.table({"id": [number]}), tmp_path / "people" / f"{number}.parquet")
    source = Source(name="warehouse", engine="duckdb", tables=(("people", "people"),))
    assert opened(source, tmp_path).members(IDS, {}) == BitMap64([0, 1, 2])


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_a_file_that_was_replaced_is_read_anew(unit, opened, tmp_path):
    """An export that is written over the last one is what the next question is about; a file that
    is gone can come back."""

    def seen(*ids):
        times = pa.array([0] * len(ids), pa.timestamp(unit, tz="UTC"))
        return pa.table({"id": pa.array(ids, pa.int64()), "at": times})

    engine = opened(parquet_source(tmp_path, seen(1, 2)), tmp_path)
    assert engine.members(IDS, {}) == BitMap64([1, 2])
    parquet_source(tmp_path, seen(3, 4, 5).append_column("more", pa.array([[0] * 999] * 3)))
    assert engine.members(IDS, {}) == BitMap64([3, 4, 5])
    (tmp_path / "data/people.parquet").unlink()
    with pytest.raises(SourceUnavailableError, match="people.parquet is gone"):
        engine.members(IDS, {})
    parquet_source(tmp_path, seen(6))
    assert [row["id"] for row in engine.rows(select(column("id")).select_from(table("people")))]


def test_a_second_row_is_found_in_a_file_that_was_replaced(opened, tmp_path):
    """A table is checked again once its file is another one."""
    engine = opened(parquet_source(tmp_path, pa.table({"id": [1, 2]})), tmp_path)
    chosen = Selection(
        source="warehouse", statement=IDS.statement, one_row=(KeyColumn("people", "id"),)
    )
    assert engine.members(chosen, {}) == BitMap64([1, 2])
    parquet_source(tmp_path, pa.table({"id": [1, 1]}))
    os.utime(tmp_path / "data" / "people.parquet", (1, 1))
    with pytest.raises(UnusableDataError, match="more than one row"):
        engine.members(chosen, {})


# --- timestamps ------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@BOTH
@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize(
    ("nanoseconds", "microseconds"),
    [(999_999_999, 999_999), (1_000, 1), (999, 0), (0, 0), (-1, -1), (-1_000, -1), (-1_001, -2)],
)
def test_nanoseconds_are_floored(source_of, zone, nanoseconds, microseconds, opened, tmp_path):
    """A timestamp finer than a microsecond never counts as the next one, before 1970 neither."""
    stored = pa.array([nanoseconds], pa.timestamp("ns", tz=zone))
    engine = opened(source_of(tmp_path, pa.table({"id": [1], "at": stored})), tmp_path)
    at = cast(column("at"), TIMESTAMP(timezone=True)).label("at")
    (row,) = engine.rows(select(at).select_from(table("people")))
    assert row["at"] == EPOCH + timedelta(microseconds=microseconds)


@BOTH
def test_columns_beside_floored_ones_stay(source_of, opened, tmp_path):
    """Flooring a column leaves the table with the same columns in the same order."""
    content = pa.table(
        {"id": [1], "at": pa.array([5], pa.timestamp("ns")), 'odd "name"': pa.array(["x"])}
    )
    engine = opened(source_of(tmp_path, content), tmp_path)
    assert list(engine.columns("people")) == ["id", "at", 'odd "name"']


# --- stopping --------------------------------------------------------------------------------


class Failing(ColumnElement):
    """An expression that fails as a query does while DuckDB works on it."""

    inherit_cache = False

    def __init__(self, words: str):
        self.words = words


@compiles(Failing)
def _fail(element, _compiler, **_options):
    raise RuntimeError(element.words)


@pytest.mark.parametrize(
    ("words", "expected"), [("Query interrupted", KeyboardInterrupt), ("a bug", RuntimeError)]
)
def test_a_query_that_is_stopped_is_an_interrupt(words, expected, opened, tmp_path):
    """DuckDB's own words for Ctrl-C end a command as Ctrl-C does at any other time."""
    engine = opened(parquet_source(tmp_path, pa.table({"id": [1]})), tmp_path)
    with pytest.raises(expected):
        engine.rows(select(Failing(words)))


# --- several queries side by side ------------------------------------------------------------


def bits_of(*wheres: ColumnElement[bool]) -> list[Select[Any]]:
    """Everybody, and for each condition those for whom it holds, with a bit of its own."""
    key = column("id").label("key")
    people = table("people", column("id"))
    parts = [select(key, literal(0, BigInteger).label("mask_0")).select_from(people)]
    for number, where in enumerate(wheres):
        bit = literal(1 << number, BigInteger).label("mask_0")
        parts.append(select(key, bit).select_from(people).where(where))
    return parts


def merging(*parts: Select[Any], mask: int = 3, **more: Any) -> Selection:
    """Who has all of these bits."""
    found = table("found", column("key"), column("mask_0", BigInteger))
    statement = select(found.c.key).where(found.c.mask_0.bitwise_and(mask) == mask)
    return Selection(source="warehouse", statement=statement, merged={"found": parts}, **more)


@BOTH
def test_what_several_queries_tell_is_merged(source_of, opened, tmp_path):
    """Time after time, whatever was asked before."""
    engine = opened(source_of(tmp_path, pa.table({"id": [1, 2, 3]})), tmp_path)
    asked = merging(*bits_of(column("id") > 1, column("id") < 3))
    for _ in range(2):
        assert engine.members(asked, {}) == BitMap64([2])
    assert engine.columns("found") is None


@BOTH
def test_queries_side_by_side_have_the_sets_that_are_given(source_of, opened, tmp_path):
    """As the question itself has them."""
    engine = opened(source_of(tmp_path, pa.table({"id": [1, 2, 3]})), tmp_path)
    listed = select(column("key")).select_from(table("listed"))
    asked = merging(*bits_of(column("id").in_(listed), column("id") > 1), sets=("listed",))
    assert engine.members(asked, {"listed": BitMap64([1, 3])}) == BitMap64([3])


@BOTH
def test_queries_side_by_side_compare_floored_timestamps(source_of, opened, tmp_path):
    """Those of nanoseconds are finer than any question is."""
    at = pa.array([999, 1_000, 1_999], pa.timestamp("ns", tz="UTC"))
    engine = opened(source_of(tmp_path, pa.table({"id": [1, 2, 3], "at": at})), tmp_path)
    moment = datetime(1970, 1, 1, microsecond=1, tzinfo=UTC)
    asked = merging(*bits_of(column("at", TIMESTAMP(timezone=True)) == moment), mask=1)
    assert engine.members(asked, {}) == BitMap64([2, 3])


@BOTH
def test_one_of_several_queries_that_fails_ends_the_question(source_of, opened, tmp_path):
    """The others are not waited for, and the next question finds everything as it was."""
    engine = opened(source_of(tmp_path, pa.table({"id": [1, 2, 3]})), tmp_path)
    numbers = func.generate_series(1, 10**12).table_valued("number")
    endless = select(func.count().label("key"), literal(1, BigInteger).label("mask_0")).select_from(
        numbers
    )
    missing = bits_of(column("nothing") == 1)
    with pytest.raises(UnusableDataError, match="nothing"):
        engine.members(merging(*missing, endless), {})
    assert engine.members(merging(*bits_of(column("id") > 1), mask=1), {}) == BitMap64([2, 3])


@pytest.mark.parametrize("reaching", ["read_csv('{folder}/secret.csv')", "'{folder}/secret.csv'"])
def test_queries_side_by_side_have_no_power_over_files(reaching, opened, tmp_path):
    """No more than any other."""
    (tmp_path / "secret.csv").write_text("id\n1\n")
    engine = opened(database_source(tmp_path, pa.table({"id": [1, 2, 3]})), tmp_path)
    secret = text(f"SELECT id AS key, 1 AS mask_0 FROM {reaching.format(folder=tmp_path)}")
    stolen = select(secret.columns(column("key"), column("mask_0")).subquery("stolen"))
    with pytest.raises((SourceUnavailableError, UnusableDataError)):
        engine.members(merging(*bits_of(), stolen), {})


@pytest.mark.parametrize("name", ['it\'s "data"', "memory", "temp", "shop"])
def test_a_database_may_have_any_name(name, opened, tmp_path):
    """Quotes in it do not end what it is called in, and others of that name are others."""
    source = database_source(tmp_path, pa.table({"id": [1, 2, 3]}))
    (tmp_path / "data" / "shop.duckdb").rename(tmp_path / f"{name}.duckdb")
    engine = opened(replace(source, url=f"{name}.duckdb"), tmp_path)
    assert engine.members(merging(*bits_of(column("id") > 1), mask=1), {}) == BitMap64([2, 3])


def test_a_table_may_be_named_with_its_database(opened, tmp_path):
    """Which is named after its file, whoever asks."""
    engine = opened(database_source(tmp_path, pa.table({"id": [1, 2, 3]})), tmp_path)
    ids = text("SELECT id AS key, 1::BIGINT AS mask_0 FROM shop.main.people WHERE id > 1")
    named = select(ids.columns(column("key"), column("mask_0")).subquery("named"))
    assert engine.members(merging(*bits_of(), named, mask=1), {}) == BitMap64([2, 3])


def test_all_that_queries_side_by_side_read_is_counted(opened, tmp_path):
    """Not what they gave, which the question reads."""
    engine = opened(database_source(tmp_path, pa.table({"id": [1, 2, 3]})), tmp_path)
    assert engine.members(merging(*bits_of(column("id") > 1), mask=1), {}) == BitMap64([2, 3])
    assert engine.read_so_far() == Volume(rows=6)


def test_a_person_can_stop_queries_side_by_side(tmp_path):
    """Ctrl-C is heard while they work, though none of them runs where it is heard."""
    database_source(tmp_path, pa.table({"id": [1, 2, 3]}))
    script = tmp_path / "asks.py"
    script.write_text(
        "from pathlib import Path\n"
        "from sqlalchemy import func, literal, select, text\n"
        "from segflow.engines.duckdb import DuckDbEngine\n"
        "from segflow.model.catalog import Source\n"
        "from segflow.ports import Selection\n"
        "source = Source(name='w', engine='duckdb', url='data/shop.duckdb')\n"
        f"engine = DuckDbEngine(source, Path({str(tmp_path)!r}))\n"
        "numbers = func.generate_series(1, 10**12).table_valued('number')\n"
        "endless = select(func.count().label('key')).select_from(numbers)\n"
        "asked = Selection(source='w', statement=text(''), merged={'found': [endless, endless]})\n"
        "print('asks', flush=True)\n"
        "engine.members(asked, {})\n"
    )
    hears_ctrl_c(script, within=20)
