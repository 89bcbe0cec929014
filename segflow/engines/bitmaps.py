"""Ordinals in Arrow, made into bitmaps without a detour through Python's numbers.

Knows little else of segflow, so that it is quickly at hand wherever ordinals are.
"""

from array import array
from collections.abc import Iterator, Sequence
from struct import pack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyroaring import BitMap, BitMap64

from segflow.engines.buffers import numbers_of
from segflow.engines.roaring import Bits

Masks = NDArray[np.int64]

_NARROW = 2**32


def narrowed(ordinals: pa.ChunkedArray) -> pa.ChunkedArray:
    """Unsigned 64-bit ordinals, in 32 bits where all fit: of these bitmap() makes a set in a third
    of the time."""
    if (pc.max(ordinals).as_py() or 0) >= _NARROW:
        return ordinals
    return ordinals.cast(pa.uint32())


def bitmap(ordinals: pa.ChunkedArray) -> BitMap64:
    """The set of unsigned ordinals of 32 or 64 bits."""
    is_narrow = ordinals.type == pa.uint32()
    content = array("I" if is_narrow else "Q")
    content.frombytes(numbers_of(ordinals).view(np.uint8).data)
    if not is_narrow:
        return BitMap64(content)
    # A 64-bit set is, in its portable form, a number of 32-bit sets, each after its upper half.
    return BitMap64.deserialize(pack("<QI", 1, 0) + BitMap(content).serialize())


def masks_of(found: pa.Table) -> list[Masks]:
    """The columns of masks, behind that of the keys."""
    return [numbers_of(one) for one in found.columns[1:]]


def marked(masks: Sequence[Masks], count: int, bits: int) -> Iterator[Bits]:
    """For each segment in turn whether each row belongs to it, by the masks of so many bits each.
    Of a mask eight bits are cut out once, as tests of bytes take a fifth of the time."""
    for number in range(count):
        column, bit = divmod(number, bits)
        if bit == 0:
            mask = masks[column]
        if bit % 8 == 0:
            octet = (mask >> bit).astype(np.uint8)
        yield (octet & (1 << bit % 8)) != 0
