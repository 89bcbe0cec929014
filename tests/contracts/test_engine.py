"""What every engine promises, asked of each of them.

An engine is opened on tables that are given as Arrow; how they get into it is its own matter.
"""

import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from math import inf, isinf
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap64
from sqlalchemy import (
    BigInteger,
    String,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    table,
)

from segflow.compiler.dialects import UTC_TIMESTAMP, Dialect, dialect_of
from segflow.compiler.targets.keys import has_key, key_of
from segflow.engines.clickhouse import ClickHouseEngine
from segflow.engines.clickhouse_chdb import EmbeddedHost
from segflow.engines.clickhouse_server import ServerHost
from segflow.engines.duckdb import DuckDbEngine
from segflow.engines.limited import LimitedEngine
from segflow.engines.mysql import MySqlEngine
from segflow.engines.postgres import PostgresEngine
from segflow.engines.sqlite import SqliteEngine
from segflow.errors import TooLargeError, UnusableDataError
from segflow.model.catalog import Limits, Source
from segflow.model.hashing import stable_hash
from segflow.model.instant import instant_of
from segflow.model.operator import TextMatch
from segflow.model.types import BOOLEAN, DATE, FLOAT, INTEGER, STRING, TIMESTAMP, decimal_type
from segflow.ports import MASK_BITS, Engine, KeyColumn, Reached, Selection, Split, Volume
from tests.agreement.clickhouse import (
    FOLDER,
    drop_clickhouse,
    in_clickhouse,
    write_tables,
    write_to_server,
)
from tests.agreement.hosts import drop_schema, in_schema, postgres_schema
from tests.agreement.mariadb import drop_database, in_database, insert, mariadb_database
from tests.agreement.spark import MASTER, spark_engine
from tests.executor.worlds import SetClock

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
PEOPLE = pa.table(
    {
        "id": pa.array([1, 2, 2**53 + 1, None], pa.int64()),
        "name": ["ada", "o'hara", None, "nobody"],
        "paid": pa.array([Decimal("1.50"), None, Decimal("-0.01"), None], pa.decimal128(18, 2)),
        "score": [0.5, None, float("inf"), None],
        "vip": [True, False, None, None],
        "born": [date(2000, 2, 29), None, None, None],
        "seen": pa.array([NOON, None, None, None], pa.timestamp("us", tz="UTC")),
    }
)
NAMES = table("people", *(column(name) for name in PEOPLE.column_names))


