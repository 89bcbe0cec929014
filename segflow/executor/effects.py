"""The ports that the executor acts through, in one value."""

from collections.abc import Callable
from dataclasses import dataclass

from segflow.model.catalog import Source
from segflow.model.cost import ScanCost
from segflow.ports import Chance, Clock, Engine, Failpoint, Ledger, SnapshotStore, StateStore

Engines = Callable[[Source], Engine]
"""Gives the engine of a source; the same source always gives the same open engine."""

ReadFile = Callable[[str], bytes]
"""Reads a file by its path in the project; raises RefusedError when it can't."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Sources that are to be asked: their engines, the clock by which it is measured how long they
    take, and what was measured before, by which it is chosen between them."""

    engines: Engines
    clock: Clock
    costs: tuple[ScanCost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """All that a writer of the state touches outside. `owner` names this process in leases."""

    state: StateStore
    ledger: Ledger
    snapshots: SnapshotStore
    engines: Engines
    clock: Clock
    chance: Chance
    failpoint: Failpoint
    owner: str

    def sources(self, costs: tuple[ScanCost, ...]) -> Sources:
        """The sources, as it is chosen between them by these costs."""
        return Sources(engines=self.engines, clock=self.clock, costs=costs)


def no_progress(what: str, done: int, total: int) -> None:
    """A Progress that shows nothing."""


def no_failpoint(name: str) -> None:
    """A Failpoint that never ends the process."""
