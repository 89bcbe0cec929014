"""The numbers of periods say what their windows do."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.periods import Numbering, numbering, period_windows
from segflow.compiler.timeline import FIRST, LAST, window_bounds
from segflow.model.duration import parse_duration
from segflow.model.instant import Instant, parse_instant
from segflow.model.operator import CountTest
from segflow.model.predicate import Aggregate, Periods

SOME = CountTest(op="at_least", count=1)
EVERY = ["day", "week", "month", "quarter", "year"]
EVERY += map(parse_duration, ["1d", "7d", "36h", "1s", "1mo", "7mo", "1y", "300y"])
ZONES = ["UTC", "America/New_York", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu"]
YEARS = ["1900-01-01T00:00:00Z", "2100-01-01T00:00:00Z"]
CLOSE = [0, 1, -1, 60_000, -60_000, 3_600_000, -3_600_000, 43_200_000]


def leaf(every, last: int, *, skip: bool = False) -> Periods:
    """A leaf with so many periods."""
    return Periods(
        aggregate=Aggregate(kind="count", events=("visit",)),
        counts=(SOME,),
        every=every,
        last=last,
        holds=(SOME,),
        skip_current=skip,
    )


def number(of: Numbering, instant: Instant) -> int | None:
    """The number that a numbering gives the instant; None for none."""
    if instant not in of.bounds:
        return None
    anchor = [anchor for since, anchor in of.anchors if since <= instant][-1]
    assert anchor >= instant, "engines divide what is not negative"
    return (anchor - instant) // of.length


@pytest.mark.parametrize("name", ZONES)
@given(
    every=st.sampled_from(EVERY),
    last=st.integers(1, 400),
    skip=st.booleans(),
    as_of=st.sampled_from(
        ["2012-01-02T00:00:00Z", "2026-11-01T05:30:00Z", "2007-03-11T12:00:00Z"]
    ).map(parse_instant)
    | st.integers(*map(parse_instant, YEARS)).map(Instant),
    data=st.data(),
)
def test_an_instant_has_the_number_of_the_period_it_lies_in(name, every, last, skip, as_of, data):
    """At the edges of periods, and anywhere else, in zones whose days are odd."""
    zone = ZoneInfo(name)
    periods = leaf(every, last, skip=skip and isinstance(every, str))
    windows = [window_bounds(window, as_of, zone) for window in period_windows(periods)]
    found = numbering(periods, as_of, zone)
    edges = {end for one in windows for end in (one.start, one.end) if end is not None}
    near = data.draw(st.sampled_from(sorted({FIRST, as_of, *edges})))
    for beside in CLOSE:
        instant = Instant(max(FIRST, min(LAST, near + beside)))
        inside = [place for place, window in enumerate(windows) if instant in window]
        assert inside == [one for one in [number(found, instant)] if one is not None]


def test_equal_lengths_have_one_anchor_and_days_one_more_for_each_change_of_clocks():
    """A year of days in New York has three: winter, summer, winter."""
    as_of = parse_instant("2026-12-31T12:00:00Z")
    new_york = ZoneInfo("America/New_York")
    assert len(numbering(leaf(parse_duration("1d"), 365), as_of, new_york).anchors) == 1
    assert len(numbering(leaf("day", 365), as_of, ZoneInfo("UTC")).anchors) == 1
    assert len(numbering(leaf("day", 365), as_of, new_york).anchors) <= 3
    assert len(numbering(leaf("week", 52), as_of, new_york).anchors) <= 3
