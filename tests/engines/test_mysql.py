"""MySQL's adapter on MariaDB: what it is asked stays a question, what is stored is read as it is
meant, and what goes wrong is told in our words."""

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyroaring import BitMap64
from sqlalchemy import column, func, select, table, text

from segflow.app.secrets import MaskedEngine
from segflow.app.wiring import open_engine
from segflow.compiler.dialects.mysql import MYSQL
from segflow.compiler.dialects.mysql_types import BYTES
from segflow.engines import mysql
from segflow.engines.mysql import MySqlEngine
from segflow.errors import RefusedError, SourceUnavailableError, UnusableDataError
from segflow.model.catalog import Limits, Source
from segflow.model.duration import parse_duration
from segflow.model.instant import parse_instant
from segflow.model.operator import TextMatch
from segflow.model.settings import SecretRef
from segflow.model.types import BOOLEAN, DATE, INTEGER, STRING, TIMESTAMP, ValueType, decimal_type
from segflow.ports import KeyColumn, Selection, Split
from tests.agreement.mariadb import connected, drop_database, in_database, insert, mariadb_database
from tests.compiler.projects import CATALOG, compiled
from tests.engines.people import KEYS, ONE, PEOPLE, all_closed, ends_by_ctrl_c
from tests.selections import select_members
from tests.services import mariadb_owner_url, mariadb_url

DATABASE = f"segflow_mysql_{os.getpid()}"


def source(url: str, **more) -> Source:
    return Source(name="warehouse", engine="mysql", url=url, **more)


@pytest.fixture
def opened():
    """Opens engines, and closes them at the end."""

    def make(url=None, **more):
        return MySqlEngine(source(url or in_database(DATABASE), **more))

    with all_closed(make) as open_on:
        yield open_on


@pytest.fixture
def owner():
    """The owner in an empty database."""
    with mariadb_database(DATABASE) as cursor:
        yield cursor
    drop_database(DATABASE)


@pytest.fixture
def people(owner):
    """A table of a thousand people."""
    owner.execute("CREATE TABLE people (id BIGINT, name VARCHAR(20))")
    insert(owner, "people", [(n, f"n{n}") for n in range(1_000)])
    return owner


def values(engine: MySqlEngine, type_: ValueType, place: str = "given") -> list[object]:
    """The column `x` of a table as values of the type, in the order of `n`."""
    given = table(place, column("n"), column("x"))
    asked = select(MYSQL.stored(given.c.x, type_).label("x")).order_by(given.c.n)
    return [row["x"] for row in engine.rows(asked)]


def give(owner, kind: str, *stored: object) -> None:
    """Make the table `given` of one column, of whose values the server says nothing."""
    owner.execute("SET sql_mode = ''")
    owner.execute(f"CREATE TABLE given (n INT, x {kind})")
    insert(owner, "given", list(enumerate(stored)))


# --- what is stored --------------------------------------------------------------------------


def test_dates_of_zeros_are_missing(opened, owner):
    """A date without a month or a day is none; a year 0 is before the calendar."""
    give(owner, "DATE", "0000-00-00", "2026-00-10", "2026-01-00", "0000-05-01", "2026-02-28")
    read = values(opened(), DATE)
    assert read == [None, None, None, date(1, 1, 1), date(2026, 2, 28)]


def test_times_of_zeros_are_missing(opened, owner):
    """Of both types of columns."""
    give(owner, "DATETIME", "0000-00-00 00:00:00", "2026-00-10 01:00:00", "2026-02-28 01:00:00")
    moment = datetime(2026, 2, 28, 1, tzinfo=UTC)
    assert values(opened(), TIMESTAMP) == [None, None, moment]
    owner.execute("ALTER TABLE given MODIFY x TIMESTAMP NULL")
    assert values(opened(), TIMESTAMP) == [None, None, moment]


