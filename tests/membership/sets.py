"""Hypothesis strategies: sets of ordinals of every shape, and histories of segments."""

from dataclasses import dataclass

from hypothesis import strategies as st
from pyroaring import BitMap64

LARGEST = 2**64 - 1

few = st.integers(0, 7)
ordinals = few | st.integers(0, LARGEST) | st.sampled_from([0, 2**16, 2**32, 2**63, LARGEST])
scattered = st.frozensets(ordinals, max_size=12)


@st.composite
def ranges(draw):
    """A run of neighbours with holes, which lies in containers of other kinds than a few do."""
    start = draw(st.sampled_from([0, 65_530, 2**32 - 3_000, 2**64 - 9_000]))
    length = draw(st.sampled_from([1, 100, 4_096, 4_097, 8_000]))
    every = draw(st.integers(1, 3))
    return frozenset(range(start, start + length, every))


sets = (scattered | ranges()).map(BitMap64)
small_sets = st.frozensets(few, max_size=8).map(BitMap64)


@dataclass(frozen=True)
class Refreshed:
    """The segment is evaluated `later` than before; where `definition` is another one than is
    recorded, `now` is what the old one has then (None: it can't be evaluated)."""

    later: int
    definition: str
    members: BitMap64
    now: BitMap64 | None


@dataclass(frozen=True)
class Dropped:
    """The segment is deleted, `later` than before."""

    later: int


def happenings(members=small_sets, shortest=1):
    """What can happen to a segment, one after the other."""
    later = st.integers(shortest, 4)
    refreshed = st.builds(
        Refreshed,
        later=later,
        definition=st.sampled_from(["old", "new"]),
        members=members,
        now=st.none() | members,
    )
    return st.lists(refreshed | st.builds(Dropped, later=later), max_size=8)
