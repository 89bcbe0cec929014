"""What is ClickHouse's own: settings, its lock, Ctrl-C, and what its functions do otherwise."""

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from threading import Event
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from sqlalchemy import String, column, func, literal, literal_column, select, table, text

from segflow.app.wiring import open_engine
from segflow.compiler.dialects import dialect_of
from segflow.engines.clickhouse import ClickHouseEngine
from segflow.engines.clickhouse_chdb import EmbeddedHost
from segflow.engines.clickhouse_server import ServerHost
from segflow.engines.clickhouse_sql import escaped
from segflow.errors import (
    RefusedError,
    SourceSilentError,
    SourceUnavailableError,
    TooLargeError,
    UnusableDataError,
)
from segflow.model.catalog import Limits, Source
from segflow.model.duration import parse_duration
from segflow.model.types import TIMESTAMP, decimal_type, parse_type
from tests.agreement.clickhouse import (
    FOLDER,
    chdb_owner,
    drop_clickhouse,
    in_clickhouse,
    write_tables,
    write_to_server,
)
from tests.engines.people import hears_ctrl_c
from tests.proxy import Proxy, standing
from tests.services import clickhouse_owner_url, clickhouse_url

SOURCE = Source(name="warehouse", engine="clickhouse", url=FOLDER)
DIALECT = dialect_of("clickhouse")
PEOPLE = table("people", column("id"), column("seen"), column("paid"), column("tags"))
ROWS = pa.table(
    {
        "id": [1, 2, 3],
        "seen": pa.array([-1, -1_000_000, 1], pa.timestamp("ns", tz="UTC")),
        "paid": [0.29, 1.005, 2.5],
        "tags": pa.array([["a"], [], ["b", "a"]], pa.list_(pa.string())),
    }
)
DEADLINE = 30.0
OPENED, ASKED, PARTS = 10, 10, 30


PLACES = ("folder", "server")


@pytest.fixture
def folder(tmp_path):
    """The engine on people in a folder of chDB."""
    write_tables(tmp_path, {"people": ROWS})
    opened = ClickHouseEngine(SOURCE, EmbeddedHost(SOURCE, tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def server():
    """The engine on people of a server."""
    write_to_server({"people": ROWS})
    opened = ClickHouseEngine(SOURCE, ServerHost(SOURCE, in_clickhouse()))
    yield opened
    opened.close()
    drop_clickhouse()


@pytest.fixture(params=PLACES)
def engine(request):
    return request.getfixturevalue(request.param)


def asked(engine, expression):
    """The values that an expression has, by the key of people."""
    rows = engine.rows(select(expression.label("found")).select_from(PEOPLE).order_by(PEOPLE.c.id))
    return [row["found"] for row in rows]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM file('/etc/hostname', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "INSERT INTO people (id) VALUES (4)",
        "DROP TABLE people",
        "SET readonly = 0",
        "SELECT 1 SETTINGS join_use_nulls = 0",
    ],
)
def test_a_source_can_only_be_read(folder, statement):
    """Neither files nor servers nor settings are within reach, whoever wrote the statement."""
    with pytest.raises(UnusableDataError, match="readonly"):
        folder._run(text(statement).columns())
    assert len(asked(folder, PEOPLE.c.id)) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO people (id) SELECT 4",
        "DROP TABLE people",
        "SELECT 1 SETTINGS join_use_nulls = 0",
    ],
)
def test_a_server_is_only_read(server, statement):
    """Even as somebody who may write."""
    url = in_clickhouse(url=clickhouse_owner_url())
    owner = ClickHouseEngine(SOURCE, ServerHost(SOURCE, url))
    with pytest.raises(UnusableDataError, match="readonly"):
        owner._run(text(statement).columns())
    owner.close()
    assert len(asked(server, PEOPLE.c.id)) == 3


