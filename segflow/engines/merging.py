"""What several answers say of the same keys, put together by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segflow.engines.buffers import column_of, numbers_of
from segflow.engines.roaring import ascends

Places = NDArray[np.int64]
Bits = NDArray[np.int64]
Which = NDArray[np.bool_]

# Integers are put into arrays that have a place for each key between the first and the last, as
# long as these have no more places than so many times the keys.
_DENSE = 8
# So many rows are added at a time: what is made for it on the way stays in the processor's cache.
_BLOCK = 1 << 15


def merged(keys: pa.Table, parts: Sequence[pa.Table]) -> pa.Table:
    """The rows of `keys`, each of a key of its own, with all bits that the parts tell of it. All
    tables have the same columns: the key, and numbers of 64 bits. What a part tells of another key
    is left out; it may tell of one in several rows, and have its keys as other numbers than
    `keys`."""
    own = keys.column(0)
    if not len(own) or not (pa.types.is_integer(own.type) or pa.types.is_string(own.type)):
        return keys  # Nobody takes keys of other types.
    places = _places(own)
    own_at, _ = places.of(own)
    bits = np.zeros((keys.num_columns - 1, places.size), np.int64)
    for into, one in zip(bits, keys.columns[1:], strict=True):
        into[own_at] = numbers_of(one)
    for part in parts:
        at, known = places.of(part.column(0))
        columns = [numbers_of(one) for one in part.columns[1:]]
        if not known.all():
            columns = [one[known] for one in columns]
        is_once = _is_once(at, places.size)
        for start in range(0, len(at), _BLOCK):
            block = slice(start, start + _BLOCK)
            _add(bits, at[block], [one[block] for one in columns], is_once)
    is_all = len(own_at) == places.size and ascends(own_at)
    found = (column_of(one if is_all else one[own_at]) for one in bits)
    return pa.table([own, *found], names=keys.column_names)


class _Places(Protocol):
    """Places for keys, of which there are so many."""

    @property
    def size(self) -> int: ...

    def of(self, keys: pa.ChunkedArray) -> tuple[Places, Which]:
        """The places of those of the keys that have one, and which of them do."""


def _places(keys: pa.ChunkedArray) -> _Places:
    if pa.types.is_string(keys.type):
        return _OfTexts(keys)
    ends = pc.min_max(keys)
    first, last = ends["min"].as_py(), ends["max"].as_py()
    if last - first < _DENSE * len(keys):
        return _ByDistance(first, last)
    return _OfIntegers(keys, first, last)


@dataclass(frozen=True, slots=True)
class _ByDistance:
    """Integers, each at the place that its distance from the first one is."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def of(self, keys: pa.ChunkedArray) -> tuple[Places, Which]:
        """See _Places."""
        numbers, known = _integers(keys, self.first, self.last)
        return (numbers - self.first).astype(np.int64, copy=False), known


@dataclass(frozen=True, slots=True)
class _OfIntegers:
    """Integers between the first and the last, each at the place where it stands among all."""

    every: pa.ChunkedArray
    first: int
    last: int

    @property
    def size(self) -> int:
        return len(self.every)

    def of(self, keys: pa.ChunkedArray) -> tuple[Places, Which]:
        """See _Places."""
        numbers, known = _integers(keys, self.first, self.last)
        at, known[known] = _among(column_of(numbers).cast(self.every.type), self.every)
        return at, known


@dataclass(frozen=True, slots=True)
class _OfTexts:
    """Texts, each at the place where it stands among all."""

    every: pa.ChunkedArray

    @property
    def size(self) -> int:
        return len(self.every)

    def of(self, keys: pa.ChunkedArray) -> tuple[Places, Which]:
        """See _Places."""
        return _among(keys.cast(pa.string()), self.every)


def _among(keys: pa.Array | pa.ChunkedArray, every: pa.ChunkedArray) -> tuple[Places, Which]:
    at = pc.index_in(keys, value_set=every)
    return at.drop_null().to_numpy().astype(np.int64), np.asarray(at.is_valid(), np.bool_)


def _integers(keys: pa.ChunkedArray, first: int, last: int) -> tuple[NDArray[Any], Which]:
    """Those of the keys that are integers from the first to the last, and which are."""
    if pa.types.is_integer(keys.type) and not keys.null_count:
        numbers = numbers_of(keys)
        known = (numbers >= first) & (numbers <= last)
        numbers = numbers if known.all() else numbers[known]
        return numbers.astype(_type_up_to(last), copy=False), known
    known = np.asarray(keys.is_valid(), np.bool_)
    numbers = keys.drop_null().to_numpy()
    inside = np.asarray((numbers >= first) & (numbers <= last), np.bool_)
    inside[inside] = numbers[inside] % 1 == 0
    known[known] = inside
    return numbers[inside].astype(_type_up_to(last)), known


def _type_up_to(last: int) -> Any:
    return np.int64 if last < 2**63 else np.uint64


def _is_once(at: Places, size: int) -> bool:
    """Whether each place comes once, of so many that there are."""
    if ascends(at):
        return True
    comes = np.zeros(size, np.bool_)
    comes[at] = True
    return int(np.count_nonzero(comes)) == len(at)


def _add(found: Bits, at: Places, columns: Sequence[Bits], is_once: bool) -> None:
    """Add bits at places, of which each comes once or may come several times."""
    if not is_once:
        order = np.argsort(at, kind="stable")
        at = at[order]
        begins = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
        at = at[begins]
        columns = [np.bitwise_or.reduceat(one[order], begins) for one in columns]
    for into, bits in zip(found, columns, strict=True):
        into[at] |= bits
