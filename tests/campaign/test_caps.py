"""Caps: which sends count, and who has had enough."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.campaign.caps import at_cap, window
from segflow.model.duration import Duration, parse_duration
from segflow.model.instant import Instant, parse_instant
from segflow.model.rule import Cap

UTC = ZoneInfo("UTC")
NOW = parse_instant("2026-03-31T09:00:00Z")
instants = st.integers(min_value=0, max_value=4 * 10**12).map(Instant)
exact = st.builds(Duration, count=st.integers(1, 500), unit=st.sampled_from(["s", "min", "h", "d"]))


def cap(per="7d", at_most=1, **more):
    return Cap(at_most=at_most, per=parse_duration(per), **more)


@given(at=instants, per=exact, ago=st.integers(-10, 10**9))
def test_a_rolling_cap_counts_what_is_younger_than_its_length(at, per, ago):
    """A send counts iff it lies in (T - per, T]."""
    counted = window(Cap(at_most=1, per=per), at, UTC)
    for age in (ago, per.milliseconds + ago % 3 - 1):
        assert (Instant(at - age) in counted) is (0 <= age < per.milliseconds)


def test_a_month_is_a_step_in_the_calendar():
    """A cap per month counts from the same time on the month's last day."""
    bounds = window(cap("1mo"), NOW, UTC)
    assert bounds.start == parse_instant("2026-02-28T09:00:00.001Z")
    assert bounds.end == NOW + 1


def test_a_calendar_cap_is_refused():
    """A calendar window is not silently read as a rolling one."""
    with pytest.raises(ValueError, match="calendar"):
        window(cap(window="calendar"), NOW, UTC)


def test_who_is_at_the_cap():
    """The cap is reached at its number, not beyond it."""
    counts = {1: 0, 2: 1, 3: 2, 2**64 - 1: 3}
    assert list(at_cap(counts, cap(at_most=2))) == [3, 2**64 - 1]
    assert not at_cap({}, cap())
