"""The list of a zone's clocks says what the zone's own data say."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from segflow.compiler.clocks import KNOWN_UNTIL, clock_date, clock_offsets
from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import Instant, datetime_of, parse_instant

ZONES = (
    *("UTC", "America/New_York", "Europe/Dublin", "Africa/Casablanca", "Asia/Manila"),
    *("Pacific/Apia", "Antarctica/Troll", "Australia/Lord_Howe", "America/Sao_Paulo"),
)
A_DAY = 86_400_000
YEAR_1880 = parse_instant("1880-01-01T00:00:00Z")


@pytest.mark.parametrize("name", ZONES)
def test_offsets_are_those_of_the_zone(name):
    """Beside each change of the clocks, and at any time before 2100, they are as far ahead."""
    zone = ZoneInfo(name)
    offsets = clock_offsets(zone)
    instants = [*range(FIRST + A_DAY, YEAR_1880, 997 * A_DAY + 1)]
    instants += [*range(YEAR_1880, KNOWN_UNTIL, 37 * A_DAY + 7_777_777)]
    instants += [one.since + beside for one in offsets[1:] for beside in (-1, 0, 1)]
    for instant in instants:
        moment = datetime_of(Instant(instant)).astimezone(zone)
        listed = max(one for one in offsets if one.since <= instant).ahead
        assert moment.utcoffset() == timedelta(milliseconds=listed)
        assert clock_date(Instant(instant), zone) == moment.date()


def test_each_change_of_the_clocks_is_one_entry():
    """Neighbours differ, and stand in order of time; UTC has one entry."""
    for name in ZONES:
        offsets = clock_offsets(ZoneInfo(name))
        for one, following in zip(offsets, offsets[1:], strict=False):
            assert one.since < following.since
            assert one.ahead != following.ahead
    assert [tuple(one) for one in clock_offsets(ZoneInfo("UTC"))] == [(FIRST, 0)]


def test_clocks_stay_as_they_are_from_2100_on():
    """In the summer of 2100 New York is at standard time, and it is still in the year 9999."""
    zone = ZoneInfo("America/New_York")
    midnight = parse_instant("2100-07-01T04:30:00Z")
    assert clock_date(midnight, zone).day == 30
    assert clock_date(Instant(midnight + 30 * 60_000), zone).day == 1


def test_dates_stay_within_the_calendar():
    """Where clocks show a year before 1 or after 9999, it is the first or the last day."""
    assert clock_date(FIRST, ZoneInfo("America/New_York")).isoformat() == "0001-01-01"
    assert clock_date(LAST, ZoneInfo("Asia/Tokyo")).isoformat() == "9999-12-31"
