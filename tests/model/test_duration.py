"""Durations: exact ones and calendar steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.duration import Duration, parse_duration

units = st.sampled_from(["s", "min", "h", "d", "w", "mo", "y"])


@given(st.builds(Duration, count=st.integers(0, 10**9), unit=units))
def test_text_reads_back(duration):
    """A duration's text reads back to the same duration."""
    assert parse_duration(str(duration)) == duration


@given(st.builds(Duration, count=st.integers(0, 10**9), unit=units))
def test_a_duration_is_exact_or_a_calendar_step(duration):
    """Every duration has a length in milliseconds or a number of months, never both."""
    assert (duration.milliseconds is None) != (duration.months is None)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("90s", 90_000), ("5min", 300_000), ("1h", 3_600_000), ("1d", 86_400_000)],
)
def test_exact_units(text, milliseconds):
    """s, min, h and d have one length; a day is 24 hours."""
    assert parse_duration(text).milliseconds == milliseconds


def test_weeks_and_years():
    """A week is seven days and a year twelve months."""
    assert parse_duration("2w").milliseconds == parse_duration("14d").milliseconds
    assert parse_duration("2y").months == 24


def test_a_bare_m_is_ambiguous():
    """Minutes or months must be said."""
    with pytest.raises(ValueError, match="write 5min for minutes or 5mo for months"):
        parse_duration("5m")


@pytest.mark.parametrize("text", ["", "d", "7", "-7d", "7.5d", " 7d", "7d ", "7 d", "7D", "٧d"])
def test_other_text_is_refused(text):
    """A duration is a whole number and a known unit, nothing around them."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_nonsense_can_not_be_built():
    """Neither an unknown unit nor a negative count makes a duration."""
    with pytest.raises(ValueError, match="unknown unit"):
        Duration(count=1, unit="m")
    with pytest.raises(ValueError, match="not negative"):
        Duration(count=-1, unit="d")