MONEY = decimal_type(18, 2)
TYPES = {
    "id": INTEGER,
    "name": STRING,
    "paid": MONEY,
    "score": FLOAT,
    "vip": BOOLEAN,
    "born": DATE,
    "seen": TIMESTAMP,
}

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine is asked: how it is opened on tables, its dialect, its greatest key,
    and what it holds for infinity."""

    name: str
    open: Callable[[Path, Tables], Engine]
    greatest: int = 2**64 - 1
    infinity: float = inf
    forget: Callable[[], None] = lambda: None

    @property
    def dialect(self) -> Dialect:
        """The dialect of the engine."""
        return dialect_of(self.name.partition(" ")[0])


def parquet(folder: Path, tables: Tables) -> Engine:
    """DuckDB on Parquet files."""
    for name, content in tables.items():
        pq.write_table(content, folder / f"{name}.parquet")
    paths = tuple((name, f"{name}.parquet") for name in tables)
    return DuckDbEngine(Source(name="warehouse", engine="duckdb", tables=paths), folder)


def database(folder: Path, tables: Tables) -> Engine:
    """DuckDB on a database file."""
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, content in tables.items():
            connection.register("given", content)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')
    return DuckDbEngine(Source(name="warehouse", engine="duckdb", url="shop.duckdb"), folder)


def sqlite(folder: Path, tables: Tables) -> Engine:
    """SQLite, decimals and times as texts."""
    connection = sqlite3.connect(folder / "shop.db")
    for name, content in tables.items():
        kinds = ", ".join(f'"{field.name}" {sqlite_type(field.type)}' for field in content.schema)
        connection.execute(f'CREATE TABLE "{name}" ({kinds})')
        places = ", ".join("?" * content.num_columns)
        rows = ([sqlite_value(cell) for cell in row.values()] for row in content.to_pylist())
        connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
    connection.commit()
    connection.close()
    return SqliteEngine(Source(name="warehouse", engine="sqlite", url="shop.db"), folder)


def sqlite_type(type_: pa.DataType) -> str:
    """The type of a column in SQLite."""
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(type_) else "TEXT"


def sqlite_value(cell: Any) -> Any:
    """The value of a cell in SQLite."""
    return str(cell) if isinstance(cell, Decimal | date) else cell


SCHEMA = f"segflow_contract_{os.getpid()}"


def postgres(folder: Path, tables: Tables) -> Engine:
    """PostgreSQL, in a schema of its own."""
    with postgres_schema(SCHEMA) as connection:
        for name, content in tables.items():
            kinds = ", ".join(
                f'"{field.name}" {postgres_type(field.type)}' for field in content.schema
            )
            connection.execute(f'CREATE TABLE "{name}" ({kinds})')
            with connection.cursor().copy(f'COPY "{name}" FROM STDIN') as copy:
                for row in content.to_pylist():
                    copy.write_row([*row.values()])
    return PostgresEngine(Source(name="warehouse", engine="postgres", url=in_schema(SCHEMA)))


def postgres_type(type_: pa.DataType) -> str:
    """The type of a column in PostgreSQL."""
    named = {
        pa.string(): "text",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.float64(): "double precision",
        pa.uint64(): "numeric(20)",
        pa.uint32(): "bigint",
        pa.int64(): "bigint",
        pa.int32(): "integer",
        pa.timestamp("us", tz="UTC"): "timestamptz",
    }
    if pa.types.is_decimal(type_):
        return f"numeric({type_.precision}, {type_.scale})"
    return named.get(type_, "smallint")


def mysql(folder: Path, tables: Tables) -> Engine:
    """MariaDB, in a database of its own."""
    with mariadb_database(SCHEMA) as cursor:
        for name, content in tables.items():
            kinds = ", ".join(
                f"`{field.name}` {mysql_type(field.type)} NULL" for field in content.schema
            )
            cursor.execute(f"CREATE TABLE `{name}` ({kinds})")
            rows = [[mysql_value(cell) for cell in row.values()] for row in content.to_pylist()]
            insert(cursor, name, rows)
    return MySqlEngine(Source(name="warehouse", engine="mysql", url=in_database(SCHEMA)))


def mysql_type(type_: pa.DataType) -> str:
    """The type of a column in MariaDB."""
    named = {
        pa.string(): "longtext",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.float64(): "double",
        pa.uint64(): "bigint unsigned",
        pa.uint32(): "int unsigned",
        pa.uint8(): "tinyint unsigned",
        pa.int64(): "bigint",
        pa.int32(): "int",
        pa.int16(): "smallint",
        pa.int8(): "tinyint",
    }
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision}, {type_.scale})"
    return named.get(type_, "datetime(6)")


def mysql_value(cell: Any) -> Any:
    """The value of a cell in MariaDB, which has no infinity."""
    match cell:
        case float() if isinf(cell):
            return sys.float_info.max
        case datetime():
            return cell.astimezone(UTC).replace(tzinfo=None)
        case _:
            return cell


def clickhouse(folder: Path, tables: Tables) -> Engine:
    """ClickHouse in this process."""
    write_tables(folder, tables)
    source = Source(name="warehouse", engine="clickhouse", url=FOLDER)
    return ClickHouseEngine(source, EmbeddedHost(source, folder))


def clickhouse_server(folder: Path, tables: Tables) -> Engine:
    """A server of ClickHouse, in a database of its own."""
    write_to_server(tables, SCHEMA)
    url = in_clickhouse(SCHEMA)
    source = Source(name="warehouse", engine="clickhouse", url=url)
    return ClickHouseEngine(source, ServerHost(source))


def spark(folder: Path, tables: Tables) -> Engine:
    """Spark on Parquet files."""
    paths = tuple((name, f"{name}.parquet") for name in tables)
    for name, path in paths:
        pq.write_table(tables[name], folder / path)
    return spark_engine(Source(name="warehouse", engine="spark", url=MASTER, tables=paths), folder)


PLACES = (
    Place("duckdb parquet", parquet),
    Place("duckdb database", database),
    Place("sqlite", sqlite, greatest=2**63 - 1),
    Place("postgres", postgres, forget=lambda: drop_schema(SCHEMA)),
    Place(
        "mysql",
        mysql,
        infinity=sys.float_info.max,
        forget=lambda: drop_database(SCHEMA),
    ),
    Place("clickhouse", clickhouse),
    Place("clickhouse server", clickhouse_server, forget=lambda: drop_clickhouse(SCHEMA)),
    Place("spark", spark),
)


@pytest.fixture(params=PLACES, ids=lambda place: place.name)
def place(request):
    return request.param


@pytest.fixture
def engine_on(place, tmp_path):
    """Opens the engine on tables."""
    opened = []

    def open_on(**tables):
        opened.append(place.open(tmp_path, tables))
        return opened[-1]

    yield open_on
    for engine in opened:
        engine.close()
    place.forget()


@pytest.fixture
def engine(engine_on):
    return engine_on(people=PEOPLE)


def keys(*conditions, of="people", sets=(), one_row=()):
    found = select(column("id").label("key")).select_from(table(of)).where(*conditions)
    return Selection(source="warehouse", statement=found, sets=sets, one_row=one_row)


KNOWN = column("id").is_not(None)


def test_the_columns_of_a_table_are_named_in_order(engine):
    """Every column with its type; a table that is not there is None, not an error."""
    assert list(engine.columns("people")) == PEOPLE.column_names
    assert all(engine.columns("people").values())
    assert engine.columns("peeple") is None


def test_names_are_found_as_in_a_query(engine):
    """Whether a name in other letters is that of a table is the engine's rule, for both."""
    asked = select(column("id")).select_from(table("People"))
    if engine.columns("People") is None:
        with pytest.raises(UnusableDataError):
            engine.rows(asked)
    else:
        assert engine.columns("People") == engine.columns("people")
        assert engine.rows(asked)


