"""In key mode direct a key is its own ordinal, and what has none is refused by name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.errors import UnusableDataError
from segflow.membership.ordinals import LARGEST, key_of, ordinal_of, ordinals, parse_key

keys = st.integers(0, LARGEST)
strangers = st.integers(max_value=-1) | st.integers(min_value=LARGEST + 1)


@given(keys)
def test_a_key_comes_back_from_its_ordinal(key):
    """Key to ordinal to key changes nothing, from text too."""
    assert key_of(ordinal_of(key)) == key
    assert parse_key(str(key)) == key


@given(strangers)
def test_a_key_beyond_64_bits_is_refused(key):
    """A negative key and one above 2^64 - 1 have no ordinal; the message names the key."""
    with pytest.raises(UnusableDataError, match=str(key)):
        ordinal_of(key)


@given(st.lists(keys))
def test_many_keys_become_a_set(found):
    """Each key is in once, in whatever order they come."""
    assert ordinals(found) == BitMap64(sorted(set(found)))


@given(st.lists(keys), strangers, st.lists(keys | strangers))
def test_one_bad_key_among_many_is_named(before, bad, after):
    """The first key without an ordinal refuses all of them."""
    with pytest.raises(UnusableDataError, match=f"key {bad} "):
        ordinals([*before, bad, *after])


@pytest.mark.parametrize(
    ("bad", "words"), [(None, "a key is missing"), ("7", "the key 7"), (Decimal(7), "the key 7")]
)
def test_what_is_no_whole_number_is_no_key(bad, words):
    """A missing key, text and fractions are refused, not converted."""
    with pytest.raises(UnusableDataError, match=words):
        ordinals([1, bad])


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", " 7", "٣", "seven", str(LARGEST + 1)])
def test_typed_text_that_is_no_key_is_refused(text):
    """A person writes plain decimal digits."""
    with pytest.raises(UnusableDataError):
        parse_key(text)
