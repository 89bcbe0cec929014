"""The list of a zone's clocks says what the zone's own data say."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.clocks import (
    KNOWN_UNTIL,
    OFFSETS,
    UNCHANGED_UNTIL,
    anniversary_offsets,
    clock_date,
    clock_offsets,
    offsets_text,
    turning_days,
)
from segflow.compiler.timeline import FIRST, LAST, anniversary_days
from segflow.model.instant import Instant, datetime_of, instant_of, parse_instant
from segflow.model.operator import Anniversary

ZONES = (
    *("UTC", "America/New_York", "Europe/Dublin", "Africa/Casablanca", "Asia/Manila"),
    *("Pacific/Apia", "Antarctica/Troll", "Australia/Lord_Howe", "America/Sao_Paulo"),
)
A_DAY = 86_400_000
anniversaries = st.builds(
    Anniversary, start_days=st.sampled_from([0, -1, -7, -200]), end_days=st.sampled_from([0, 1, 9])
) | st.sampled_from([Anniversary(month=2, day=28), Anniversary(month=2, day=29)])


def instants(near: Instant) -> st.SearchStrategy[Instant]:
    """Instants about a day before or after one, and within the calendar."""
    return st.integers(near - 2 * A_DAY, near + 2 * A_DAY).map(
        lambda one: Instant(max(FIRST, min(LAST, one)))
    )


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


@pytest.mark.parametrize("name", ZONES)
@given(data=st.data(), asked=anniversaries, as_of=instants(parse_instant("2024-02-28T12:00:00Z")))
def test_an_anniversary_is_told_by_its_offsets_and_by_the_day_of_utc(name, data, asked, as_of):
    """On turning days the offsets for an anniversary tell of an instant, on all others UTC does."""
    zone = ZoneInfo(name)
    days = anniversary_days(asked, as_of, zone)
    month, day = data.draw(st.sampled_from([*days, *turning_days(days)]))
    year = data.draw(st.sampled_from([4, 1799, 1896, 2100, 9996]) | st.integers(1880, 2105))
    near = instant_of(datetime(year, month, min(day, monthrange(year, month)[1]), tzinfo=UTC))
    instant = data.draw(instants(near))
    shown = datetime_of(instant)
    if (shown.month, shown.day) in turning_days(days):
        offsets = anniversary_offsets(asked, as_of, zone)
        ahead = max(one for one in offsets if one.since <= instant).ahead
        shown = datetime_of(Instant(max(FIRST, min(LAST, instant + ahead))))
    by_clocks = clock_date(instant, zone)
    told = (shown.month, shown.day) in days
    assert told == ((by_clocks.month, by_clocks.day) in days)


def test_turning_days_lie_about_the_ends():
    """They are both ends of the days asked for and what lies beside those, in any year."""
    assert turning_days(((2, 28),)) == ((2, 27), (2, 28), (2, 29), (3, 1))
    assert turning_days(((5, 1), (5, 2), (5, 3), (5, 4))) == ((4, 30), (5, 1), (5, 4), (5, 5))
    assert turning_days(((1, 1),)) == ((1, 1), (1, 2), (12, 31))


def test_offsets_are_written_with_what_they_are_ahead():
    """The greatest number below (t - 1800 + 1) * OFFSETS is of the offset at t."""
    zone = ZoneInfo("America/New_York")
    written = [int(text) for text in offsets_text(clock_offsets(zone)).split(",")]
    for text in ("1990-04-01T06:59:59.999Z", "1990-04-01T07:00:00Z", "1800-01-01T00:00:00Z"):
        instant = parse_instant(text)
        found = max(one for one in written if one < (instant - UNCHANGED_UNTIL + 1) * OFFSETS)
        offset = datetime_of(instant).astimezone(zone).utcoffset()
        assert timedelta(seconds=found % OFFSETS - OFFSETS // 2) == offset


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