def test_members_are_the_keys_of_the_selection(engine):
    """Keys beyond what a double can hold come back exactly."""
    assert engine.members(keys(KNOWN), {}) == BitMap64([1, 2, 2**53 + 1])
    assert engine.members(keys(column("id") > 2**53), {}) == BitMap64([2**53 + 1])


def test_nobody_is_an_empty_set(engine):
    """A selection that gives no row gives no member."""
    assert engine.members(keys(column("id") < 0), {}) == BitMap64()


def test_a_key_that_comes_twice_is_one_member(engine_on):
    """Members are a set."""
    engine = engine_on(people=pa.table({"id": [7, 7, 8]}))
    assert engine.members(keys(), {}) == BitMap64([7, 8])


@pytest.mark.parametrize(
    "type_", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64()]
)
def test_keys_are_integers_of_any_width(engine_on, type_):
    """Every integer column can hold keys."""
    engine = engine_on(people=pa.table({"id": pa.array([3, 1, 2], type_)}))
    assert engine.members(keys(), {}) == BitMap64([1, 2, 3])


def test_the_greatest_key_is_a_key(place, engine_on):
    """Keys are unsigned 64-bit integers, up to the last one that the engine has."""
    greatest = place.greatest
    engine = engine_on(people=pa.table({"id": pa.array([greatest, 5], pa.uint64())}))
    assert engine.members(keys(), {}) == BitMap64([5, greatest])
    inside = column("id").in_(select(column("key")).select_from(table("segment.s")))
    chosen = keys(inside, sets=("segment.s",))
    assert engine.members(chosen, {"segment.s": BitMap64([2**64 - 1])}) == BitMap64(
        [2**64 - 1] if greatest == 2**64 - 1 else []
    )
    assert engine.members(chosen, {"segment.s": BitMap64([greatest])}) == BitMap64([greatest])


def test_a_key_may_be_asked_for(place, engine):
    """The greatest key is a constant on every engine, also where nobody can have it."""
    for key in (2**53 + 1, 2**64 - 1):
        asked = keys(column("id") == place.dialect.key(key))
        assert engine.members(asked, {}) == BitMap64([key] if key < 2**63 else [])


