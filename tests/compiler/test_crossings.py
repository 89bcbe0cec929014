"""The inverse of the resolver, against the resolver at very many instants."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.deadlines.crossings import (
    anniversary_crossings,
    length_crossings,
    operator_crossings,
    window_crossings,
)
from segflow.compiler.timeline import (
    InstantOperator,
    anniversary_days,
    first_instant,
    local_date,
    operator_bounds,
    shift_months,
    window_bounds,
    zone,
)
from segflow.model.duration import parse_duration
from segflow.model.instant import Instant, format_instant, instant_of, parse_instant
from segflow.model.operator import Ahead, Anniversary, InLast, InNext, OlderThan, OnCalendar
from segflow.model.window import Ago, CalendarSpan, Fixed, InCalendar, Window, Within
from tests.compiler.test_timeline import STRANGE

DAY = 86_400_000
MINUTE = 60_000
WALK = 40 * DAY
"""So far T goes."""

LENGTHS = [parse_duration(text) for text in ("1h", "1d", "30d", "1mo", "2mo", "13mo", "1y")]
SPANS = [
    CalendarSpan(unit=unit, last=last, count=count)  # type: ignore[arg-type]
    for unit in ("day", "week", "month", "quarter", "year")
    for last, count in ((0, 1), (-1, 1), (-1, 7), (-3, 2))
]
ANNIVERSARIES = [
    Anniversary(),
    Anniversary(start_days=-7, end_days=7),
    Anniversary(start_days=3, end_days=40),
    Anniversary(start_days=5, end_days=2),
    Anniversary(start_days=-400, end_days=-390),
    Anniversary(month=2, day=29),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """T goes from an instant on, in a zone whose clocks do something strange on the way or a month,
    two or a year before or after it, past instants which something reaches on the way."""

    zone: ZoneInfo
    start: Instant
    instants: Sequence[Instant]

    @property
    def samples(self) -> Iterator[int]:
        """Instants of the way: every four hours, and near the strange days every ten minutes."""
        yield from range(self.start, self.start + WALK, 4 * 60 * MINUTE)
        for months in (-13, -12, -2, -1, 0, 1, 2, 12, 13):
            near = shift_months(strange(self.zone), months, self.zone)
            if self.start <= near <= self.start + WALK:
                yield from range(max(self.start, near - DAY), near + 2 * DAY, 10 * MINUTE)


def strange(there: ZoneInfo) -> Instant:
    """The beginning of the zone's strange day, by UTC."""
    return instant_of(datetime.combine(STRANGE[there.key], datetime.min.time(), UTC))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    there = zone(draw(st.sampled_from(sorted(STRANGE))))
    months = draw(st.sampled_from([-13, -12, -2, -1, 0, 0, 0, 1, 2, 12, 13]))
    early = draw(st.integers(0, 30 * DAY))
    start = Instant(shift_months(strange(there), months, there) - early)
    instants = [draw(reached(there, start)) for _ in range(draw(st.integers(1, 6)))]
    return Walk(zone=there, start=start, instants=sorted(instants))


def reached(there: ZoneInfo, start: Instant) -> st.SearchStrategy[Instant]:
    """What something comes to on the way: T, or a length from it; or the zone's strange day."""
    on_the_way = st.integers(0, WALK).map(lambda ahead: Instant(start + ahead))
    minutes = st.integers(-36 * 60, 36 * 60).map(lambda n: Instant(strange(there) + n * MINUTE))
    months = st.sampled_from([-13, -12, -2, -1, 1, 2, 12, 13])
    return st.one_of(
        on_the_way,
        minutes,
        st.builds(lambda at, n: shift_months(at, n, there), on_the_way, months),
        st.builds(
            lambda at, one: Instant(at - (one.milliseconds or 0)),
            on_the_way,
            st.sampled_from(LENGTHS),
        ),
    )


