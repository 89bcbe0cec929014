"""Keys as Arrow gives them, made into sets without a detour through Python's numbers."""

from array import array
from collections.abc import Iterator
from struct import pack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap, BitMap64

from segflow.engines.connected import NEGATIVE, NO_TEXTS
from segflow.engines.roaring import Bits, Universe, ascends
from segflow.errors import UnusableDataError
from segflow.model.keys import KeyType
from segflow.ports import MASK_BITS, Keys

# Ordinals below it are made into a set by a third of the time.
_NARROW = 2**32


def typed_keys(source: str, found: pa.ChunkedArray, type_: KeyType) -> pa.ChunkedArray:
    """The keys as texts, or as ordinals. Raises UnusableDataError for those that are of no such
    type, or negative."""
    if type_ == "string":
        if not pa.types.is_string(found.type):
            raise UnusableDataError(
                f"source {source}: keys are of type {found.type}, not texts", hint=NO_TEXTS
            )
        return found
    if not pa.types.is_integer(found.type):
        raise UnusableDataError(
            f"source {source}: keys are of type {found.type}, not integers",
            hint="the key of an entity is a column of 64-bit integers",
        )
    try:
        return found.cast(pa.uint64())
    except pa.ArrowInvalid as error:
        raise UnusableDataError(
            f"source {source}: a key is negative: {str(error).strip().partition(chr(10))[0]}",
            hint=NEGATIVE,
        ) from error


def key_set(keys: pa.ChunkedArray) -> Keys:
    """The set of the keys, which are as typed_keys() gives them."""
    return frozenset(keys.to_pylist()) if pa.types.is_string(keys.type) else _bitmap(keys)


def key_sets(keys: pa.ChunkedArray, found: pa.Table, count: int) -> tuple[Keys, ...]:
    """The sets of so many segments: Engine.memberships() says which columns of masks stand in the
    table behind that of the keys."""
    if keys.type == pa.uint64() and ascends(ordinals := keys.to_numpy()):
        universe = Universe(ordinals)
        if universe.is_dense:
            return tuple(map(universe.bitmap, _bits(found, count)))
    return tuple(key_set(pc.filter(keys, pa.array(inside))) for inside in _bits(found, count))


def _bitmap(keys: pa.ChunkedArray) -> BitMap64:
    is_narrow = (pc.max(keys).as_py() or 0) < _NARROW
    content = array("I" if is_narrow else "Q")
    for chunk in keys.cast(pa.uint32()).chunks if is_narrow else keys.chunks:
        buffer = memoryview(chunk.buffers()[1] or b"")
        start = chunk.offset * content.itemsize
        content.frombytes(buffer[start : start + len(chunk) * content.itemsize])
    if not is_narrow:
        return BitMap64(content)
    # A 64-bit set is, in its portable form, a number of 32-bit sets, each after its upper half.
    return BitMap64.deserialize(pack("<QI", 1, 0) + BitMap(content).serialize())


def _bits(found: pa.Table, count: int) -> Iterator[Bits]:
    """For each segment in turn whether each row belongs to it. Of a mask eight bits are cut out
    once, as tests of bytes take a fifth of the time."""
    for number in range(count):
        column, bit = divmod(number, MASK_BITS)
        if bit == 0:
            mask = found.column(1 + column).to_numpy()
        if bit % 8 == 0:
            octet = (mask >> bit).astype(np.uint8)
        yield (octet & (1 << bit % 8)) != 0
