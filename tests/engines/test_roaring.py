"""Sets made of bits beside ordinals are the ordinals that have the bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.engines.roaring import Universe, ascends

# Where containers, bitmaps of 32 bits and signed numbers end.
EDGES = (0, 1, 2**16 - 1, 2**16, 2**32 - 3, 2**32, 2**63 - 2, 2**64 - 200_001)
RUNS = st.tuples(
    st.sampled_from(EDGES),
    st.integers(min_value=0, max_value=100_000),  # more than a container
    st.sampled_from([1, 1, 2, 500]),
)


@given(
    runs=st.lists(RUNS, max_size=3),
    share=st.sampled_from([0.0, 0.001, 0.06, 0.07, 0.5, 1.0]),
    seed=st.integers(min_value=0, max_value=2**32),
)
def test_the_set_has_the_ordinals_that_have_the_bit(
    runs: list[tuple[int, int, int]], share: float, seed: int
) -> None:
    """One twentieth of a container is where lists of numbers turn into fields of bits."""
    given_ = sorted({one for start, size, step in runs for one in range(start, start + size, step)})
    ordinals = np.array([one for one in given_ if one < 2**64], np.uint64)
    inside = np.random.default_rng(seed).random(len(ordinals)) < share
    found = Universe(ordinals).bitmap(inside)
    assert found == BitMap64(ordinals[inside].tolist())
    assert BitMap64.deserialize(found.serialize()) == found


def test_a_set_that_was_made_can_be_changed() -> None:
    """It is a set as any other."""
    ordinals = np.arange(100_000, dtype=np.uint64)
    found = Universe(ordinals).bitmap(ordinals % 2 == 0)
    found.add(7)
    found |= BitMap64([2**40])
    assert len(found) == 50_002


def test_ordinals_ascend_where_each_is_greater_than_the_last() -> None:
    """Containers are written in their order, so that of others no set can be made so."""
    assert ascends(np.array([], np.uint64))
    assert ascends(np.array([1, 2**64 - 1], np.uint64))
    assert not ascends(np.array([1, 1], np.uint64))
    assert not ascends(np.array([2, 1], np.uint64))


def test_few_ordinals_far_apart_are_not_worth_it() -> None:
    """Each would be a container of its own."""
    assert Universe(np.arange(1000, dtype=np.uint64)).is_dense
    assert not Universe(np.arange(1000, dtype=np.uint64) << np.uint64(20)).is_dense