def unforeseen(
    state: Callable[[Instant], object], found: Iterator[Instant], walk: Walk
) -> list[str]:
    """Neighbours among the sampled instants with different states and nothing found in between.
    Beside what is found a millisecond is looked at, too."""
    end = walk.start + WALK
    crossings = list(takewhile(lambda one: one <= end, found))
    assert crossings == sorted(set(crossings))
    assert all(one > walk.start for one in crossings)
    beside = (one + beside for one in crossings for beside in (-1, 0))
    there = sorted({*beside, *walk.samples})
    turned = set(crossings)
    states = [(Instant(one), state(Instant(one))) for one in there]
    return [
        f"{format_instant(one)} {format_instant(following)}"
        for (one, before), (following, after) in pairwise(states)
        if before != after and not any(one < crossing <= following for crossing in turned)
    ]


windows = st.one_of(
    st.none(),
    st.sampled_from(LENGTHS).map(lambda one: Within(duration=one)),
    st.builds(
        lambda one, other: Ago(start=one, end=other), *[st.sampled_from([None, *LENGTHS])] * 2
    ),
    st.just(Fixed()),
    st.sampled_from(SPANS).map(lambda span: InCalendar(span=span)),
)
operators = st.one_of(
    st.sampled_from(LENGTHS).flatmap(
        lambda one: st.sampled_from(
            [InLast(duration=one), OlderThan(duration=one), InNext(duration=one)]
        )
    ),
    st.builds(
        lambda one, other: Ahead(start=one, end=other), *[st.sampled_from([None, *LENGTHS])] * 2
    ),
    st.sampled_from(SPANS).map(lambda span: OnCalendar(span=span)),
)


@given(walks(), windows)
def test_windows_hold_the_same_instants_until_the_next_crossing(walk: Walk, window: Window | None):
    """Whatever comes or goes on the way does so at one of the crossings."""

    def state(at: Instant) -> object:
        bounds = window_bounds(window, at, walk.zone)
        return [one in bounds for one in walk.instants]

    found = window_crossings(window, walk.instants, walk.start, walk.zone)
    assert unforeseen(state, found, walk) == []


@given(walks(), operators)
def test_operators_hold_for_the_same_instants_until_the_next_crossing(
    walk: Walk, operator: InstantOperator
):
    """Those of fields and properties alike, backwards and ahead."""

    def state(at: Instant) -> object:
        bounds = operator_bounds(operator, at, walk.zone)
        return [one in bounds for one in walk.instants]

    found = operator_crossings(operator, walk.instants, walk.start, walk.zone)
    assert unforeseen(state, found, walk) == []


@given(walks(), st.sampled_from(LENGTHS))
def test_lengths_cross_just_where_they_are_said_to(walk, length):
    """At each crossing, and nowhere else, T - length passes one of the instants, back or on."""

    def state(at: Instant) -> object:
        first = first_instant(length, at, walk.zone)
        return [one < first for one in walk.instants]

    found = list(length_crossings(length, walk.instants, walk.start, walk.zone))
    assert unforeseen(state, iter(dict.fromkeys(found)), walk) == []
    assert all(state(Instant(one - 1)) != state(one) for one in found)


@given(walks(), st.sampled_from(ANNIVERSARIES), st.integers(0, 400))
def test_anniversaries_are_asked_for_until_the_next_crossing(walk, operator, beside):
    """Dates near T, and born on 29 February."""
    today = local_date(walk.start, walk.zone)
    dates = [
        today + timedelta(days=beside),
        today - timedelta(days=10 * 365 + beside),
        today.replace(year=2000, month=2, day=29),
    ]

    def state(at: Instant) -> object:
        days = anniversary_days(operator, at, walk.zone)
        return [(one.month, one.day) in days for one in dates]

    found = anniversary_crossings(operator, dates, walk.start, walk.zone)
    assert unforeseen(state, found, walk) == []


# --- by hand ---------------------------------------------------------------------------------


def crossings(found: Iterator[Instant]) -> list[str]:
    return [format_instant(one) for one in found]


