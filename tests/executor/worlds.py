"""Ports in memory for the executor: a state database, a snapshot store, and a clock that is set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

from segflow.executor.effects import Effects, Engines, Sources, no_failpoint
from segflow.model.catalog import Source
from segflow.model.codec import digest
from segflow.model.instant import Instant
from segflow.ports import Chance, Engine, Keys, Reached, Selection, Volume
from segflow.store.ledger import SqlLedger
from segflow.store.state import SqlStateStore


@dataclass(slots=True)
class SetClock:
    """A clock that tests move."""

    instant: int = 1_000_000

    def now(self) -> int:
        """The instant that was set."""
        return self.instant

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.instant / 1000


def foreseen(first: int = 0) -> Chance:
    """A chance that tests can foresee: it draws the same bytes in the same order each time."""
    numbers = count(first)
    return lambda many: bytes(sha256(b"%d" % next(numbers)).digest()[0] for _ in range(many))


@dataclass(slots=True)
class MemorySnapshots:
    """Bytes by their SHA-256, for as long as the test runs."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def put(self, content: bytes) -> str:
        """Keep the bytes."""
        name = digest(content)
        self.contents[name] = content
        return name

    write = put

    def sync(self) -> None:
        """Nothing outlives the test."""

    def get(self, name: str) -> bytes:
        """The bytes under a digest."""
        return self.contents[name]


@dataclass(slots=True)
class GivenEngine:
    """An engine whose members are given; it notes the sets that it is handed."""

    answer: Callable[[], Keys]
    handed: list[Mapping[str, Keys]] = field(default_factory=list)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """The given members."""
        self.handed.append(dict(sets))
        return self.answer()

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """The given members for each segment."""
        return tuple(self.members(selection, sets) for _ in range(count))

    def columns(self, table: str) -> Mapping[str, str] | None:
        """No table is known."""
        return None

    def rows(self, statement: Any) -> list[Mapping[str, Any]]:
        """No rows."""
        return []

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> list[Mapping[str, Any]]:
        """No rows."""
        return []

    def reached(self) -> Reached:
        """All that there is."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """Nothing ever arrived."""
        return None

    def read_so_far(self) -> Volume:
        """Nothing is counted."""
        return Volume()

    def render(self, statement: Any) -> str:
        """SQLAlchemy's own words."""
        return str(statement)

    def close(self) -> None:
        """Nothing was opened."""


def asking(engines: Engines) -> Sources:
    """Sources with these engines, of which nothing was measured."""
    return Sources(engines=engines, clock=SetClock())


def effects(engine: Engine | None = None, owner: str = "tester") -> Effects:
    """A world of one's own, with a state that was made and holds nothing."""
    state = SqlStateStore("sqlite://")
    state.create("lineage", "shop")

    def engines(source: Source) -> Engine:
        assert engine is not None, f"{source.name} is asked"
        return engine

    return Effects(
        state=state,
        ledger=SqlLedger(state.database),
        snapshots=MemorySnapshots(),
        engines=engines,
        clock=SetClock(),
        chance=foreseen(),
        failpoint=no_failpoint,
        owner=owner,
    )
