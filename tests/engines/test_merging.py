"""What several answers tell of the same keys is put together by key."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from segflow.engines.merging import merged

BITS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
NEAR = st.integers(min_value=-3, max_value=12)
FAR = st.sampled_from([-(2**63), -5, 0, 7, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1])

Rows = list[tuple[Any, int, int]]


def rows(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    """Rows of keys, which may be missing, and of two numbers."""
    return st.lists(st.tuples(st.none() | keys, BITS, BITS), max_size=12)


def table(found: Rows, type_: pa.DataType) -> pa.Table:
    keys, ones, others = zip(*found, strict=True) if found else ((), (), ())
    columns = [pa.array(keys, type_), pa.array(ones, pa.int64()), pa.array(others, pa.int64())]
    cut = len(found) // 2
    whole = pa.table(columns, names=["key", "mask_0", "mask_1"])
    return pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])  # in two chunks


def expected(own: Rows, parts: list[Rows]) -> Rows:
    found = {key: (one, other) for key, one, other in own}
    for part in parts:
        for key, one, other in part:
            if key in found:
                found[key] = (found[key][0] | one, found[key][1] | other)
    return [(key, *bits) for key, bits in found.items()]


def told(found: pa.Table) -> Rows:
    return list(zip(*(one.to_pylist() for one in found.columns), strict=True))


def fits(type_: pa.DataType) -> Callable[[Any], bool]:
    least, most = (-(2**63), 2**63) if pa.types.is_signed_integer(type_) else (0, 2**64)
    return lambda row: row[0] is None or least <= row[0] < most


@given(data=st.data())
def test_integers_keep_all_their_bits(data: st.DataObject) -> None:
    """Whether they lie near each other or not, and however their types differ."""
    types = st.sampled_from([pa.int64(), pa.uint64()])
    keys = data.draw(st.sampled_from([NEAR, FAR, NEAR | FAR]))
    type_ = data.draw(types)
    own = [row for row in data.draw(rows(keys)) if row[0] is not None and fits(type_)(row)]
    own = list({key: (key, *bits) for key, *bits in own}.values())
    parts, tables = [], []
    for _ in range(data.draw(st.integers(min_value=0, max_value=3))):
        of_part = data.draw(types)
        parts.append(list(filter(fits(of_part), data.draw(rows(keys)))))
        tables.append(table(parts[-1], of_part))
    found = merged(table(own, type_), tables)
    assert told(found) == expected(own, parts)
    assert found.schema == table(own, type_).schema


@given(own=rows(st.text(max_size=2)), part=rows(st.text(max_size=2)))
def test_texts_keep_all_their_bits(own: Rows, part: Rows) -> None:
    """As integers do."""
    own = list({key: (key, *bits) for key, *bits in own if key is not None}.values())
    found = merged(table(own, pa.string()), [table(part, pa.string())])
    assert told(found) == expected(own, [part])


def test_other_numbers_are_the_keys_that_they_equal() -> None:
    """As a file has them whose ids went through doubles; fractions and what is no number are of
    nobody."""
    own = [(1, 1, 0), (2, 1, 0), (40_000, 1, 0)]
    doubles = [(1.0, 2, 0), (2.5, 2, 0), (None, 2, 0), (float("nan"), 2, 0), (4e4, 2, 0)]
    decimals = [(Decimal("2.0"), 4, 0), (Decimal("2.5"), 4, 0), (None, 4, 0)]
    for keys in (own, own[:2]):  # far from each other and near
        found = merged(
            table(keys, pa.int64()),
            [table(doubles, pa.float64()), table(decimals, pa.decimal128(9, 1))],
        )
        assert told(found) == [(1, 3, 0), (2, 5, 0), (40_000, 3, 0)][: len(keys)]


def test_many_rows_of_a_key_are_added() -> None:
    """Beyond what is added at a time."""
    own = [(key, 0, 0) for key in range(10)]
    part = [(number % 11, 1 << number % 60, number) for number in range(100_000)]
    found = merged(table(own, pa.int64()), [table(part, pa.int64())])
    assert told(found) == expected(own, [part])


def test_keys_that_nobody_takes_stay_what_they_are() -> None:
    """Whoever asked refuses them by their type."""
    own = table([(1.5, 1, 0)], pa.float64())
    assert merged(own, [table([(1.5, 2, 0)], pa.float64())]) == own
