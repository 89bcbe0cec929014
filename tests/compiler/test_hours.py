"""Hours of the day: which instants lie in them, and when they begin."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.hours import is_within, next_within
from segflow.model.instant import Instant, parse_instant

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia")]
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
HOURS = st.builds(lambda start, end: f"{start:%H:%M}-{end:%H:%M}", TIMES, TIMES)
INSTANTS = st.integers(
    parse_instant("2011-12-25T00:00:00Z"), parse_instant("2027-01-01T00:00:00Z")
).map(Instant)


@given(st.lists(HOURS, min_size=1, max_size=3), INSTANTS, st.sampled_from(ZONES))
def test_hours_are_what_clocks_show(hours, instant, zone):
    """From the start on until before the end, over midnight where the end is not later."""
    shown = datetime.fromtimestamp(instant / 1000, zone).time()
    expected = False
    for one in hours:
        start, end = map(time.fromisoformat, one.split("-"))
        if start < end:
            expected |= start <= shown < end
        else:
            expected |= not end <= shown < start
    assert is_within(hours, instant, zone) == expected


@given(st.lists(HOURS, min_size=1, max_size=3), INSTANTS, st.sampled_from(ZONES))
def test_the_next_minute_is_the_first_within(hours, after, zone):
    """It is within the hours, and no minute before it is, after the instant."""
    found = next_within(hours, after, zone)
    assert found is not None
    assert found > after
    assert found % 60_000 == 0
    assert is_within(hours, found, zone)
    passed = range(after // 60_000 + 1, found // 60_000)
    assert not any(is_within(hours, Instant(minute * 60_000), zone) for minute in passed)


@pytest.mark.parametrize(
    ("after", "begins"),
    [
        ("2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),  # 02:30 is skipped: 03:00 is shown next
        ("2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),  # 02:30 comes twice
        ("2026-10-25T00:59:59.999Z", "2026-10-25T01:30:00Z"),  # the second time
    ],
)
def test_hours_around_a_change_of_clocks(after, begins):
    """What clocks show counts, each time that they show it."""
    found = next_within(["02:30-03:30"], parse_instant(after), ZoneInfo("Europe/Berlin"))
    assert found is not None
    assert datetime.fromtimestamp(found / 1000, UTC) - datetime.fromisoformat(begins) == timedelta()


def test_nothing_begins_after_the_calendar():
    """The last minute of the year 9999 has none after it."""
    last = parse_instant("9999-12-31T23:59:30Z")
    assert next_within(["00:00-00:00"], last, ZoneInfo("UTC")) is None