@pytest.mark.parametrize(
    ("window", "instant", "expected"),
    [
        ("7d", "2026-03-25T10:00:00Z", ["2026-04-01T10:00:00Z"]),
        ("1mo", "2026-03-25T10:00:00Z", ["2026-04-25T10:00:00Z"]),
        # It leaves on 28 March, and is there again at noon of 29, 30 and 31 March, which clip.
        ("1mo", "2026-02-28T10:00:00Z", [
            "2026-03-28T10:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T10:00:00Z",
            "2026-03-30T00:00:00Z", "2026-03-30T10:00:00Z", "2026-03-31T00:00:00Z",
            "2026-03-31T10:00:00Z",
        ]),
        ("1mo", "2026-03-31T10:00:00Z", ["2026-03-31T10:00:00Z", "2026-05-01T00:00:00Z"]),
        ("1y", "2024-02-29T10:00:00Z", []),
        ("1y", "2025-12-31T10:00:00Z", ["2026-12-31T10:00:00Z"]),
        ("7d", "2026-04-02T00:00:00Z", ["2026-04-02T00:00:00Z", "2026-04-09T00:00:00Z"]),
    ],
)  # fmt: skip
def test_an_event_leaves_a_window(window, instant, expected):
    """Exact lengths to the millisecond; months by the calendar, with every day that clips."""
    found = window_crossings(
        Within(duration=parse_duration(window)),
        [parse_instant(instant)],
        parse_instant("2026-03-26T12:00:00Z"),
        zone("UTC"),
    )
    assert crossings(found) == expected


def test_an_hour_that_is_shown_twice_is_passed_twice():
    """Where clocks are put back, T minus a month goes back an hour and comes on again."""
    found = length_crossings(
        parse_duration("1mo"),
        [parse_instant("2026-09-25T00:30:00Z")],
        parse_instant("2026-10-01T00:00:00Z"),
        zone("Europe/Berlin"),
    )
    assert crossings(found) == [
        "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
    ]  # fmt: skip


def test_calendar_units_turn_at_local_midnight():
    """An event of the day before clocks are put on is of last week from Monday on, by the clocks of
    then, and no more from the Monday after it."""
    there = zone("America/New_York")
    span = CalendarSpan(unit="week", last=-1)
    event = parse_instant("2026-03-07T12:00:00Z")
    found = window_crossings(
        InCalendar(span=span), [event], parse_instant("2026-03-07T13:00:00Z"), there
    )
    assert crossings(found) == ["2026-03-09T04:00:00Z", "2026-03-16T04:00:00Z"]


def test_anniversaries_come_back_every_year():
    """Two crossings a year: midnight before and midnight after, by the zone's clocks."""
    found = anniversary_crossings(
        Anniversary(),
        [STRANGE["UTC"].replace(year=2000, month=2, day=29)],
        parse_instant("2027-01-01T00:00:00Z"),
        zone("Asia/Tokyo"),
    )
    first = [format_instant(next(found)) for _ in range(4)]
    assert first == [
        "2027-02-27T15:00:00Z", "2027-02-28T15:00:00Z",
        "2028-02-28T15:00:00Z", "2028-02-29T15:00:00Z",
    ]  # fmt: skip


def test_many_instants_are_taken_one_at_a_time():
    """Of ten thousand only what is asked for is found, so that a first crossing is cheap."""
    start = parse_instant("2026-03-31T12:00:00Z")
    instants = [Instant(start - number * MINUTE) for number in range(10_000, 0, -1)]
    asked = []

    class Counting(list[Instant]):
        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            asked.append(key)
            return super().__getitem__(key)

    found = window_crossings(
        InCalendar(span=CalendarSpan(unit="day", last=-1, count=7)),
        Counting(instants),
        start,
        zone("UTC"),
    )
    assert format_instant(next(found)) == "2026-04-01T00:00:00Z"
    assert len(asked) < 100