def test_many_keys_come_back_whole(engine_on):
    """More than one batch of rows is one set."""
    engine = engine_on(people=pa.table({"id": pa.array(range(0, 600_000, 2), pa.int64())}))
    assert engine.members(keys(), {}) == BitMap64(range(0, 600_000, 2))


def test_sets_are_tables_of_keys(engine):
    """A selection may ask for sets by name, any number of them, empty ones and large keys too."""
    vips = column("id").in_(select(column("key")).select_from(table("list.lists/vip's.csv")))
    kept = column("id").in_(select(column("key")).select_from(table("segment.kept")))
    chosen = keys(vips, ~kept, sets=("list.lists/vip's.csv", "segment.kept"))
    given = {"list.lists/vip's.csv": BitMap64([1, 2**53 + 1, 2**63]), "segment.kept": BitMap64([1])}
    assert engine.members(chosen, given) == BitMap64([2**53 + 1])
    assert engine.members(chosen, given | {"segment.kept": BitMap64()}) == BitMap64([1, 2**53 + 1])


def test_a_set_of_a_million_keys(engine_on):
    """However large, a set is given, with keys that no column can hold, too."""
    engine = engine_on(people=pa.table({"id": pa.array(range(1_000), pa.int64())}))
    inside = column("id").in_(select(column("key")).select_from(table("segment.s")))
    chosen = keys(inside, sets=("segment.s",))
    large = BitMap64(range(500, 1_000_500))
    large.add(2**64 - 1)
    assert engine.members(chosen, {"segment.s": large}) == BitMap64(range(500, 1_000))


def test_what_re2_alone_can_say_is_tried_on_the_values(engine):
    """The texts for which a split's test holds are a table of one column `value`."""
    asked = NAMES.c.name.in_(select(column("value")).select_from(table("passing")))
    values = select(NAMES.c.name.label("value")).where(NAMES.c.name.is_not(None)).distinct()
    for pattern, expected in ((r"^\p{L}+$", [1]), ("(?i)HARA", [2]), ("^$", [])):
        test = TextMatch(op="matches", text=pattern)
        split = Split(name="passing", values=values, test=test)
        chosen = Selection(
            source="warehouse",
            statement=select(NAMES.c.id.label("key")).where(asked, KNOWN),
            splits=(split,),
        )
        assert engine.members(chosen, {}) == BitMap64(expected)
        assert [row["key"] for row in engine.values(chosen, {})] == expected


LISTS = [
    (INTEGER, "id", [*range(2, 10_002)], [2]),
    (STRING, "name", ["o'hara", *map(str, range(10_000))], [2]),
    (MONEY, "paid", [Decimal("-0.01"), 1, *range(2, 10_000)], [2**53 + 1]),
    (FLOAT, "score", [0.5, *map(float, range(10_000))], [1]),
    (DATE, "born", [date(2000, 2, 29) + timedelta(days=n) for n in range(10_000)], [1]),
]


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: str(listed[0]))
def test_lists_of_ten_thousand(place, engine, listed):
    """Longer than conditions may be deep, and together than an engine takes parameters; types of
    which an engine takes no list are compared one by one, elsewhere."""
    type_, name, constants, expected = listed
    if type_.name not in place.dialect.traits.listed:
        constants, expected = [], []
    value = place.dialect.stored(column(name), type_)
    found = [place.dialect.one_of(value, constants, type_)] * 10
    assert engine.members(keys(or_(*found), KNOWN), {}) == BitMap64(expected)


def test_members_of_many_segments_are_told_by_masks(engine):
    """Each row has a key and numbers whose bits are the segments that it is in, however many rows
    there are and however they are ordered."""
    people = table("people", column("id"))
    bit = case((people.c.id == 2, 2 + 8), else_=1)
    last = case((people.c.id > 2, 1), else_=0)
    asked = select(people.c.id.label("key"), bit.label("mask_0"), last.label("mask_1"))
    found = engine.memberships(
        Selection(source="warehouse", statement=asked.where(KNOWN)), {}, MASK_BITS + 1
    )
    assert found[:4] == (BitMap64([1, 2**53 + 1]), BitMap64([2]), BitMap64(), BitMap64([2]))
    assert found[MASK_BITS] == BitMap64([2**53 + 1])
    assert not any(found[4:MASK_BITS])


