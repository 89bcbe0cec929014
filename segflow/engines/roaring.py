"""Many sets of the same ordinals, each told by a bit per ordinal, as roaring bitmaps.

They are written in the portable format of https://github.com/RoaringBitmap/RoaringFormatSpec, a
container of 2^16 ordinals after the other, which takes a tenth of the time of making each set of
its members.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from struct import pack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap64

Ordinals = NDArray[np.uint64]
Bits = NDArray[np.bool_]

_LOW = 16
_SPAN = 1 << _LOW
# The first number of a bitmap in which no container is of runs.
_COOKIE = 12346
# A container of more is a field of bits, and one of fewer a list of numbers.
_MOST_LISTED = 4096
# With fewer ordinals in a container, what is done for each of these takes longer than it spares.
_DENSE = 64

_Container = tuple[int, int, bytes]
"""The ordinals' upper bits, how many there are, and the content."""


class Universe:
    """Ordinals, ascending and each once, of which sets are made."""

    def __init__(self, ordinals: Ordinals) -> None:
        self._low = (ordinals & np.uint64(_SPAN - 1)).astype(np.uint16)
        high = ordinals >> np.uint64(_LOW)
        cuts = (np.flatnonzero(np.diff(high)) + 1).tolist()
        ends = [*cuts, len(ordinals)] if len(ordinals) else []
        self._parts = [
            (int(high[start]), slice(start, end))
            for start, end in zip([0, *cuts], ends, strict=False)
        ]

    @property
    def is_dense(self) -> bool:
        """Whether the ordinals lie so near each other that bitmap() is fast."""
        return len(self._low) >= _DENSE * len(self._parts)

    def bitmap(self, inside: Bits) -> BitMap64:
        """The set of the ordinals at the places that are true."""
        maps = [
            pack("<I", upper) + _portable(list(containers))
            for upper, containers in groupby(self._containers(inside), key=_upper)
        ]
        return BitMap64.deserialize(pack("<Q", len(maps)) + b"".join(maps))

    def _containers(self, inside: Bits) -> Iterator[_Container]:
        for high, part in self._parts:
            chosen = inside[part]
            size = int(np.count_nonzero(chosen))
            if size > _MOST_LISTED:
                yield high, size, self._field(part, chosen)
            elif size:
                yield high, size, self._low[part][chosen].astype("<u2", copy=False).tobytes()

    def _field(self, part: slice, chosen: Bits) -> bytes:
        """A container of a bit for each ordinal that there could be."""
        field = chosen
        if len(chosen) < _SPAN:
            field = np.zeros(_SPAN, np.bool_)
            field[self._low[part]] = chosen
        return np.packbits(field, bitorder="little").tobytes()


def _upper(container: _Container) -> int:
    return container[0] >> _LOW


def _portable(containers: Sequence[_Container]) -> bytes:
    """The containers as one bitmap of 32-bit numbers: of each its upper bits and how many numbers
    it has, then where it begins, then all contents."""
    of_each = 8  # bytes of what is told of a container
    begins = np.cumsum([8 + of_each * len(containers), *map(len, map(itemgetter(2), containers))])
    told = [number for high, size, _ in containers for number in (high % _SPAN, size - 1)]
    return b"".join(
        (
            pack("<II", _COOKIE, len(containers)),
            np.array(told, "<u2").tobytes(),
            begins[:-1].astype("<u4").tobytes(),
            *(content for _, _, content in containers),
        )
    )


def ascends(ordinals: NDArray[np.integer[Any]]) -> bool:
    """Whether each is greater than the one before it."""
    return bool(np.all(ordinals[1:] > ordinals[:-1]))
