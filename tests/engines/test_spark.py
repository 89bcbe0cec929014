"""What is Spark's own: settings, Java, the files that it may read, and what it does otherwise."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark import SparkContext
from sqlalchemy import (
    Numeric,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    union_all,
)

from segflow.app.wiring import open_engine
from segflow.compiler.dialects import dialect_of
from segflow.errors import (
    RefusedError,
    SourceUnavailableError,
    TooLargeError,
    UnusableDataError,
)
from segflow.model.catalog import Limits, Source
from segflow.model.duration import parse_duration
from segflow.model.types import TIMESTAMP, decimal_type, parse_type
from tests.agreement.spark import MASTER, spark_engine

DIALECT = dialect_of("spark")
PEOPLE = table("people", *map(column, ("id", "seen", "paid", "tags", "doc")))


def source(**given):
    return Source(name="lake", engine="spark", url=MASTER, **given)


@pytest.fixture
def engine(tmp_path):
    people = pa.table(
        {
            "id": [1, 2, 3],
            "seen": pa.array([-1, -1_000_000, 1], pa.timestamp("ns", tz="UTC")),
            "paid": [0.29, 1.005, 2.5],
            "tags": pa.array([["a"], [], ["b", None, "a"]], pa.list_(pa.string())),
            "doc": ['{"x": 161304845894623140.5}', '{"x": 1} 2', '{"x": 1, "x": 2}'],
        }
    )
    pq.write_table(people, tmp_path / "people[1].parquet")
    opened = spark_engine(source(tables=(("people", "people[1].parquet"),)), tmp_path)
    yield opened
    opened.close()


def asked(engine, *expressions):
    """The values that expressions have, by the key of people."""
    named = (one.label(f"found_{number}") for number, one in enumerate(expressions))
    rows = engine.rows(select(*named).select_from(PEOPLE).order_by(PEOPLE.c.id))
    found = [tuple(row.values()) for row in rows]
    return found if len(expressions) > 1 else [value for (value,) in found]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM text.`/etc/hostname`",
        "SELECT reflect('java.lang.System', 'getProperty', 'user.name')",
        "SELECT java_method('java.lang.System', 'getProperty', 'user.name')",
        "SELECT try_reflect('java.lang.System', 'getProperty', 'user.name')",
        "INSERT INTO people VALUES (4)",
        "DROP VIEW people",
        "SET spark.sql.ansi.enabled = false",
    ],
)
def test_a_query_reads_the_tables_of_its_source_alone(engine, query):
    """Neither files nor Java nor settings are within reach, whoever wrote the query."""
    with pytest.raises(UnusableDataError):
        engine.rows(select(text("*")).select_from(text(f"({query}) AS query")))
    assert asked(engine, PEOPLE.c.id) == [1, 2, 3]


def test_decimals_compare_with_all_their_digits(engine):
    """By itself Spark compares 38 digits after rounding to the fewer places of both."""
    one, other = cast(literal("1.12"), Numeric(38, 2)), cast(literal("1.1234"), Numeric(38, 4))
    assert asked(engine, *(one == other, one < other))[0] == (False, True)


def test_a_product_beyond_its_digits_is_an_error(engine):
    """It is neither rounded nor missing."""
    wide, fine = DIALECT.number(Decimal(10**37)), DIALECT.number(Decimal(10) ** -30)
    for factor in (wide, fine):
        with pytest.raises(UnusableDataError):
            asked(engine, DIALECT.product(DIALECT.widened(factor, _scale(factor)), factor))


def _scale(number):
    return number.type.scale


def test_nanoseconds_are_floored(engine):
    """A nanosecond before 1970 is in the millisecond before."""
    seen = DIALECT.stored(PEOPLE.c.seen, TIMESTAMP)
    assert asked(engine, DIALECT.milliseconds(seen)) == [-1, -1, 0]
    before = datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)
    assert asked(engine, DIALECT.floored(seen))[:2] == [before, before]


def test_a_number_is_no_instant(engine):
    """A cast would take it for seconds."""
    with pytest.raises(UnusableDataError) as caught:
        asked(engine, DIALECT.stored(PEOPLE.c.id, TIMESTAMP))
    assert caught.value.hint


def test_a_double_is_the_nearest_decimal(engine):
    """As in other engines."""
    found = asked(engine, DIALECT.stored(PEOPLE.c.paid, decimal_type(18, 2)))
    assert found == [Decimal("0.29"), Decimal("1.01"), Decimal("2.50")]


def test_a_list_is_without_what_is_missing(engine):
    """An empty one is missing."""
    tags = DIALECT.stored(PEOPLE.c.tags, parse_type("list<string>"))
    assert asked(engine, tags) == [["a"], None, ["b", "a"]]


def test_json_is_read_to_its_end(engine):
    """What follows a document makes it none; of members with one name the last counts; of a double
    the fewest digits do, of which Java 17 writes one more here."""
    number = DIALECT.json_value(DIALECT.json(PEOPLE.c.doc, ["x"]), decimal_type(38, 0))
    assert asked(engine, number) == [Decimal("161304845894623140"), None, Decimal(2)]


@pytest.mark.parametrize("value", ["", "\\N", "\\", "a\tb\nc\r\0", "it's", "{p1}", ":p1", "é😀"])
def test_parameters_are_what_was_given(engine, value):
    """By themselves and in a list of any length, whatever the text means in Spark's notation."""
    many = [value, *map(str, range(100))]
    found = literal(value)
    asked_for = (
        found,
        found.in_([value, "other"]),
        DIALECT.one_of(found, many, parse_type("string")),
    )
    assert asked(engine, *asked_for) == [(value, True, True)] * 3


