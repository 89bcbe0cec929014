"""Shops without an end, whose segments are about the cells that were met least so far."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import count

from tests.agreement.cells import Cell
from tests.agreement.choices import Pick, endless
from tests.strategies import Example, composed

SEGMENTS = 48
_AHEAD = 64
"""So many wishes are made before it is looked again what was met least."""


class Steering:
    """Wishes for the cells that were met least."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._met = Counter(dict.fromkeys(sorted(cells), 0))
        self._wishes: list[Cell] = []

    def wish(self, pick: Pick) -> Cell:
        """The next cell to draw a leaf around; chance has no part in it."""
        if not self._wishes:
            self._wishes = sorted(self._met, key=self._met.__getitem__)[:_AHEAD][::-1]
        return self._wishes.pop()

    def met(self, cells: Iterable[Cell]) -> None:
        """Something was drawn that is in the cells."""
        self._met.update(cell for cell in cells if cell in self._met)


def shops(seed: int, cells: Collection[Cell]) -> Iterator[Example]:
    """Always the same ones for a seed and cells."""
    steering = Steering(cells)
    for number in count():

        def part(name: str, number: int = number) -> Pick:
            return Pick(endless(f"{seed} {number} {name}".encode()))

        segments = [part(f"segment {one}") for one in range(SEGMENTS)]
        shop = composed(part("shop"), part("rows"), segments, steering.wish, depth=1)
        for name in shop.segments:
            steering.met(shop.cells(name))
        yield shop