def test_a_user_that_may_choose_no_settings_is_refused(server):
    """Without them, what is missing would be 0. The hint says what is needed."""
    url = in_clickhouse().replace("segflow_reader:segflow_reader@", "segflow_bound:segflow_bound@")
    engine = ClickHouseEngine(SOURCE, ServerHost(SOURCE, url))
    with pytest.raises(UnusableDataError, match="warehouse.*settings") as caught:
        engine.columns("people")
    engine.close()
    assert "readonly = 2" in (caught.value.hint or "")


def test_a_password_that_is_wrong_is_told(server):
    """Without the password."""
    url = in_clickhouse().replace("segflow_reader@", "wrong@")
    engine = ClickHouseEngine(SOURCE, ServerHost(SOURCE, url))
    with pytest.raises(SourceUnavailableError, match="warehouse.*Authentication") as caught:
        engine.columns("people")
    engine.close()
    assert "wrong" not in f"{caught.value} {caught.value.hint}"


def test_a_statement_may_have_more_values_than_a_request_has_fields(engine):
    """A thousand and more, among them a missing one and one that is long."""
    values = [*(f"{place}\t'\\" for place in range(1_000)), "b" * 200_000]
    joined = func.concat(*map(literal, values), func.coalesce(literal(None, String), "c"))
    assert asked(engine, joined) == ["".join(values) + "c"] * 3


def test_a_value_that_comes_often_is_sent_once(engine):
    """As two that are alike and of two types are not."""
    joined = func.concat(*map(literal, ["b"] * 5_000), literal("7"), literal(7))
    assert asked(engine, joined) == ["b" * 5_000 + "77"] * 3


@pytest.mark.parametrize(("count", "length", "written"), [(5_000, 4, 0), (800, 2_000, 200_000)])
def test_what_a_server_does_not_take_may_be_asked_in_parts(server, count, length, written):
    """It says that the statement is too large, and no more is known of what is in it."""
    values = (f"{place:0{length}}" for place in range(count))
    joined = func.concat(literal_column(f"'{'x' * written}'"), *map(literal, values))
    with pytest.raises(TooLargeError) as caught:
        asked(server, joined)
    assert caught.value.hint


def test_instants_before_1970_are_floored(engine):
    """A nanosecond before 1970 is in the millisecond before, though casts cut off toward it."""
    seen = DIALECT.stored(PEOPLE.c.seen, TIMESTAMP)
    assert asked(engine, DIALECT.milliseconds(seen)) == [-1, -1, 0]
    before = datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)
    assert asked(engine, DIALECT.floored(seen))[:2] == [before, before]


def test_a_double_is_the_nearest_decimal(engine):
    """A cast cuts off; of halves the digits that are shown count."""
    found = asked(engine, DIALECT.stored(PEOPLE.c.paid, decimal_type(18, 2)))
    assert found == [Decimal("0.29"), Decimal("1.01"), Decimal("2.50")]


def test_an_empty_list_is_missing(engine):
    """An array is never missing there; a list of ours is, and is plain elements to who asks."""
    assert asked(engine, DIALECT.stored(PEOPLE.c.tags, parse_type("list<string>"))) == [
        ("a",),
        None,
        ("b", "a"),
    ]


def test_a_product_beyond_its_digits_is_an_error(engine):
    """It never wraps."""
    wide = DIALECT.number(Decimal(10**38))
    with pytest.raises(UnusableDataError, match="overflow"):
        asked(engine, DIALECT.product(DIALECT.widened(wide, 0), wide))


@pytest.mark.parametrize("places", [1, 37, 40, 75])
@pytest.mark.parametrize("leading", range(1, 10))
def test_a_comparison_beyond_its_digits_is_an_error(engine, places, leading):
    """Both sides get the places of the one with more, and a number is not another one by that."""
    small, large = Decimal("1.5").scaleb(1 - places), Decimal(leading * 10**38)
    one, other = DIALECT.alike(DIALECT.number(large), DIALECT.number(small))
    if places + 39 <= 76:
        assert asked(engine, one > other) == [True] * 3
    else:
        with pytest.raises(UnusableDataError, match="overflow"):
            asked(engine, one > other)


