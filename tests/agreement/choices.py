"""Choices read from a string of bytes, so that a whole shop is one draw.

Hypothesis draws the bytes. It makes thousands of small draws slowly and likes to repeat them, which
gives few different shops; bytes come fast, all differ, and shrink to zero, the simplest choice.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import shake_256
from itertools import count
from typing import TypeVar

T = TypeVar("T")
_BLOCK = 4_096


class Pick:
    """Choices of one example. What is first in a pool is what a failing example shrinks to."""

    def __init__(self, entropy: Iterable[int]) -> None:
        self._entropy = iter(entropy)

    def below(self, count: int) -> int:
        """0 to count - 1; 0 when the bytes have run out. Of more than 256, two bytes choose."""
        chosen = next(self._entropy, 0)
        if count > 256:
            chosen = 256 * chosen + next(self._entropy, 0)
        return chosen % count

    def one(self, pool: Sequence[T]) -> T:
        """One of the pool."""
        return pool[self.below(len(pool))]

    def chance(self, of: int) -> bool:
        """True once in `of` times; False is the simpler."""
        return self.below(of) == of - 1

    def some(self, pool: Sequence[T], most: int) -> list[T]:
        """One to `most` of the pool, repeats allowed."""
        return [self.one(pool) for _ in range(1 + self.below(most))]

    def part(self, pool: Sequence[T], count: int) -> list[T]:
        """About so many different ones of the pool, in its order."""
        chosen = {self.below(len(pool)) for _ in range(count)}
        return [pool[number] for number in sorted(chosen)]


def endless(seed: bytes) -> Iterator[int]:
    """Bytes without an end, always the same ones for a seed."""
    for number in count():
        yield from shake_256(b"%d %s" % (number, seed)).digest(_BLOCK)