def test_a_union_may_have_a_column_twice(engine):
    """Two names of one column are two columns, also where the other part has two."""
    once = select(PEOPLE.c.id.label("one"), (PEOPLE.c.id + 1).label("other"))
    twice = select(PEOPLE.c.id.label("one"), PEOPLE.c.id.label("other"))
    both = union_all(once, twice).subquery()
    found = engine.rows(select(func.sum(both.c.other - both.c.one).label("apart")))
    assert found == [{"apart": 3}]


def test_a_changed_file_is_read_anew(engine, tmp_path):
    """A file that was written in the place of another has other rows."""
    assert asked(engine, PEOPLE.c.id) == [1, 2, 3]
    pq.write_table(pa.table({"id": [7]}), tmp_path / "people[1].parquet")
    assert asked(engine, PEOPLE.c.id) == [7]


def test_a_process_has_one_spark(engine, tmp_path):
    """Another master is refused with what to do, while the first goes on."""
    other = spark_engine(Source(name="other", engine="spark", url="local[2]"), tmp_path)
    with pytest.raises(SourceUnavailableError, match="source other") as caught:
        other.rows(select(literal(1).label("one")))
    assert caught.value.hint
    assert asked(engine, PEOPLE.c.id) == [1, 2, 3]


@pytest.mark.parametrize("url", ["http://ann:secret@host", "", "local[secret]"])
def test_a_url_that_names_no_spark_is_refused_without_its_secret(url, tmp_path):
    """The message has an example instead."""
    with pytest.raises(RefusedError) as caught:
        open_engine(Source(name="lake", engine="spark", url=url), tmp_path)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_file_that_is_not_there_is_told(tmp_path):
    """Before Spark is started."""
    with pytest.raises(SourceUnavailableError, match="lake.*no file"):
        open_engine(source(tables=(("people", "people.parquet"),)), tmp_path)


def test_where_memory_does_not_suffice_less_is_to_be_asked(engine):
    """Whatever part of Spark says so."""
    told = literal_column("raise_error('Could not allocate memory to grow BytesToBytesMap.')")
    with pytest.raises(TooLargeError):
        engine.rows(select(told.label("found")))


def test_a_query_has_its_time(tmp_path):
    """`limits.timeout` ends it and its jobs, the message says so, and the next one is answered."""
    engine = spark_engine(source(limits=Limits(timeout=parse_duration("2s"))), tmp_path)
    endless = text(f"(SELECT sum(id % 7) AS n FROM range({10**15})) AS endless")
    with pytest.raises(SourceUnavailableError, match="lake.*2 seconds") as caught:
        engine.rows(select(literal_column("n")).select_from(endless))
    assert "limits.timeout" in (caught.value.hint or "")
    assert SparkContext.getOrCreate().statusTracker().getActiveJobsIds() == []
    assert engine.rows(select(literal(1).label("one"))) == [{"one": 1}]
    engine.close()


SCRIPT = """
import sys
import threading
from pathlib import Path
from sqlalchemy import literal_column, select, text
from pyspark import SparkContext
from segflow.engines.spark import SparkEngine
from segflow.errors import SourceUnavailableError
from segflow.model.catalog import Limits, Source
from segflow.model.duration import parse_duration
engine = SparkEngine(Source(name="lake", engine="spark", url=sys.argv[1]), Path("."))
def ask(what, count):
    of = text(f"(SELECT {what} AS n FROM range({count})) AS endless")
    return engine.rows(select(literal_column("n")).select_from(of))
try:
    ask("count(*)", 1)
except SourceUnavailableError as error:
    sys.exit(f"{error.message}. {error.hint}")
def tell():
    while not SparkContext._active_spark_context.statusTracker().getActiveJobsIds():
        pass
    print(SparkContext._gateway.proc.pid, flush=True)
try:
    threading.Thread(target=tell).start()
    ask("sum(id % 7)", 10**15)
except KeyboardInterrupt:
    print("heard", flush=True)
print(ask("count(*)", 5), flush=True)
engine.close()
print("closed", flush=True)
sys.stdin.read()
"""


@pytest.mark.timeout(300)
def test_ctrl_c_ends_a_query_and_the_last_close_ends_java():
    """A person who gives up need not wait for the answer; what was started does not stay."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, MASTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as asking:
        assert asking.stdout is not None
        java = Path("/proc") / asking.stdout.readline().strip()
        assert java.exists()
        asking.send_signal(signal.SIGINT)
        assert asking.stdout.readline() == "heard\n"
        assert asking.stdout.readline() == "[{'n': 5}]\n"
        assert asking.stdout.readline() == "closed\n"
        assert not java.exists()
        asking.communicate()


@pytest.mark.parametrize("home", [None, "/nowhere"])
def test_without_java_it_is_told_what_to_install(home, tmp_path):
    """No traceback, and nothing is started."""
    given = {"PATH": str(tmp_path)} | ({} if home is None else {"JAVA_HOME": home})
    told = refused(MASTER, given)
    assert told.startswith("source lake: there is no Java ")
    assert "apt-get install" in told


def test_a_master_that_nobody_answers_at_is_told():
    """At once: Spark itself would try for a minute."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        master = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        told = refused(master, dict(os.environ))
    assert told.startswith(f"source lake: nobody answers at {master}. ")


def test_why_spark_does_not_start_is_told():
    """In its own words, without where in its code that was."""
    settings = {name: value for name, value in os.environ.items() if "CONF_DIR" not in name}
    told = refused("yarn", settings)
    assert told.startswith("source lake: Spark does not start: ")
    assert "HADOOP_CONF_DIR" in told


def refused(master: str, settings: Mapping[str, str]) -> str:
    """What is told of a master that can't be asked, by a process with these settings."""
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, master],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    return found.stderr