def test_times_are_of_utc(opened, owner):
    """A TIMESTAMP is the instant that it is, wherever the writer sat; a DATETIME is one of UTC."""
    owner.execute("SET time_zone = '+02:00'")
    give(owner, "TIMESTAMP NULL", "2026-02-28 01:00:00")
    assert values(opened(), TIMESTAMP) == [datetime(2026, 2, 27, 23, tzinfo=UTC)]
    owner.execute("ALTER TABLE given MODIFY x DATETIME")
    assert values(opened(), TIMESTAMP) == [datetime(2026, 2, 28, 1, tzinfo=UTC)]


def test_instants_are_floored(opened, owner):
    """Half a millisecond and more is no further one, before 1970 neither."""
    give(owner, "DATETIME(6)", "2026-01-01 00:00:00.999999", "1900-01-01 00:00:00.000500")
    given = table("given", column("n"), column("x"))
    floored = MYSQL.floored(MYSQL.stored(given.c.x, TIMESTAMP)).label("x")
    rows = opened().rows(select(floored).order_by(given.c.n))
    assert [row["x"].microsecond for row in rows] == [999_000, 0]


def test_texts_are_not_padded(opened, owner):
    """A space at the end, case and accents make another text, in any collation and character set;
    the empty text is not missing."""
    give(owner, "VARCHAR(9) COLLATE utf8mb4_bin", "a", "a ", "A", "ä", "")
    engine = opened()
    for kind in ("COLLATE utf8mb4_bin", "COLLATE utf8mb4_unicode_ci", "CHARACTER SET latin1"):
        owner.execute(f"ALTER TABLE given MODIFY x VARCHAR(9) {kind}")
        assert values(engine, STRING) == ["a", "a ", "A", "ä", ""]
        given = table("given", column("n"), column("x"))
        read = MYSQL.stored(given.c.x, STRING)
        for number, wanted in enumerate(("a", "a ", "A", "ä", "")):
            for holds in (read == wanted, read.in_([wanted]), read == MYSQL.text(wanted)):
                assert engine.rows(select(given.c.n).where(holds)) == [{"n": number}]
        assert engine.rows(select(func.count(read.distinct()).label("n"))) == [{"n": 5}]


def test_texts_are_sorted_by_code_points(opened, owner):
    """Beyond the first thousand bytes, too, which is where MySQL stops if it may."""
    long = "x" * 5_000
    give(owner, "LONGTEXT", long + "b", long + "a", "ß", "z", "Z", "😀", "\uffff")
    given = table("given", column("x"))
    read = MYSQL.stored(given.c.x, STRING)
    rows = opened().rows(select(read.label("x")).order_by(*MYSQL.in_order(read)))
    found = [row["x"] for row in rows]
    assert found == sorted(found)


def test_integers_of_any_sign(opened, owner):
    """One column beyond 63 bits, and sums beyond 64, are exact."""
    give(owner, "BIGINT UNSIGNED", 2**64 - 1, 2**64 - 1, 0)
    engine = opened()
    assert values(engine, INTEGER) == [2**64 - 1, 2**64 - 1, 0]
    given = table("given", column("x"))
    total = MYSQL.total(MYSQL.stored(given.c.x, INTEGER), INTEGER)
    assert engine.rows(select(total.label("n"))) == [{"n": 2**65 - 2}]


def test_booleans_are_small_integers_or_bits(opened, owner):
    """What is not zero is true."""
    give(owner, "TINYINT(1)", 0, 1, None)
    assert values(opened(), BOOLEAN) == [False, True, None]
    owner.execute("ALTER TABLE given MODIFY x BIT(1)")
    assert values(opened(), BOOLEAN) == [False, True, None]


