"""Holding a lease: acquired for a purpose, kept alive by a heartbeat, given back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from segflow.errors import LeaseLostError, RetryableError
from segflow.executor.effects import Effects
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.state import Lease, LeaseName

TTL = Duration(count=30, unit="s")
"""How long a lease outlives a holder that was killed."""


class Hold:
    """A lease in our hands. Every write asks for `lease`, so that a lost one stops all work."""

    def __init__(self, effects: Effects, lease: Lease, ttl: Duration) -> None:
        self._effects = effects
        self._lease = lease
        self._ttl = ttl
        self._lost: LeaseLostError | None = None

    @property
    def lease(self) -> Lease:
        """The lease as last renewed. Raises LeaseLostError once somebody else has taken it."""
        self.check()
        return self._lease

    def check(self) -> None:
        """Raises LeaseLostError once somebody else has taken the lease."""
        if self._lost is not None:
            raise self._lost

    def beat(self) -> bool:
        """Renew once; False when the lease is lost for good. A state that can't be reached now is
        tried again at the next beat: until then the store itself refuses what is too old."""
        try:
            now = Instant(self._effects.clock.now())
            self._lease = self._effects.state.renew(self._lease, now, self._ttl)
        except LeaseLostError as error:
            self._lost = error
            return False
        except RetryableError:
            return True
        return True


@contextmanager
def holding(
    effects: Effects, purpose: str, name: LeaseName = "state", ttl: Duration = TTL
) -> Iterator[Hold]:
    """Hold the lease of that name while the block runs; a thread renews it every third of `ttl`.

    Raises LockedError when somebody else holds it.
    """
    effects.failpoint(f"{purpose}.lease.before.acquire")
    now = Instant(effects.clock.now())
    hold = Hold(effects, effects.state.acquire(effects.owner, purpose, now, ttl, name), ttl)
    effects.failpoint(f"{purpose}.lease.after.acquire")
    stop = threading.Event()
    heart = threading.Thread(target=_keep_alive, args=(hold, stop, ttl), daemon=True)
    heart.start()
    try:
        yield hold
    finally:
        stop.set()
        heart.join()
        _release(effects, hold)


def _keep_alive(hold: Hold, stop: threading.Event, ttl: Duration) -> None:
    while not stop.wait((ttl.milliseconds or 0) / 3000):
        if not hold.beat():
            return


def _release(effects: Effects, hold: Hold) -> None:
    """Give the lease back. Where that fails it runs out by itself, and the block's own result or
    error is what matters."""
    try:
        effects.state.release(hold.lease)
    except (LeaseLostError, RetryableError):
        return