def test_a_query_that_is_too_large_is_refused(engine):
    """Where an engine takes no more tables, that is told; else it is answered."""
    joined, first = table("people", column("id")), table("people", column("id"))
    whole: Any = first
    for number in range(80):
        more = joined.alias(f"other_{number}")
        whole = whole.outerjoin(more, and_(more.c.id == first.c.id, more.c.id == 1))
    asked = select(first.c.id.label("key")).select_from(whole).where(first.c.id.is_not(None))
    try:
        found = engine.members(Selection(source="warehouse", statement=asked), {})
    except TooLargeError as refused:
        assert refused.hint
    else:
        assert found == BitMap64([1, 2, 2**53 + 1])


def test_sets_are_forgotten_after_the_question(engine):
    """No set of one question can be seen by the next."""
    kept = column("id").in_(select(column("key")).select_from(table("segment.kept")))
    engine.members(keys(kept, sets=("segment.kept",)), {"segment.kept": BitMap64([1])})
    with pytest.raises(UnusableDataError):
        engine.members(keys(kept), {})


def test_negative_keys_are_refused(engine_on):
    """A key below zero has no ordinal."""
    engine = engine_on(people=pa.table({"id": [1, -1]}))
    with pytest.raises(UnusableDataError, match="warehouse.*negative"):
        engine.members(keys(), {})


@pytest.mark.parametrize("content", [["1", "2"], [1.0, 2.0], [Decimal("1.5"), Decimal("2.5")]])
def test_keys_that_are_no_integers_are_refused(engine_on, content):
    """Text and fractions are no keys; text isn't even where it looks like an integer."""
    engine = engine_on(people=pa.table({"id": content}))
    with pytest.raises(UnusableDataError, match="warehouse.*integers"):
        engine.members(keys(), {})


def test_two_rows_for_one_key_are_refused_where_one_is_asked_for(engine_on):
    """The message names the table, how many keys there are, and one of them."""
    engine = engine_on(people=pa.table({"id": [1, 2, 2, 3, 3, 3, None, None]}))
    with pytest.raises(UnusableDataError, match="people, 2 keys .* id 2 "):
        engine.members(keys(one_row=(KeyColumn("people", "id"),)), {})


def test_rows_without_a_key_are_no_second_rows(engine_on):
    """Missing keys are nobody's, however many."""
    engine = engine_on(people=pa.table({"id": [1, None, None]}))
    assert engine.members(keys(KNOWN, one_row=(KeyColumn("people", "id"),)), {}) == BitMap64([1])


TEXTS = ["", " ", "10", "9", "A", "a", "a ", "e\u0301", "o'hara", "z", "é", "\U0001f600"]
"""In order of their code points."""


def texts(*conditions, place, sets=(), one_row=(), of="people"):
    """The keys of a table whose keys are texts, and that of a row by its number."""
    key = key_of(column("id"), "string", place.dialect)
    found = select(key.label("key")).select_from(table(of)).where(*conditions)
    return Selection(
        source="warehouse", statement=found, key_type="string", sets=sets, one_row=one_row
    )


def of_texts(listed):
    """A table of such keys, each with its number in the list."""
    return pa.table({"id": pa.array(listed, pa.string()), "number": range(len(listed))})


def test_texts_are_keys_as_they_are(place, engine_on):
    """Case, spaces and composition count, the empty text is one of them, and each comes once."""
    engine = engine_on(people=of_texts([*TEXTS, *TEXTS, None]))
    assert engine.members(texts(KNOWN, place=place), {}) == frozenset(TEXTS)
    assert engine.members(texts(column("number") < 0, place=place), {}) == frozenset()


def test_texts_are_in_order_of_their_code_points(place, engine_on):
    """Whatever the collation of the column or of the database."""
    engine = engine_on(people=of_texts(TEXTS[::-1]))
    key = key_of(column("id"), "string", place.dialect).label("key")
    rows = engine.rows(select(key).select_from(table("people")).order_by(key))
    assert [row["key"] for row in rows] == TEXTS == sorted(TEXTS)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_may_be_asked_for(place, engine_on, text):
    """A constant key is that key and no other."""
    engine = engine_on(people=of_texts(TEXTS))
    asked = texts(has_key(column("id"), text, place.dialect), place=place)
    assert engine.members(asked, {}) == frozenset([text])


