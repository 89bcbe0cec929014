"""What a run of the agreement counts: results by kind, and how often each cell was judged."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.agreement.cells import Cell
from tests.agreement.sides import Pair

TELLING = 0.6
"""The least share of results that tell some users from others."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one engine: how many results were nobody, everybody or some, and the hits of cells."""

    results: Counter[str] = field(default_factory=Counter)
    hits: Counter[Cell] = field(default_factory=Counter)

    def count(self, pair: Pair, cells: Iterable[Cell]) -> None:
        """Count a pair whose segment is in the cells."""
        inside = len(pair.by_reference)
        kind = "nobody" if not inside else "everybody" if inside == pair.everyone else "some"
        self.results[kind] += 1
        self.hits.update(cells)

    def add(self, other: "Tally") -> None:
        """Count what another one has counted."""
        self.results.update(other.results)
        self.hits.update(other.hits)

    @property
    def pairs(self) -> int:
        """How many pairs were judged."""
        return self.results.total()

    @property
    def telling(self) -> float:
        """The share of results that are neither nobody nor everybody."""
        return self.results["some"] / max(self.pairs, 1)

    def below(self, least: int, cells: Iterable[Cell]) -> list[Cell]:
        """Those of the cells that were judged less often."""
        return sorted(cell for cell in cells if self.hits[cell] < least)
