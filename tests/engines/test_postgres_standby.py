"""How far a PostgreSQL standby says that its data go. Real ones, which are let fall behind."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from segflow.engines.postgres import PostgresEngine
from segflow.errors import SourceUnavailableError
from segflow.model.catalog import Source
from segflow.model.instant import instant_of
from segflow.ports import Reached
from tests.engines.people import until
from tests.replicas import Pair, pair

pytestmark = pytest.mark.timeout(300)  # servers are started, and copied

MESSAGE = "SELECT pg_logical_emit_message(false, 'segflow', 'no transaction')"
WHOLE = Reached(follows=True)


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    """One pair for all tests of this module; each leaves it as it found it."""
    with pair() as made:
        yield made


@pytest.fixture
def standby(servers: Pair) -> Iterator[Pair]:
    """A pair whose replica has caught up with a row that was written just now."""
    servers.write("CREATE TABLE IF NOT EXISTS rows (id int)", "INSERT INTO rows VALUES (1)")
    servers.catch_up()
    yield servers
    servers.start()
    servers.resume()


@pytest.fixture(params=["reader", "owner"])
def engine(request: pytest.FixtureRequest, standby: Pair) -> Iterator[PostgresEngine]:
    """The standby, asked by one who may only select, and by one who sees whether it streams."""
    source = Source(name="crm", engine="postgres", url=standby.replica_url(request.param))
    opened = PostgresEngine(source)
    yield opened
    opened.close()


def test_a_primary_has_all_that_there_is(standby: Pair):
    """It follows nobody."""
    engine = PostgresEngine(Source(name="crm", engine="postgres", url=standby.url()))
    assert engine.reached() == Reached()
    engine.close()


def test_a_standby_that_has_replayed_what_it_received(standby: Pair, engine: PostgresEngine):
    """However long ago that was written."""
    assert engine.reached() == WHOLE
    until(lambda: standby.age() > 1.5)
    assert engine.reached() == WHOLE


def test_a_standby_that_is_behind(standby: Pair, engine: PostgresEngine):
    """Its data go until its last transaction was committed, floored to the millisecond."""
    standby.pause()
    standby.write("INSERT INTO rows VALUES (2)")
    standby.wait_received()
    before = standby.age()
    found = engine.reached()
    assert found.follows
    assert found.until == instant_of(standby.replayed_until())
    assert 1_000 * before - 1 <= found.behind <= 1_000 * standby.age()
    standby.resume()
    assert engine.reached() == WHOLE


def test_what_is_no_transaction_makes_no_lag(standby: Pair, engine: PostgresEngine):
    """A checkpoint is received a moment before it is replayed, long after the last transaction: the
    standby is looked at again."""
    until(lambda: standby.age() > 1.5)
    standby.pause()
    with psycopg.connect(standby.url("owner"), autocommit=True) as owner:
        owner.execute(MESSAGE)
    standby.wait_received()
    assert engine.reached().behind > 1_000

    def resume(*given: Any) -> None:
        if "pg_sleep" in given[2]:
            standby.resume()

    event.listen(engine._engine, "before_cursor_execute", resume)
    assert engine.reached() == WHOLE


@pytest.mark.parametrize("engine", ["owner"], indirect=True)
def test_a_standby_that_nobody_sends_to(standby: Pair, engine: PostgresEngine):
    """What its server wrote since the connection broke it can't know. (A reader takes each attempt
    to connect for a connection.)"""
    standby.stop_primary()
    found = engine.reached()
    assert found.until == instant_of(standby.replayed_until())
    standby.start()
    until(lambda: engine.reached() == WHOLE)


def test_a_standby_that_can_not_tell_how_far_it_is_behind(standby: Pair, engine: PostgresEngine):
    """It was copied just now and has shown no transaction yet, while others wait to be shown."""
    standby.stop_replica()
    standby.forget_replica()
    standby.start()
    assert standby.replayed_until() is None
    assert engine.reached() == WHOLE
    standby.pause()
    standby.write("INSERT INTO rows VALUES (3)")
    standby.wait_received()
    with pytest.raises(SourceUnavailableError, match="source crm: .* can't tell how far"):
        engine.reached()
