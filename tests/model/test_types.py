"""The value types of the catalog."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.types import decimal_type, parse_type

SIMPLE = ["string", "integer", "float", "boolean", "date", "timestamp", "version"]


@pytest.mark.parametrize("text", [*SIMPLE, "decimal(18,2)", "list<string>", "list<integer>"])
def test_text_reads_back(text):
    """A type's text is what it was read from."""
    assert str(parse_type(text)) == text


@given(st.integers(-5, 50), st.integers(-5, 50))
def test_decimals_have_up_to_38_digits(precision, scale):
    """A decimal type exists exactly where its scale fits in 1 to 38 digits."""
    if 1 <= precision <= 38 and 0 <= scale <= precision:
        assert parse_type(f"decimal( {precision} , {scale} )") == decimal_type(precision, scale)
    else:
        with pytest.raises(ValueError):
            decimal_type(precision, scale)


@pytest.mark.parametrize("text", ["text", "", "decimal", "decimal(2)", "list<date>", "Integer"])
def test_other_text_is_refused(text):
    """The error names the types that are known."""
    with pytest.raises(ValueError, match=r"one of string, integer.*list<integer>"):
        parse_type(text)


def test_numbers_and_times():
    """Integers, decimals and floats are numbers, dates and timestamps times, lists neither."""
    numbers = [text for text in (*SIMPLE, "decimal(9,2)") if parse_type(text).is_number]
    times = [text for text in SIMPLE if parse_type(text).is_time]

    assert numbers == ["integer", "float", "decimal(9,2)"]
    assert times == ["date", "timestamp"]
    assert not parse_type("list<integer>").is_number
