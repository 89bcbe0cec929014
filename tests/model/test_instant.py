"""Instants: whole milliseconds in UTC, and their text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.instant import Instant, datetime_of, format_instant, instant_of, parse_instant

FIRST = instant_of(datetime(1, 1, 1, tzinfo=UTC))
LAST = instant_of(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
instants = st.integers(FIRST, LAST).map(Instant)


@given(instants)
def test_text_reads_back(instant):
    """An instant's text reads back to the same instant, and so does its datetime."""
    assert parse_instant(format_instant(instant)) == instant
    assert instant_of(datetime_of(instant)) == instant


@given(instants, instants)
def test_text_sorts_as_instants_do_within_one_precision(first, second):
    """Datetimes are in the order of their instants."""
    assert (first < second) == (datetime_of(first) < datetime_of(second))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("1969-12-31T23:59:59.9995Z", -1),
    ],
)
def test_instants_are_floored(text, expected):
    """What is finer than a millisecond is cut off towards the past, before 1970 too."""
    assert parse_instant(text) == expected


def test_milliseconds_show_only_where_there_are_some():
    """Whole seconds have no fraction; all others have three digits."""
    assert format_instant(Instant(0)) == "1970-01-01T00:00:00Z"
    assert format_instant(Instant(-1)) == "1969-12-31T23:59:59.999Z"


def test_a_time_without_a_zone_is_no_instant():
    """An offset or Z is required, in text and in datetimes."""
    with pytest.raises(ValueError, match="no offset"):
        parse_instant("2026-01-31T00:00:00")
    with pytest.raises(ValueError, match="not an instant"):
        instant_of(datetime(2026, 1, 31))  # noqa: DTZ001 - naive on purpose


def test_zones_do_not_matter():
    """One instant has many datetimes."""
    west = timezone(timedelta(hours=-8))

    assert instant_of(datetime(2026, 1, 31, tzinfo=west)) == parse_instant("2026-01-31T08:00:00Z")


def test_other_text_is_refused():
    """Anything but ISO 8601 raises ValueError."""
    with pytest.raises(ValueError):
        parse_instant("yesterday")