@pytest.mark.parametrize(
    ("type_", "stored"),
    [
        ("Int64", 2**62),
        ("Int64", -(2**62)),
        ("UInt64", 2**64 - 1),
        ("Decimal(38, 0)", 9 * 10**37),
        ("Decimal(76, 0)", 9 * 10**60),
        ("Int256", 9 * 10**60),
    ],
)
@pytest.mark.parametrize("digits", [(18, 17), (38, 30), (38, 38)])
def test_a_column_beyond_its_digits_is_an_error_or_missing(engine, type_, stored, digits):
    """What is declared with more places than there is room for does not become another number."""
    column_ = literal_column(f"CAST('{stored}' AS {type_})")
    value = DIALECT.stored(column_, decimal_type(*digits))
    try:
        assert asked(engine, value) == [None] * 3
    except UnusableDataError as refused:
        assert "overflow" in str(refused)


@pytest.mark.parametrize(
    ("type_", "stored"), [("Int64", "-12"), ("Decimal(38, 1)", "1.5"), ("Decimal(76, 2)", "-2.25")]
)
def test_a_column_may_have_fewer_places_than_are_declared(engine, type_, stored):
    """It has the same value."""
    column_ = literal_column(f"CAST('{stored}' AS {type_})")
    for digits in ((9, 4), (18, 4), (38, 30)):
        found = asked(engine, DIALECT.stored(column_, decimal_type(*digits)))
        assert found == [Decimal(stored)] * 3


def test_the_first_row_has_none_before_it(engine):
    """lag() would give 0."""
    before = func.lag(PEOPLE.c.id).over(order_by=PEOPLE.c.id)
    assert asked(engine, before) == [None, 1, 2]


@pytest.mark.parametrize("value", ["", "\\N", "\\", "a\tb\nc\r\0", "it's", "{p1:String}", "é😀"])
def test_parameters_are_what_was_given(engine, value):
    """By themselves and in a list, whatever the text means in ClickHouse's own notation."""
    found = literal(value)
    assert asked(engine, found) == [value] * 3
    assert asked(engine, found.in_([value, "other"])) == [True] * 3


def test_a_missing_parameter_is_missing():
    """It has a sign of its own."""
    assert escaped(None) == "\\N"
    assert escaped("\\N") == "\\\\N"


@pytest.mark.parametrize("place", PLACES)
def test_a_query_has_its_time(place, tmp_path, server):
    """`limits.timeout` ends it, and the message says so."""
    source = replace(SOURCE, limits=Limits(timeout=parse_duration("1s")))
    write_tables(tmp_path, {"people": ROWS})
    at = (
        EmbeddedHost(source, tmp_path) if place == "folder" else ServerHost(source, in_clickhouse())
    )
    engine = ClickHouseEngine(source, at)
    rows = ", ".join(f"people AS p{number}" for number in range(25))
    endless = select(func.count().label("n")).select_from(text(rows))
    with pytest.raises(SourceUnavailableError) as caught:
        engine.rows(endless.where(func.sipHash64(literal_column("p0.id + p24.id")) == 1))
    engine.close()
    assert "limits.timeout" in (caught.value.hint or "")


