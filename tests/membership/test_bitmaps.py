"""A set of members has one stored form, and comes back from it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.errors import CorruptStateError
from segflow.membership.bitmaps import digest_of, from_bytes, to_bytes
from tests.membership.sets import LARGEST, sets

STORED = Path(__file__).with_name("stored")
# What the files in stored/ hold; they were written by the first version and never change.
STORED_SETS = {
    "empty": BitMap64(),
    "few": BitMap64([0, 1, 7, 2**32, LARGEST]),
    "run": BitMap64(range(100, 70_000)),
    "every_third": BitMap64(range(0, 200_000, 3)),
}


@given(sets)
def test_a_set_comes_back(members):
    """What was stored is read as the same set."""
    assert from_bytes(to_bytes(members)) == members


@given(sets, sets)
def test_equal_sets_have_equal_bytes(members, others):
    """The way in which a set was put together does not show in its bytes."""
    one_by_one = BitMap64()
    for ordinal in reversed(members):
        one_by_one.add(ordinal)
    cut_out = (members | others) - (others - members)
    read_back = BitMap64.deserialize(members.serialize())
    packed = members.copy()
    packed.run_optimize()

    forms = {to_bytes(made) for made in (members, one_by_one, cut_out, read_back, packed)}

    assert len(forms) == 1


@given(sets, sets)
def test_digests_tell_sets_apart(one, other):
    """Two sets have the same digest where they are equal, and only there."""
    assert (digest_of(one) == digest_of(other)) == (one == other)


@given(sets)
def test_storing_changes_nothing(members):
    """A set that is being stored is not touched."""
    before = members.serialize()
    to_bytes(members)
    assert members.serialize() == before


@given(sets, st.data())
def test_bytes_that_were_cut_or_prolonged_are_refused(members, data):
    """Any beginning of the stored form, and anything after its end, is no set."""
    content = to_bytes(members)
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    longer = content + data.draw(st.binary(min_size=1, max_size=9))
    for wrong in (cut, longer):
        with pytest.raises(CorruptStateError):
            from_bytes(wrong)


@given(st.binary(max_size=200))
def test_other_bytes_are_no_crash(content):
    """Bytes from elsewhere are refused, or are by chance a set that gives these bytes."""
    try:
        members = from_bytes(content)
    except CorruptStateError:
        return
    assert members.serialize() == content


@pytest.mark.parametrize("name", STORED_SETS)
def test_sets_stored_long_ago_are_read(name):
    """The bytes that the first version wrote still mean what they meant, and are still written."""
    content = (STORED / f"{name}.roaring").read_bytes()
    assert from_bytes(content) == STORED_SETS[name]
    assert to_bytes(STORED_SETS[name]) == content
