"""Numbers of Arrow as those of numpy and back, without a copy where they lie in one piece.

Arrow's own ways import pandas wherever that is installed, which takes longer than many a question.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers_of(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers of a fixed width, of which none is missing."""
    dtype = np.dtype(str(column.type))
    found = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        for chunk in column.chunks
        if len(chunk)
    ]
    if len(found) == 1:
        return found[0]
    return np.concatenate(found) if found else np.empty(0, dtype)


def column_of(numbers: NDArray[Any]) -> pa.Array:
    """Numbers of a fixed width as a column."""
    content = pa.py_buffer(np.ascontiguousarray(numbers))
    type_ = pa.type_for_alias(str(numbers.dtype))
    return pa.Array.from_buffers(type_, len(numbers), [None, content])
