"""PostgreSQL: what it is asked stays a question, and what goes wrong is told in our words."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from pyroaring import BitMap64
from sqlalchemy import column, func, select, table, text

from segflow.app.secrets import MaskedEngine
from segflow.app.wiring import open_engine
from segflow.compiler.dialects import dialect_of
from segflow.compiler.targets.newest import select_newest
from segflow.compiler.timeline import LAST
from segflow.engines.postgres import PostgresEngine
from segflow.errors import RefusedError, SourceUnavailableError, UnusableDataError
from segflow.model.catalog import Limits, Source
from segflow.model.duration import parse_duration
from segflow.model.instant import parse_instant
from segflow.model.operator import TextMatch
from segflow.model.settings import SecretRef
from segflow.ports import Selection, Split
from tests.agreement.hosts import drop_schema, in_schema, postgres_schema
from tests.engines.people import KEYS, ONE, PEOPLE, all_closed, ends_by_ctrl_c, until
from tests.services import postgres_owner_url, postgres_replica_url, postgres_url

SCHEMA = f"segflow_postgres_{os.getpid()}"


def source(url: str, **more) -> Source:
    return Source(name="warehouse", engine="postgres", url=url, **more)


@pytest.fixture
def opened():
    """Opens engines, and closes them at the end."""

    def make(url=None, **more):
        return PostgresEngine(source(url or in_schema(SCHEMA), **more))

    with all_closed(make) as open_on:
        yield open_on


@pytest.fixture
def people():
    """A table of a thousand people in an empty schema."""
    with postgres_schema(SCHEMA) as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT n::bigint AS id, 'n' || n AS name"
            " FROM generate_series(0, 999) AS n"
        )
    yield
    drop_schema(SCHEMA)


def test_sessions_can_only_read(opened, people):
    """A statement that would write is refused by the server."""
    engine = opened()
    with engine._engine.connect() as connection, pytest.raises(Exception, match="read-only"):
        connection.execute(text("CREATE TABLE more (id int)"))
    with engine._engine.connect() as connection:
        assert connection.scalar(text("SHOW TimeZone")) == "UTC"
        assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"


def test_a_standby_can_be_asked(opened, people):
    """A hot standby, which has no temporary tables, takes sets of keys and of texts."""
    with psycopg.connect(postgres_url()) as connection:
        (written,) = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    with psycopg.connect(postgres_replica_url(), autocommit=True) as replica:
        (standby,) = replica.execute("SELECT pg_is_in_recovery()").fetchone()
        assert standby
        query = "SELECT pg_last_wal_replay_lsn() >= %s"
        until(lambda: replica.execute(query, [written]).fetchone()[0])
    engine = opened(in_schema(SCHEMA, postgres_replica_url()))
    assert engine.members(chosen(), {"segment.s": BitMap64([3, 12, 5_000])}) == BitMap64([12])


def chosen() -> Selection:
    """The users of a set whose names have two digits."""
    passing = table("passing", column("value"))
    inside = PEOPLE.c.id.in_(select(column("key")).select_from(table("segment.s")))
    matching = PEOPLE.c.name.in_(select(passing.c.value))
    return Selection(
        source="warehouse",
        statement=KEYS.where(inside, matching),
        sets=("segment.s",),
        splits=(
            Split(
                name="passing",
                values=select(PEOPLE.c.name.label("value")).distinct(),
                test=TextMatch(op="matches", text=r"^n\d\d$"),
            ),
        ),
    )


def test_what_re2_alone_can_say_is_tried_on_the_distinct_values(opened, people):
    """The set of texts that pass is made of the very values that the statement sees."""
    everyone = BitMap64(range(1_000))
    assert opened().members(chosen(), {"segment.s": everyone}) == BitMap64(range(10, 100))


def test_a_lost_connection_is_made_anew(opened, people):
    """A server that was started again between two questions is no error of the second one."""
    name = f"segflow_lost_{os.getpid()}"
    engine = opened(f"{postgres_url()}?application_name={name}")
    assert engine.rows(ONE) == [{"one": 1}]
    with psycopg.connect(postgres_url(), autocommit=True) as other:
        ended = other.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = %s",
            [name],
        ).fetchone()
        assert ended == (1,)
    assert engine.rows(ONE) == [{"one": 1}]


def test_a_query_is_cancelled_when_a_person_gives_up(tmp_path: Path):
    """Ctrl-C ends the query on the server, too, and the process as it does anywhere else."""
    name = f"segflow_waits_{os.getpid()}"
    script = tmp_path / "asks.py"
    script.write_text(
        "from sqlalchemy import func, select\n"
        "from segflow.engines.postgres import PostgresEngine\n"
        "from segflow.model.catalog import Source\n"
        f"url = {postgres_url() + '?application_name=' + name!r}\n"
        "engine = PostgresEngine(Source(name='warehouse', engine='postgres', url=url))\n"
        "engine.rows(select(func.pg_sleep(600)))\n"
    )
    with psycopg.connect(postgres_url(), autocommit=True) as watching:

        def active() -> int:
            (count,) = watching.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = %s AND state = 'active' AND query LIKE '%%sleep%%'",
                [name],
            ).fetchone()
            return count

        ends_by_ctrl_c(script, active)


def test_the_newest_instant_is_the_calendars(opened):
    """Infinity, which may stand in a column of times, is the last instant there is. An index on the
    column is read, and not the table."""
    with postgres_schema(SCHEMA) as connection:
        connection.execute(
            "CREATE TABLE loads AS SELECT timestamptz '2026-01-01' + n * interval '1 s' AS at"
            " FROM generate_series(0, 9999) AS n"
        )
        connection.execute("CREATE INDEX ON loads (at)")
    engine = opened()
    assert engine.newest("loads", "at") == parse_instant("2026-01-01T02:46:39Z")
    asked = engine.render(select_newest("loads", "at", dialect_of("postgres")))
    with psycopg.connect(in_schema(SCHEMA)) as connection:
        plan = connection.execute(f"EXPLAIN {asked}".encode()).fetchall()
    assert "Index" in str(plan)
    with psycopg.connect(in_schema(SCHEMA, postgres_owner_url())) as connection:
        connection.execute("INSERT INTO loads VALUES ('infinity')")
    assert engine.newest("loads", "at") == LAST
    drop_schema(SCHEMA)


def test_a_query_beyond_its_timeout_is_ended(opened):
    """The server ends it, and the message names the limit."""
    engine = opened(postgres_url(), limits=Limits(timeout=parse_duration("1s")))
    with engine._engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "1s"
    with pytest.raises(SourceUnavailableError, match="warehouse") as caught:
        engine.rows(select(func.pg_sleep(600)))
    assert "limits.timeout" in caught.value.hint


def test_a_server_that_is_not_there_may_be_tried_again(opened):
    """Nobody listens at the port: a source that is unavailable, in one line."""
    with pytest.raises(SourceUnavailableError, match="warehouse.*port 1 ") as caught:
        opened("postgresql://segflow@127.0.0.1:1/shop").rows(ONE)
    assert "\n" not in caught.value.message


def test_a_wrong_password_is_told_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The message says that the password failed; neither it nor the url is shown."""
    at = urlsplit(postgres_url())
    url = f"postgresql://{at.username}:hush-hush@{at.hostname}:{at.port}{at.path}"
    monkeypatch.setenv("WAREHOUSE_URL", url)
    engine = open_engine(source(SecretRef(name="WAREHOUSE_URL")), tmp_path)
    assert isinstance(engine, MaskedEngine)
    with pytest.raises(SourceUnavailableError, match="password authentication failed") as caught:
        engine.rows(ONE)
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("url", ["hush-hush", "postgresql://a:hush%zz@h/d", "mysql://hush/d"])
def test_a_url_that_is_none_is_refused_without_it(opened, url):
    """What is wrong with it is not shown, since that is a part of it."""
    with pytest.raises(RefusedError, match="warehouse.*the url") as caught:
        opened(url).rows(ONE)
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://{0.username}:{0.password}@{0.hostname}:{0.port}/{1}",
        "postgres://{0.username}:{0.password}@{0.hostname}:{0.port}/{1}",
        "host={0.hostname} port={0.port} dbname={1} user={0.username} password={0.password}",
    ],
)
def test_urls_are_written_in_several_ways(opened, url):
    """Those of SQLAlchemy and of libpq, and libpq's pairs."""
    at = urlsplit(postgres_url())
    assert opened(url.format(at, at.path[1:])).rows(ONE) == [{"one": 1}]


def test_what_may_not_be_read_is_told(opened, people):
    """A table of somebody else is a matter of rights, not of names."""
    hidden = select(column("rolpassword")).select_from(table("pg_authid"))
    with pytest.raises(UnusableDataError, match="permission denied") as caught:
        opened().rows(hidden)
    assert "SELECT" in caught.value.hint


def test_a_value_that_does_not_fit_is_told(opened, people):
    """A text that is no number, in a column that is read as one."""
    with pytest.raises(UnusableDataError, match="warehouse.*invalid input syntax") as caught:
        opened().rows(select(func.int8(PEOPLE.c.name).label("n")))
    assert "type" in caught.value.hint


def test_tables_are_found_in_the_search_path(opened, people):
    """Those of other schemas are not there."""
    engine = opened()
    assert engine.columns("people") == {"id": "bigint", "name": "text"}
    assert opened(postgres_url()).columns("people") is None