def test_sets_of_texts_are_tables_of_keys(place, engine_on):
    """Given as they are, empty ones too, and more than a statement has parameters."""
    engine = engine_on(people=of_texts(TEXTS))
    key = key_of(column("id"), "string", place.dialect)
    vips = key.in_(select(column("key")).select_from(table("list.lists/vip's.csv")))
    kept = key.in_(select(column("key")).select_from(table("segment.kept")))
    chosen = texts(vips, ~kept, place=place, sets=("list.lists/vip's.csv", "segment.kept"))
    many = frozenset(map(str, range(100_000)))
    given = {"list.lists/vip's.csv": many | {"", "a ", "Z"}, "segment.kept": frozenset(["9"])}
    assert engine.members(chosen, given) == frozenset(["", "a ", "10"])
    assert engine.members(chosen, given | {"segment.kept": frozenset()}) == {"", "a ", "10", "9"}
    given["list.lists/vip's.csv"] = frozenset()
    assert engine.members(chosen, given) == frozenset()


def test_texts_of_several_segments(place, engine_on):
    """Whoever is in none of them is in no set."""
    engine = engine_on(people=of_texts(TEXTS))
    count = MASK_BITS + 2
    number = column("number", BigInteger)
    first = case((number == 1, literal(1, BigInteger)), (number == 2, 3), else_=0)
    second = case((number == 2, literal(2, BigInteger)), else_=0)
    asked = texts(place=place)
    asked = replace(asked, statement=asked.statement.add_columns(first, second))
    found = engine.memberships(asked, {}, count)
    assert found[:2] == (frozenset([TEXTS[1], TEXTS[2]]), frozenset([TEXTS[2]]))
    assert found[2:] == (*[frozenset()] * (count - 3), frozenset([TEXTS[2]]))


def test_the_texts_of_rows(place, engine_on):
    """Keys are plain texts where more columns stand behind them."""
    engine = engine_on(people=of_texts(TEXTS))
    asked = texts(column("number") < 2, place=place)
    asked = replace(asked, statement=asked.statement.add_columns(column("number")))
    rows = engine.values(asked, {})
    assert {row["key"]: row["number"] for row in rows} == {"": 0, " ": 1}


def test_keys_that_are_no_texts_are_refused(engine_on):
    """A number is no text; it is read as one, or refused."""
    engine = engine_on(people=pa.table({"id": [1, 2]}))
    with pytest.raises(UnusableDataError, match="warehouse.*texts"):
        engine.members(replace(keys(), key_type="string"), {})


def test_integers_serve_as_texts(place, engine_on):
    """A column of integers holds texts of digits, without zeros before them."""
    engine = engine_on(people=pa.table({"id": [7, 10, -1]}))
    assert engine.members(texts(place=place), {}) == {"7", "10", "-1"}
    asked = texts(has_key(column("id"), "07", place.dialect), place=place)
    assert engine.members(asked, {}) == frozenset()


def test_two_rows_for_one_text_are_refused(place, engine_on):
    """Texts that differ in case or spaces are no second rows."""
    people = of_texts(["a", "A", "a ", None, None])
    engine = engine_on(people=people, others=of_texts(["b", "a", "b", "B"]))
    once = (KeyColumn("people", "id", "string"),)
    assert engine.members(texts(KNOWN, place=place, one_row=once), {}) == {"a", "A", "a "}
    once = (KeyColumn("others", "id", "string"),)
    with pytest.raises(UnusableDataError, match="others, 1 keys .* id b "):
        engine.members(texts(place=place, one_row=once), {})


def test_a_hash_of_texts(place, engine_on):
    """Samples hash the text in UTF-8, integers as their digits."""
    engine = engine_on(people=of_texts(TEXTS), numbers=pa.table({"id": [17]}))
    dialect = place.dialect
    for name, type_, of in (("people", "string", TEXTS), ("numbers", "integer", [17])):
        key = key_of(column("id"), type_, dialect)
        hashed = dialect.hash_text(literal("sält", String), dialect.key_text(key, type_))
        statement = select(key.label("key"), hashed.label("hashed")).select_from(table(name))
        found = {row["key"]: int(row["hashed"][:16], 16) for row in engine.rows(statement)}
        assert found == {one: stable_hash("sält", one) for one in of}