@pytest.mark.parametrize(
    ("kind", "stored", "type_"),
    [
        ("VARCHAR(9)", "ten", INTEGER),
        ("DOUBLE", 1e30, INTEGER),
        ("DOUBLE", 1e30, decimal_type(18, 2)),
        ("DECIMAL(30, 2)", Decimal(10) ** 20, decimal_type(18, 2)),
        ("VARCHAR(9)", "yesterday", TIMESTAMP),
        ("VARBINARY(9)", b"\xff\xfe", STRING),
    ],
)
def test_a_value_that_does_not_fit_is_told(opened, owner, kind, stored, type_):
    """The server would only warn, and go on with another value."""
    give(owner, kind, stored)
    with pytest.raises(UnusableDataError, match="warehouse") as caught:
        values(opened(), type_)
    assert "type" in caught.value.hint


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("9" * 28 + "." + "9" * 10, "1.0000000001"),
        ("1." + "3" * 17, "0." + "7" * 13),
        ("-" + "9" * 38, "9" * 26),
        ("9" * 20, "9" * 44),
    ],
)
def test_products_are_exact(opened, left, right):
    """To the last digit, however wide."""
    one, other = Decimal(left), Decimal(right)
    made = MYSQL.product(MYSQL.widened(MYSQL.number(one), _scale(one)), MYSQL.number(other))
    ((found,),) = (row.values() for row in opened(mariadb_url()).rows(select(made.label("x"))))
    exact = int(left.replace(".", "")) * int(right.replace(".", ""))
    assert int(str(found).replace(".", "")) == exact


def _scale(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)


def test_a_product_that_is_too_wide_is_an_error(opened):
    """The server would cut off digits in silence."""
    one = MYSQL.widened(MYSQL.number(Decimal("9" * 28 + "." + "9" * 10)), 10)
    with pytest.raises(UnusableDataError, match="out of range"):
        made = MYSQL.product(one, MYSQL.number(Decimal("123456789" * 4 + "123")))
        opened(mariadb_url()).rows(select(made.label("x")))
    with pytest.raises(RefusedError, match="36 digits"):
        MYSQL.product(one, MYSQL.number(Decimal("1.00000000000000000000000001")))


# --- what is asked ---------------------------------------------------------------------------


def test_sessions_can_only_read(opened, people):
    """A statement that would write is refused by the server, even to somebody who may write."""
    with opened()._engine.connect() as connection:
        asked = "SELECT @@session.time_zone, @@tx_isolation, @@tx_read_only"
        assert tuple(connection.execute(text(asked)).one()) == (
            "+00:00",
            "REPEATABLE-READ",
            1,
        )
    owner_url = in_database(DATABASE, mariadb_owner_url())
    with (
        opened(owner_url)._engine.connect() as connection,
        pytest.raises(Exception, match="READ ONLY transaction"),
    ):
        connection.execute(text("DELETE FROM people"))


def chosen(pattern: str = r"^n\d\d$") -> Selection:
    """The users of a set whose names match; by default those of two digits."""
    name = MYSQL.stored(PEOPLE.c.name, STRING)
    inside = PEOPLE.c.id.in_(select(column("key")).select_from(table("segment.s")))
    matching = name.in_(select(column("value", BYTES)).select_from(table("passing")))
    return Selection(
        source="warehouse",
        statement=KEYS.where(inside, matching),
        sets=("segment.s",),
        splits=(
            Split(
                name="passing",
                values=select(name.label("value")).distinct(),
                test=TextMatch(op="matches", text=pattern),
            ),
        ),
    )


def test_what_re2_alone_can_say_is_tried_on_the_distinct_values(opened, people):
    """The set of texts that pass is made of the very values that the statement sees."""
    everyone = BitMap64(range(1_000))
    assert opened().members(chosen(), {"segment.s": everyone}) == BitMap64(range(10, 100))