def test_ctrl_c_ends_a_query(tmp_path):
    """A person who gives up need not wait for the answer."""
    write_tables(tmp_path, {"people": pa.table({"id": [1]})})
    script = tmp_path / "ask.py"
    script.write_text(
        "from pathlib import Path\n"
        "from segflow.engines.clickhouse_chdb import EmbeddedHost\n"
        "from segflow.engines.clickhouse_sql import Query\n"
        "from segflow.model.catalog import Source\n"
        f"source = Source(name='w', engine='clickhouse', url={FOLDER!r})\n"
        f"host = EmbeddedHost(source, Path({str(tmp_path)!r}))\n"
        "print('asks', flush=True)\n"
        "endless = 'SELECT count() FROM system.numbers WHERE sipHash64(number) = 1'\n"
        "host.ask(Query(text=endless, parameters={}))\n"
    )
    hears_ctrl_c(script, within=DEADLINE)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """It is not made."""
    with pytest.raises(SourceUnavailableError, match="warehouse.*no file"):
        open_engine(SOURCE, tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_a_process_has_one_folder_open(folder, tmp_path):
    """Another one is refused with what to do, while the first goes on."""
    (tmp_path / "other").mkdir()
    other = Source(name="other", engine="clickhouse", url="other")
    with pytest.raises(SourceUnavailableError, match="source other") as caught:
        open_engine(other, tmp_path)
    assert caught.value.hint
    assert asked(folder, PEOPLE.c.id) == [1, 2, 3]


def test_a_folder_that_was_closed_leaves_no_threads(folder, tmp_path):
    """However often it is opened: chDB has room for 10,000 in the life of a process."""
    folder.close()
    before = len(os.listdir("/proc/self/task"))
    for _ in range(OPENED):
        opened = open_engine(SOURCE, tmp_path)
        assert asked(opened, PEOPLE.c.id) == [1, 2, 3]
        opened.close()
    assert len(os.listdir("/proc/self/task")) < before + OPENED


def test_whoever_reads_changes_no_file(tmp_path):
    """What the owner left to be merged, deleted or changed is left to the owner."""
    write_tables(tmp_path, {"people": pa.table({"id": [1, 2, 3]})})
    with chdb_owner(tmp_path, "background_pool_size=0") as owner:
        for id_ in range(4, 4 + PARTS):
            owner.query(f"INSERT INTO people VALUES ({id_})")
        owner.query("SET mutations_sync = 0")
        owner.query("ALTER TABLE people DELETE WHERE id = 1")
    written = files(tmp_path)
    engine = open_engine(SOURCE, tmp_path)
    for _ in range(ASKED):
        assert len(asked(engine, PEOPLE.c.id)) == 3 + PARTS
    engine.close()
    assert files(tmp_path) == written


def files(folder):
    """When each file was written to, below a folder."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("url", ["clickhouse://", "http://ann:secret@db/x"])
def test_a_url_that_cant_be_read_is_refused_without_its_secret(url):
    """The message has an example instead."""
    with pytest.raises(RefusedError) as caught:
        ServerHost(Source(name="w", engine="clickhouse", url=url))
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_server_that_hangs_is_waited_for_as_long_as_its_limit_says(server):
    """It greeted, and has the question."""
    source = replace(SOURCE, limits=Limits(timeout=parse_duration("1s")))
    given_up = Event()
    proxy = Proxy(urlsplit(clickhouse_url()).port, b"people", before=given_up.wait)
    with standing(proxy):
        hanging = ClickHouseEngine(source, ServerHost(source, proxy.through(in_clickhouse())))
        with pytest.raises(SourceUnavailableError, match="warehouse: no answer") as caught:
            asked(hanging, PEOPLE.c.id)
        given_up.set()
        hanging.close()
    assert proxy.asked.is_set()
    assert not isinstance(caught.value, SourceSilentError)
    assert "limits.timeout" in (caught.value.hint or "")


def test_a_server_that_does_not_greet_is_silent():
    """So that a refresh waits for it once."""
    source = replace(SOURCE, limits=Limits(timeout=parse_duration("1s")))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"clickhouse://ann:secret@127.0.0.1:{listening.getsockname()[1]}/shop"
        engine = ClickHouseEngine(source, ServerHost(source, url))
        with pytest.raises(SourceSilentError, match="warehouse: no answer within") as caught:
            engine.columns("people")
    engine.close()
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told(tmp_path):
    """With a hint, and without the password."""
    url = "clickhouse://ann:secret@127.0.0.1:1/shop"
    source = Source(name="w", engine="clickhouse", url=url)
    engine = open_engine(source, tmp_path)
    with pytest.raises(SourceUnavailableError, match="can't be reached") as caught:
        engine.columns("people")
    engine.close()
    assert "secret" not in str(caught.value)
