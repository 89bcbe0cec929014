"""Sets of keys as they come from engines, and the ordinals by which members are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.errors import RefusedError
from segflow.membership.ordinals import ordinals
from segflow.model.keys import LARGEST
from segflow.ports import is_among, keys_of

INTEGERS = st.frozensets(st.integers(0, LARGEST), max_size=8)
TEXTS = st.frozensets(st.text(max_size=3), max_size=8)


@given(keys=INTEGERS, other=st.integers(0, LARGEST))
def test_integers_are_their_own_ordinals(keys, other):
    """A set of them is a bitmap, in which no text is."""
    found = keys_of("integer", keys)
    assert ordinals(found) == found == BitMap64(keys)
    assert is_among(other, found) == (other in keys)
    assert not any(is_among(str(key), found) for key in keys)


@given(keys=TEXTS, other=st.text(max_size=3))
def test_texts_have_no_ordinals(keys, other):
    """A set of them is a plain one, and nobody keeps it."""
    found = keys_of("string", keys)
    assert found == keys
    assert is_among(other, found) == (other in keys)
    with pytest.raises(RefusedError):
        ordinals(found)


def test_keys_of_two_types_are_no_set():
    """Neither is left out in silence."""
    for type_ in ("integer", "string"):
        with pytest.raises(ValueError, match=type_):
            keys_of(type_, [1, "1"])