def test_texts_of_many_kinds_are_given(opened, people, monkeypatch):
    """In parts, and whatever characters they are made of."""
    monkeypatch.setattr(mysql, "_CHARACTERS_OF_A_PART", 10)
    names = ["n1 ", "N1", "n'1", 'n"1', "n\\1", "n😀1", "n\n1", "n1"]
    insert(people, "people", [(5_000 + at, name) for at, name in enumerate(names)])
    everybody = BitMap64(range(6_000))
    found = opened().members(chosen("n.?1"), {"segment.s": everybody})
    assert {one for one in found if one >= 5_000} == {5_000 + at for at in (0, 2, 3, 4, 5, 7)}


def test_sets_of_a_million_keys(opened, people):
    """A large set goes in parts that fit into a packet, keys beyond 63 bits, too."""
    inside = PEOPLE.c.id.in_(select(column("key")).select_from(table("segment.s")))
    asked = Selection(source="warehouse", statement=KEYS.where(inside), sets=("segment.s",))
    keys = BitMap64(range(500, 1_000_500)) | BitMap64([2**64 - 1])
    engine = opened()
    assert engine.members(asked, {"segment.s": keys}) == BitMap64(range(500, 1_000))
    assert engine.members(asked, {"segment.s": BitMap64()}) == BitMap64()


def test_a_lost_connection_is_made_anew(opened, people):
    """A server that was started again between two questions is no error of the second one."""
    engine = opened(mariadb_url())
    ((thread,),) = (row.values() for row in engine.rows(select(func.connection_id())))
    with connected(mariadb_url()) as other:
        other.execute(f"KILL CONNECTION {thread}")
    assert engine.rows(ONE) == [{"one": 1}]


def test_warnings_are_errors_in_questions_of_many_rows(opened, owner):
    """Also where rows are fetched in parts, before it is known what the server warns of."""
    give(owner, "VARCHAR(9)", *["0"] * 200, "ten")
    stored = table("given", column("n"), column("x"))
    number = MYSQL.stored(stored.c.x, INTEGER)
    asked = select(stored.c.n.label("key"), (number * 0).label("mask_0"))
    with pytest.raises(UnusableDataError, match="'ten'"):
        opened().memberships(Selection(source="warehouse", statement=asked), {}, 1)
    with pytest.raises(UnusableDataError, match="'ten'"):
        opened().members(
            Selection(source="warehouse", statement=select(number.label("key")).distinct()), {}
        )


