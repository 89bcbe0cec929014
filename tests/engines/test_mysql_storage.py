"""What MySQL's dialect makes of texts and JSON, on MariaDB: what the reference makes of them."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import column, select, table

from segflow.compiler.dialects.mysql import MYSQL
from segflow.compiler.storage import Storage
from segflow.compiler.targets.stored import read_back, value_in
from segflow.compiler.targets.values import stored_table
from segflow.compiler.values import value_of
from segflow.engines.mysql import MySqlEngine
from segflow.errors import UnusableDataError
from segflow.model.catalog import Source
from segflow.model.instant import instant_of
from segflow.model.types import STRING, ValueType, parse_type
from tests.agreement.mariadb import drop_database, in_database, insert, mariadb_database

DATABASE = f"segflow_storage_{os.getpid()}"


@pytest.fixture(scope="module")
def owner() -> Iterator[pymysql.cursors.Cursor]:
    """The owner of the table `given`."""
    with mariadb_database(DATABASE) as cursor:
        cursor.execute("CREATE TABLE given (n INT, x LONGTEXT)")
        yield cursor
    drop_database(DATABASE)


@pytest.fixture(scope="module")
def engine(owner: Any) -> Iterator[MySqlEngine]:
    """The engine on that table."""
    opened = MySqlEngine(Source(name="warehouse", engine="mysql", url=in_database(DATABASE)))
    yield opened
    opened.close()


def read(
    owner: Any, engine: MySqlEngine, cells: Sequence[str | None], storage: Storage
) -> list[Any]:
    """What the engine makes of the cells of a column."""
    owner.execute("DELETE FROM given")
    insert(owner, "given", list(enumerate(cells)))
    stored = stored_table("given", ["n", "x"])
    asked = select(value_in(stored, storage, MYSQL).label("x")).select_from(stored)
    rows = engine.rows(asked.order_by(stored.c.n))
    return [plain(row["x"], storage.type) for row in rows]


def plain(value: Any, type_: ValueType) -> Any:
    """A value as the reference has it at work."""
    if isinstance(value, datetime):
        return instant_of(value)
    return value_of(read_back(value, type_), type_)


MARKS = st.text(
    st.sampled_from(["\x00", "\x01", "\x02", "\x03", "a", "B", "\\", '"', "é", "\uffff"])
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(MARKS, max_size=4), min_size=20, max_size=20))
def test_lists_of_any_texts_are_lists(owner, engine, lists):
    """Elements come back as they are, are found, counted and sorted by code points, whatever bytes
    they are made of."""
    storage = Storage(type=parse_type("list<string>"), column="x", encoding="json")
    cells = [json.dumps(found) for found in lists]
    assert read(owner, engine, cells, storage) == [tuple(found) or None for found in lists]
    stored = stored_table("given", ["n", "x"])
    found = value_in(stored, storage, MYSQL)
    rows = engine.rows(select(stored.c.n).order_by(MYSQL.sorted_list(found, STRING), stored.c.n))
    ordered = sorted(range(len(lists)), key=lambda n: (lists[n] != [], lists[n]))
    assert [row["n"] for row in rows] == ordered
    counted = select(MYSQL.count_elements(found, None).label("n")).select_from(stored)
    distinct = {one for each in lists for one in each}
    assert engine.rows(counted) == [{"n": len(distinct) or None}]
    for wanted in sorted(distinct)[:3]:
        has = MYSQL.has(found, [MYSQL.text(wanted)], every=True)
        asked = select(stored.c.n).where(has).order_by(stored.c.n)
        having = [n for n, each in enumerate(lists) if wanted in each]
        assert [row["n"] for row in engine.rows(asked)] == having


@pytest.mark.parametrize("levels", [31, 32, 100])
def test_json_that_the_server_can_not_read_is_an_error(owner, engine, levels):
    """MariaDB takes JSON of 32 levels for none; that is told, and not taken for nothing."""
    storage = Storage(type=STRING, column="x", path=("a",))
    deep = f'{{"b": {"[" * (levels - 1)}{"]" * (levels - 1)}, "a": "found"}}'
    if levels < 32:
        assert read(owner, engine, [deep, deep[:-1]], storage) == ["found", None]
    else:
        assert read(owner, engine, [deep[:-9]], storage) == [None]
        with pytest.raises(UnusableDataError, match="warehouse"):
            read(owner, engine, [deep], storage)


def test_a_list_in_a_group_is_read_more_than_once(owner, engine):
    """MariaDB's replace() changes the value of GROUP_CONCAT where it is, which nobody may see: not
    where a condition is tested within the groups either."""
    owner.execute("DELETE FROM given")
    insert(owner, "given", [(1, "a"), (1, "b"), (2, "a"), (3, "b"), (3, "b")])
    stored = table("given", column("n"), column("x"))
    every = MYSQL.gathered(MYSQL.stored(stored.c.x, STRING))
    groups = select(stored.c.n, every.label("x")).group_by(stored.c.n).subquery()
    two = select(groups.c.n).where(MYSQL.size(groups.c.x) >= 2, MYSQL.size(groups.c.x) < 3)
    assert [row["n"] for row in engine.rows(two.order_by(groups.c.n))] == [1, 3]
