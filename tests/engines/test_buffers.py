"""Numbers of Arrow and of numpy are the same numbers."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from segflow.engines.buffers import column_of, numbers_of


@pytest.mark.parametrize("type_", ["int8", "int32", "int64", "uint64", "double"])
@pytest.mark.parametrize("cuts", [(), (0,), (3,), (2, 4)])
def test_numbers_come_as_they_are(type_: str, cuts: tuple[int, ...]) -> None:
    """In however many pieces, and wherever a piece begins."""
    whole = pa.array([9, 1, 2, 3, 4, 5], pa.type_for_alias(type_)).slice(1)
    ends = (0, *cuts, len(whole))
    pieces = [whole.slice(one, other - one) for one, other in zip(ends, ends[1:], strict=False)]
    column = pa.chunked_array(pieces, whole.type)
    assert numbers_of(column).tolist() == [1, 2, 3, 4, 5]
    assert pa.array(column_of(numbers_of(column))) == whole
    assert column_of(numbers_of(column)[::2]).to_pylist() == [1, 3, 5]


def test_a_column_without_rows_has_no_numbers() -> None:
    """But a type."""
    found = numbers_of(pa.chunked_array([], pa.uint64()))
    assert found.dtype == np.uint64
    assert column_of(found) == pa.array([], pa.uint64())


def test_pandas_stays_where_it_is() -> None:
    """Importing it takes longer than many a question."""
    script = (
        "import sys, pyarrow as pa, numpy as np\n"
        "from segflow.engines.buffers import column_of, numbers_of\n"
        "numbers_of(pa.chunked_array([column_of(np.arange(3))]))\n"
        "print('pandas' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert told == "False\n"