@pytest.mark.parametrize(
    "statement",
    [
        select(column("id")).select_from(table("peeple")),
        select(column("nmae")).select_from(table("people")),
    ],
    ids=["table", "column"],
)
def test_what_is_missing_is_refused_by_name(engine, statement):
    """A table or column that is not there is named, with a hint."""
    with pytest.raises(UnusableDataError, match="warehouse.*(peeple|nmae)") as caught:
        engine.rows(statement)
    assert caught.value.hint


def typed(place):
    """The columns as values of their declared types."""
    stored = place.dialect.stored
    return [stored(NAMES.c[name], type_).label(name) for name, type_ in TYPES.items()]


def test_rows_are_plain_values(place, engine):
    """Text, integers, exact decimals, floats, booleans, dates, and timestamps in UTC."""
    (row,) = engine.rows(select(*typed(place)).where(NAMES.c.id == 1))
    assert instant_of(row["seen"]) == instant_of(NOON)  # SQLite has milliseconds at work
    assert row == {
        "id": 1,
        "name": "ada",
        "paid": Decimal("1.50"),
        "score": 0.5,
        "vip": True,
        "born": date(2000, 2, 29),
        "seen": row["seen"],
    }
    assert row["seen"].utcoffset().total_seconds() == 0


def test_missing_values_are_none(place, engine):
    """NULL is None in every column, and an infinity stays one where there is one."""
    (row,) = engine.rows(select(*typed(place)).where(NAMES.c.id == 2**53 + 1))
    assert row["score"] == place.infinity
    assert [row[name] for name in ("name", "vip", "born", "seen")] == [None] * 4


@pytest.mark.parametrize("text", ["o'hara", "' OR 1 = 1 --", '"', "%", "\\", "ß😀", "{x}"])
def test_text_is_a_parameter_and_never_sql(engine, text):
    """Whatever is written in a literal is compared, not run."""
    found = engine.members(keys(column("name") == text, KNOWN), {})
    assert found == (BitMap64([2]) if text == "o'hara" else BitMap64())


def test_a_zero_byte_is_in_no_text_or_refused(engine):
    """Where texts can't hold a zero byte the question is refused, never answered otherwise."""
    try:
        assert engine.members(keys(column("name") == "\x00", KNOWN), {}) == BitMap64()
    except UnusableDataError as refused:
        assert refused.hint


def test_timestamps_are_parameters_too(place, engine):
    """An instant with an offset is compared as that instant."""
    seen = place.dialect.stored(column("seen"), TIMESTAMP)
    moment = literal(NOON.astimezone(timezone(timedelta(hours=5))), UTC_TIMESTAMP)
    assert engine.members(keys(seen == moment), {}) == BitMap64([1])
    assert engine.members(keys(seen < moment), {}) == BitMap64()


def test_the_session_knows_no_local_time(place, engine):
    """A timestamp without a zone is one of UTC, whatever the machine's zone."""
    written = place.dialect.stored(literal("2026-01-31 12:00:00"), TIMESTAMP)
    (row,) = engine.rows(select(written.label("at")))
    assert row["at"] == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_rendered_sql_shows_its_parameters(engine):
    """A person reads the statement with the values in their places."""
    text = engine.render(keys(column("name") == "o'hara", column("id") > 5).statement)
    assert "'o''hara'" in text
    assert "> 5" in text
    assert "people" in text


def test_large_sums_do_not_wrap(place, engine_on):
    """Sums of integers are exact beyond 64 bits."""
    engine = engine_on(people=pa.table({"id": [2**62] * 8}))
    total = place.dialect.total(column("id", BigInteger), INTEGER)
    left, right = place.dialect.alike(total, place.dialect.number(Decimal(2**62 * 8)))
    statement = select((left == right).label("exact"))
    (row,) = engine.rows(statement.select_from(table("people")))
    assert row["exact"] is True
    (row,) = engine.rows(
        select(cast(func.count(), BigInteger).label("n")).select_from(table("people"))
    )
    assert row["n"] == 8


