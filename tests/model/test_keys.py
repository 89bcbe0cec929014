"""Keys: which texts write one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.keys import LARGEST, parse_key

UTF8 = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(number=st.integers(0, LARGEST))
def test_digits_write_integers(number):
    """Decimal, from 0 to the largest of 64 bits."""
    assert parse_key(str(number), "integer") == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1.0", "x", "²", "١", str(LARGEST + 1), "9" * 5000]
)
def test_other_texts_write_no_integer(text):
    """Signs, spaces, other digits, and what is larger."""
    with pytest.raises(ValueError, match="whole numbers from 0 to"):
        parse_key(text, "integer")


@given(text=UTF8)
def test_a_text_writes_itself(text):
    """Nothing is cut off or normalised, and nothing is too little."""
    assert parse_key(text, "string") == text


@pytest.mark.parametrize("text", ["\0", "a\0", "\udcff", "a\ud800"])
def test_what_no_source_can_hold_is_no_text(text):
    """A zero byte, and bytes that are no UTF-8."""
    with pytest.raises(ValueError, match="UTF-8 without zero bytes"):
        parse_key(text, "string")
