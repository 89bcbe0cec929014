"""Chance that is the same each time, on every machine."""

from collections.abc import Sequence
from hashlib import md5
from itertools import count
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws that follow from a seed alone: each is the hash of the seed and its own number."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._draws = count()

    def below(self, end: int) -> int:
        """0 to end - 1."""
        drawn = md5(f"{self._seed} {next(self._draws)}".encode(), usedforsecurity=False)
        return int.from_bytes(drawn.digest()[:8], "big") % end

    def between(self, low: int, high: int) -> int:
        """low to high, both included."""
        return low + self.below(high - low + 1)

    def happens(self, percent: int) -> bool:
        """True so many times in a hundred."""
        return self.below(100) < percent

    def choice(self, pool: Sequence[T]) -> T:
        """One of the pool."""
        return pool[self.below(len(pool))]

    def sample(self, pool: Sequence[T], number: int) -> list[T]:
        """So many different ones of the pool."""
        left = list(pool)
        return [left.pop(self.below(len(left))) for _ in range(number)]
