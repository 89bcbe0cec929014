"""Replicas: who is asked, decided before each question. Real ones: tests/app/test_replicas.py."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import literal, select

from segflow.engines.replicated import ReplicatedEngine
from segflow.errors import RefusedError, SourceSilentError, SourceUnavailableError
from segflow.model.catalog import Replica, Source
from segflow.model.duration import parse_duration
from segflow.model.instant import Instant
from segflow.ports import Keys, Reached, Selection, keys_of
from tests.executor.worlds import GivenEngine, SetClock

ASKED = Selection(source="crm", statement=select(literal(1).label("key")))
NOW = 1_000_000


def nobody() -> Keys:
    return keys_of("integer", ())


@dataclass(slots=True)
class Copy(GivenEngine):
    """A replica that is as far as it is told to be, or gone."""

    answer: Callable[[], Keys] = nobody
    state: Reached = field(default=Reached(follows=True))
    gone: bool = False
    silent: bool = False
    times: int = 0

    def reached(self) -> Reached:
        """What was told."""
        self.times += 1
        if self.silent:
            raise SourceSilentError("source crm (replica): no answer")
        if self.gone:
            raise SourceUnavailableError("source crm (replica): nobody answers")
        return self.state

    def lag(self, milliseconds: int) -> None:
        """Be so far behind."""
        until = Instant(NOW - milliseconds)
        self.state = Reached(until=until, behind=milliseconds, follows=True)


@dataclass(slots=True)
class Scene:
    """A source with a replica; `opened` counts how often its primary was."""

    engine: ReplicatedEngine
    replica: Copy
    primary: GivenEngine
    opened: list[int]

    def asks(self) -> str:
        """Whom a question goes to."""
        before = len(self.replica.handed), len(self.primary.handed)
        self.engine.members(ASKED, {})
        after = len(self.replica.handed), len(self.primary.handed)
        return {(1, 0): "replica", (0, 1): "primary"}[(after[0] - before[0], after[1] - before[1])]


def scene(fallback: str, max_lag: str | None = "5min") -> Scene:
    replica, primary, opened = Copy(), GivenEngine(nobody), []
    declared = Replica(url="other", max_lag=max_lag and parse_duration(max_lag), fallback=fallback)
    source = Source(name="crm", engine="postgres", url="one", replica=declared)

    def open_primary() -> GivenEngine:
        opened.append(1)
        return primary

    engine = ReplicatedEngine(source, replica, primary=open_primary, clock=SetClock(NOW))
    return Scene(engine, replica, primary, opened)


@pytest.mark.parametrize("lag", [0, 1, 300_000])
@pytest.mark.parametrize("fallback", ["refuse", "primary"])
def test_a_replica_that_is_near_enough_is_asked(fallback, lag):
    """The primary is not even opened."""
    shop = scene(fallback)
    shop.replica.lag(lag)
    assert shop.asks() == "replica"
    assert shop.engine.reached().until == NOW - lag
    shop.engine.close()
    assert shop.opened == []


def test_any_lag_is_near_enough_where_none_is_declared():
    """Without `max_lag` only a replica that is gone is not asked."""
    shop = scene("primary", max_lag=None)
    shop.replica.lag(10**9)
    assert shop.asks() == "replica"
    shop.replica.gone = True
    assert shop.asks() == "primary"


def test_beyond_max_lag_it_is_refused_with_the_lag():
    """Until it has caught up."""
    shop = scene("refuse")
    shop.replica.lag(300_001)
    with pytest.raises(SourceUnavailableError, match="source crm: .* 300.0 s behind.*5min"):
        shop.asks()
    shop.replica.lag(200_000)
    assert shop.asks() == "replica"
    assert shop.opened == []


def test_beyond_max_lag_the_primary_is_asked():
    """Each question anew; the primary is opened once."""
    shop = scene("primary")
    shop.replica.lag(300_001)
    assert [shop.asks(), shop.asks()] == ["primary", "primary"]
    shop.replica.lag(1_000)
    assert shop.asks() == "replica"
    assert shop.opened == [1]


def test_a_replica_that_is_gone():
    """Refused in the words of who could not reach it, or the primary is asked."""
    shop = scene("refuse")
    shop.replica.gone = True
    with pytest.raises(SourceUnavailableError, match="replica.: nobody answers"):
        shop.asks()
    shop = scene("primary")
    shop.replica.gone = True
    assert shop.asks() == "primary"


def test_a_replica_that_says_nothing_is_waited_for_once():
    """The next questions go where the first one went, without waiting."""
    shop = scene("primary")
    shop.replica.silent = True
    assert [shop.asks(), shop.asks()] == ["primary", "primary"]
    assert shop.engine.reached() == Reached()
    assert shop.replica.times == 1
    shop = scene("refuse")
    shop.replica.silent = True
    for _ in range(2):
        with pytest.raises(SourceSilentError):
            shop.asks()
    assert shop.replica.times == 1


@pytest.mark.parametrize("fallback", ["refuse", "primary"])
def test_a_replica_that_was_promoted(fallback):
    """Nobody is asked: either server may be the one that is written to."""
    shop = scene(fallback)
    shop.replica.state = Reached()
    with pytest.raises(RefusedError, match="source crm: its `replica` follows no other"):
        shop.asks()
    with pytest.raises(RefusedError):
        shop.engine.reached()
    assert shop.opened == []


def test_an_error_of_a_question_is_no_reason_to_ask_the_primary():
    """Whom to ask is decided before."""
    shop = scene("primary")

    def breaks() -> Keys:
        raise SourceUnavailableError("it took too long")

    shop.replica.answer = breaks
    with pytest.raises(SourceUnavailableError, match="too long"):
        shop.engine.members(ASKED, {})
    assert shop.opened == []


def test_what_the_primary_has_told_is_not_read_of_a_replica_that_has_not_come_to_it():
    """It told how far its data go, so the questions that follow go to it, until the replica has
    come to that instant."""
    shop = scene("primary")
    shop.replica.lag(300_001)
    assert shop.engine.reached() == Reached()
    shop.replica.lag(299_000)
    assert shop.asks() == "primary"
    assert shop.engine.reached() == Reached()
    shop.replica.state = Reached(follows=True)
    assert shop.asks() == "replica"


def test_nor_is_a_replica_that_was_refused_when_it_was_asked_how_far_it_is():
    """Who asked went on without its answer."""
    shop = scene("refuse")
    shop.replica.gone = True
    with pytest.raises(SourceUnavailableError):
        shop.engine.reached()
    shop.replica.gone = False
    shop.replica.lag(1_000)
    with pytest.raises(SourceUnavailableError, match="1.0 s behind"):
        shop.asks()
    shop.replica.lag(0)
    assert shop.asks() == "replica"
