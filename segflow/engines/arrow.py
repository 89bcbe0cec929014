"""Keys as Arrow gives them, made into sets without a detour through Python's numbers."""

from array import array
from collections.abc import Iterator
from struct import pack

import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap, BitMap64

from segflow.engines.connected import NEGATIVE, NO_TEXTS
from segflow.errors import UnusableDataError
from segflow.model.keys import KeyType
from segflow.ports import MASK_BITS, Keys

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
    narrowed = _narrowed(keys)
    return tuple(key_set(pc.filter(narrowed, inside)) for inside in _bits(found, count))


def _narrowed(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ordinals in 32 bits where all fit, of which _bitmap() makes a set in a third of the time."""
    if pa.types.is_string(keys.type) or (pc.max(keys).as_py() or 0) >= _NARROW:
        return keys
    return keys.cast(pa.uint32())


def _bitmap(keys: pa.ChunkedArray) -> BitMap64:
    is_narrow = keys.type == pa.uint32()
    content = array("I" if is_narrow else "Q")
    for chunk in keys.chunks:
        buffer = memoryview(chunk.buffers()[1] or b"")
        start = chunk.offset * content.itemsize
        content.frombytes(buffer[start : start + len(chunk) * content.itemsize])
    if not is_narrow:
        return BitMap64(content)
    # A 64-bit set is, in its portable form, a number of 32-bit sets, each after its upper half.
    return BitMap64.deserialize(pack("<QI", 1, 0) + BitMap(content).serialize())


def _bits(found: pa.Table, count: int) -> Iterator[pa.ChunkedArray]:
    """For each segment in turn whether each row belongs to it. Of a mask eight bits are cut out
    once, as tests of bytes take a fifth of the time."""
    octet = found.column(0)
    for number in range(count):
        mask, bit = divmod(number, MASK_BITS)
        if bit % 8 == 0:
            octet = pc.shift_right(found.column(1 + mask), bit).cast(pa.uint8(), safe=False)
        wanted = pa.scalar(1 << bit % 8, pa.uint8())
        yield pc.equal(pc.bit_wise_and(octet, wanted), wanted)