@pytest.mark.parametrize("kind", ["DATETIME(6)", "TIMESTAMP", "DATE"])
def test_an_index_serves_a_window(opened, owner, tmp_path, kind):
    """Of an event whose rows are unique, also where another index is of the users' keys."""
    owner.execute(f"CREATE TABLE purchases (id BIGINT, customer_id BIGINT, at {kind} NULL)")
    owner.execute("CREATE TABLE customers (id BIGINT, first_seen DATETIME)")
    insert(owner, "purchases", [(n, n % 300, date(2026, 1, 1 + n // 100)) for n in range(3_000)])
    insert(owner, "purchases", [(9_000, 299, None)])
    insert(owner, "customers", [(n, date(2026, 1, 1)) for n in range(300)])
    owner.execute("CREATE INDEX by_time ON purchases (at)")
    owner.execute("CREATE INDEX by_customer ON purchases (customer_id)")
    owner.execute("ANALYZE TABLE purchases")
    _, _, declared = CATALOG.partition("---\n")
    catalog = f"source: warehouse\nengine: mysql\nurl: {in_database(DATABASE)}\n---\n{declared}"
    written = "segment: s\nentity: customer\nwhere: {did: purchase, within: 2d}\n"
    project = compiled(tmp_path, written, catalog=catalog)
    asked = select_members(project, "s", parse_instant("2026-01-30T00:00:00Z"))
    engine = opened()
    assert engine.members(asked, {}) == BitMap64(range(100, 300))
    with engine._engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {engine.render(asked.statement)}").mappings()
        assert [row["key"] for row in plan if row["table"] == "purchases"] == ["by_time"]


def test_a_query_is_killed_when_a_person_gives_up(tmp_path: Path):
    """Ctrl-C ends the query on the server, too, and the process as it does anywhere else."""
    script = tmp_path / "asks.py"
    script.write_text(
        "from sqlalchemy import func, select\n"
        "from segflow.engines.mysql import MySqlEngine\n"
        "from segflow.model.catalog import Source\n"
        f"engine = MySqlEngine(Source(name='warehouse', engine='mysql', url={mariadb_url()!r}))\n"
        f"engine.rows(select(func.sleep(600).label('pid{os.getpid()}')))\n"
    )
    with connected(mariadb_url()) as watching:

        def active() -> int:
            watching.execute("SHOW FULL PROCESSLIST")
            return sum(f"pid{os.getpid()}" in str(row) for row in watching.fetchall())

        ends_by_ctrl_c(script, active)


def test_a_query_beyond_its_timeout_is_ended(opened):
    """The server ends it, and the message names the limit."""
    engine = opened(mariadb_url(), limits=Limits(timeout=parse_duration("1s")))
    with pytest.raises(SourceUnavailableError, match="warehouse") as caught:
        engine.rows(select(func.sleep(600)))
    assert "limits.timeout" in caught.value.hint


# --- what goes wrong -------------------------------------------------------------------------


def test_a_server_that_is_not_there_may_be_tried_again(opened):
    """Nobody listens at the port: a source that is unavailable, in one line."""
    with pytest.raises(SourceUnavailableError, match=r"warehouse: Can't connect") as caught:
        opened("mysql://segflow@127.0.0.1:1/shop").rows(ONE)
    assert "\n" not in caught.value.message


def test_a_wrong_password_is_told_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The message says that access was denied; neither the password nor the url is shown."""
    at = urlsplit(mariadb_url())
    url = f"mysql://{at.username}:hush-hush@{at.hostname}:{at.port}{at.path}"
    monkeypatch.setenv("WAREHOUSE_URL", url)
    engine = open_engine(source(SecretRef(name="WAREHOUSE_URL")), tmp_path)
    assert isinstance(engine, MaskedEngine)
    with pytest.raises(SourceUnavailableError, match="warehouse: Access denied") as caught:
        engine.rows(ONE)
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("url", ["hush-hush", "mysql://a:hush@h:no/d", "postgresql://hush/d"])
def test_a_url_that_is_none_is_refused_without_it(opened, url):
    """What is wrong with it is not shown, since that is a part of it."""
    with pytest.raises(RefusedError, match="warehouse.*the url") as caught:
        opened(url).rows(ONE)
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


def test_an_option_that_there_is_none_of_is_refused(opened):
    """It is named."""
    with pytest.raises(RefusedError, match="colour"):
        opened(f"{mariadb_url()}?colour=blue").rows(ONE)


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"])
def test_urls_are_written_in_several_ways(opened, scheme):
    """By the name of either server, with SQLAlchemy's word for the driver or without."""
    at = urlsplit(mariadb_url())
    assert opened(at._replace(scheme=scheme).geturl()).rows(ONE) == [{"one": 1}]


def test_what_may_not_be_read_is_told(opened, people):
    """A table of somebody else is a matter of rights, not of names."""
    hidden = select(column("user")).select_from(table("user", schema="mysql"))
    with pytest.raises(UnusableDataError, match="denied") as caught:
        opened().rows(hidden)
    assert "SELECT" in caught.value.hint


def test_views_count_as_tables(opened, people):
    """With the right to SELECT alone, and one row per key is checked there, too."""
    people.execute("CREATE VIEW persons AS SELECT id, name FROM people UNION SELECT 7, 'seven'")
    engine = opened()
    assert [*engine.columns("persons")] == ["id", "name"]
    asked = select(column("id").label("key")).select_from(table("persons"))
    with pytest.raises(UnusableDataError, match="persons, 1 keys .* id 7 "):
        engine.members(
            Selection(source="warehouse", statement=asked, one_row=(KeyColumn("persons", "id"),)),
            {},
        )
