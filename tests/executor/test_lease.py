"""The lease while work goes on: renewed, given back, lost."""

import threading
from dataclasses import replace

import pytest

from segflow.errors import LeaseLostError, LockedError, StateUnavailableError
from segflow.executor.lease import TTL, Hold, holding
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.state import Lease
from segflow.store.state import SqlStateStore
from tests.executor.worlds import SetClock, effects


class Beats:
    """A state that tells when it was renewed, and fails when it is told to."""

    def __init__(self, state: SqlStateStore, error: Exception | None = None) -> None:
        self._state = state
        self._error = error
        self.renewed = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._state, name)

    def renew(self, lease: Lease, now: Instant, ttl: Duration) -> Lease:
        """Renew, or fail."""
        self.renewed.set()
        if self._error is not None:
            raise self._error
        return self._state.renew(lease, now, ttl)


def test_lease_is_held_inside_and_free_afterwards():
    """Inside the block nobody else gets the lease; behind it anybody does."""
    world = effects()
    with (
        holding(world, "apply"),
        pytest.raises(LockedError, match="tester"),
        holding(world, "refresh"),
    ):
        pass
    with holding(world, "refresh") as hold:
        assert hold.lease.purpose == "refresh"


def test_lease_is_given_back_after_an_error():
    """An error inside the block does not keep the next one out."""
    world = effects()
    with pytest.raises(ZeroDivisionError), holding(world, "apply"):
        raise ZeroDivisionError
    assert world.state.lease() is None


def test_heartbeat_prolongs_the_lease():
    """A beat moves the end of the lease, so that work may last longer than one lease."""
    world = effects()
    with holding(world, "apply") as hold:
        first = hold.lease
        world.clock.instant += 20_000
        assert hold.beat()
        assert hold.lease.expires_at == first.expires_at + 20_000
        assert world.state.lease() == hold.lease


def test_thread_beats_by_itself():
    """While the block runs a thread renews the lease; nobody has to ask for it."""
    world = effects()
    beats = Beats(world.state)
    with holding(replace(world, state=beats), "apply", ttl=Duration(count=0, unit="s")):
        assert beats.renewed.wait(10)


def test_lost_lease_stops_the_next_write():
    """Once somebody else has the lease, asking for it raises, so that nothing more is written."""
    world = effects()
    with holding(world, "apply") as hold:
        world.state.break_lease()
        with holding(replace(world, owner="other"), "apply"):
            assert not hold.beat()
            with pytest.raises(LeaseLostError):
                hold.check()
            with pytest.raises(LeaseLostError):
                _ = hold.lease


def test_missed_beat_is_no_loss():
    """A state that can't be reached for a moment is tried again at the next beat."""
    world = effects()
    lease = world.state.acquire("tester", "apply", Instant(world.clock.now()), TTL)
    hold = Hold(replace(world, state=Beats(world.state, StateUnavailableError("busy"))), lease, TTL)
    assert hold.beat()
    assert hold.lease == lease


def test_expired_lease_of_a_dead_holder_is_taken():
    """A holder that never beats again is replaced when its lease has run out."""
    world = effects()
    world.state.acquire("dead", "apply", Instant(world.clock.now()), TTL)
    later = SetClock(world.clock.now() + (TTL.milliseconds or 0))
    with holding(replace(world, clock=later), "apply") as hold:
        assert hold.lease.owner == "tester"
