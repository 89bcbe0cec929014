"""Ordinals made into bitmaps where Spark's rows are: what comes to the driver is a bitmap per part
of the rows and segment, and no rows.

Spark's executors run this: their Python has segflow with its extra `spark`.
"""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap64

from segflow.engines.bitmaps import bitmap, marked, masks_of, narrowed

SCHEMA = "segment INT, ordinals BINARY"
"""What comes back; no bitmap where a key has no ordinal, as it is negative or beyond 64 bits."""

_COLUMNS = pa.schema([("segment", pa.int32()), ("ordinals", pa.binary())])

Batches = Iterable[pa.RecordBatch]


def packing(count: int, bits: int) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """What makes bitmaps of the rows of a part: of all their keys for the segment 0, or, where
    there are masks of so many bits each behind the key, of the keys of so many segments."""

    def pack(batches: Batches) -> Iterator[pa.RecordBatch]:
        sets = [BitMap64() for _ in range(max(count, 1))]
        try:
            for batch in batches:
                for found, more in zip(sets, _sets(batch, count, bits), strict=True):
                    found |= more
        except pa.ArrowInvalid:
            yield _given([(0, None)])
            return
        yield _given([(number, one.serialize()) for number, one in enumerate(sets) if one])

    return pack


def unpacked(found: pa.Table, count: int) -> list[BitMap64] | None:
    """The sets of so many segments, put together from those of all parts; None where a key has no
    ordinal."""
    sets = [BitMap64() for _ in range(count)]
    for number, content in zip(*(column.to_pylist() for column in found.columns), strict=True):
        if content is None:
            return None
        sets[number] |= BitMap64.deserialize(content)
    return sets


def _sets(batch: pa.RecordBatch, count: int, bits: int) -> Iterator[BitMap64]:
    rows = pa.Table.from_batches([batch])
    rows = rows.filter(pc.is_valid(rows.column(0)))
    own = narrowed(rows.column(0).cast(pa.uint64()))
    if count:
        yield from (
            bitmap(pc.filter(own, pa.array(inside)))
            for inside in marked(masks_of(rows), count, bits)
        )
    else:
        yield bitmap(own)


def _given(rows: list[tuple[int, bytes | None]]) -> pa.RecordBatch:
    columns = [
        pa.array([row[place] for row in rows], one.type) for place, one in enumerate(_COLUMNS)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_COLUMNS)