def test_what_follows_nobody_has_all_that_there_is(engine):
    """No instant bounds what is read of files, of a database in a file, or of a primary."""
    assert engine.reached() == Reached()


def test_the_newest_instant_of_a_column(engine_on):
    """Floored to the millisecond, whatever order the rows are in; missing ones are none."""
    moments = [NOON - timedelta(days=400), NOON, None, NOON - timedelta(microseconds=1)]
    loads = pa.table({"at": pa.array(moments, pa.timestamp("us", tz="UTC"))})
    engine = engine_on(loads=loads, missing=loads.slice(2, 1), empty=loads.slice(0, 0))
    assert engine.newest("loads", "at") == instant_of(NOON)
    assert engine.newest("missing", "at") is None
    assert engine.newest("empty", "at") is None


def test_the_newest_instant_of_what_is_missing_is_refused(engine):
    """A column that is not there has no instant, and is not taken for an empty one."""
    with pytest.raises(UnusableDataError):
        engine.newest("people", "loaded")


COUNTED = {"duckdb database": Volume(rows=50_000), "clickhouse": Volume(rows=50_000, bytes=450_000)}
"""What engines say that they read of 50,000 keys, each of which may be missing; none of the others
says anything."""


def test_what_was_read_is_counted_or_not_known(place, engine_on):
    """A question that gives one key has read all that it looked at, whether it is asked for one
    segment or for several; asking for the number reads nothing."""
    engine = engine_on(many=pa.table({"id": pa.array(range(50_000), pa.int64())}))
    expected = COUNTED.get(place.name, Volume())
    found = column("id") + 1 == 78
    opened = engine.read_so_far()
    assert engine.members(keys(found, of="many"), {}) == BitMap64([77])
    once = engine.read_so_far()
    assert once - opened == expected

    both = select(column("id").label("key"), case((found, 1), else_=0).label("mask"))
    asked = Selection(source="warehouse", statement=both.select_from(table("many")).where(found))
    assert engine.memberships(asked, {}, 1) == (BitMap64([77]),)
    assert engine.read_so_far() - once == expected
    assert engine.read_so_far() - opened == expected + expected


def within(engine, rows):
    """The engine within a limit of rows."""
    source = Source(name="warehouse", engine="duckdb", limits=Limits(rows=rows))
    return LimitedEngine(source, engine, clock=SetClock(), zone=ZoneInfo("UTC"), slots=None)


def test_as_many_rows_as_a_source_may_give_are_all_there(engine_on):
    """A limit of rows changes no answer; users who are in no segment are not counted."""
    engine = engine_on(
        people=pa.table({"id": [3, 1, 2, None, 4], "name": ["b", "a", "b", "b", "c"]})
    )
    passing = column("name").in_(select(column("value")).select_from(table("passing")))
    given = column("id").in_(select(column("key")).select_from(table("segment.kept")))
    split = Split(
        name="passing",
        values=select(column("name").label("value")).select_from(table("people")).distinct(),
        test=TextMatch(op="matches", text="a|b"),
    )
    asked = replace(keys(KNOWN, passing, given, sets=("segment.kept",)), splits=(split,))
    sets = {"segment.kept": BitMap64([1, 2, 3])}
    assert within(engine, 3).members(asked, sets) == BitMap64([1, 2, 3])
    with pytest.raises(TooLargeError, match="more than 2 rows"):
        within(engine, 2).members(asked, sets)
    number = column("id", BigInteger)
    mask = case((number == 1, literal(1, BigInteger)), (number == 2, 3), else_=0)
    shared = replace(asked, statement=asked.statement.add_columns(mask))
    assert within(engine, 2).memberships(shared, sets, 2) == (BitMap64([1, 2]), BitMap64([2]))
    with pytest.raises(TooLargeError, match="more than 1 rows"):
        within(engine, 1).memberships(shared, sets, 2)


def test_closing_twice_is_harmless(engine_on):
    """close() may be called by whoever is not sure."""
    engine = engine_on(people=PEOPLE)
    engine.close()
    engine.close()
