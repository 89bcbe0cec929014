"""The resolver of time, against an oracle that walks the clock minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.timeline import (
    FIRST,
    LAST,
    Bounds,
    anniversary_days,
    calendar_bounds,
    date_bounds,
    local_date,
    midnight,
    operator_bounds,
    shift_months,
    window_bounds,
    zone,
)
from segflow.model.duration import Duration, parse_duration
from segflow.model.instant import Instant, datetime_of, format_instant, parse_instant
from segflow.model.operator import (
    Ahead,
    Anniversary,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
    OnCalendar,
)
from segflow.model.scalar import DatePoint, InstantPoint
from segflow.model.window import Ago, CalendarSpan, Fixed, InCalendar, Within

MINUTE = 60_000
DAY = 86_400_000
UNITS = ("day", "week", "month", "quarter", "year")

# Zones by what is strange about them, with a day near it.
STRANGE = {
    "UTC": date(2026, 3, 1),
    "America/New_York": date(2026, 3, 8),  # skips 02:00-03:00
    "Europe/Berlin": date(2026, 10, 25),  # shows 02:00-03:00 twice
    "America/Sao_Paulo": date(2018, 11, 4),  # skips midnight
    "America/Havana": date(2020, 11, 1),  # shows midnight twice
    "America/St_Johns": date(2010, 11, 7),  # shows the end of the day before again
    "Australia/Lord_Howe": date(2026, 4, 5),  # moves by half an hour
    "Pacific/Apia": date(2011, 12, 30),  # skips a whole day
    "America/Toronto": date(1919, 3, 31),  # skips from 23:30 to 00:30
    "Asia/Kathmandu": date(1986, 1, 1),  # moves by a quarter of an hour
    "Africa/Casablanca": date(2026, 2, 15),  # summer time is the normal one
    "Antarctica/Troll": date(2026, 3, 29),  # moves by two hours
}

zones = st.sampled_from(sorted(STRANGE)).map(zone)


@st.composite
def moments(draw) -> tuple[ZoneInfo, Instant]:
    """A zone and an instant, mostly near a change of its clocks."""
    name = draw(st.sampled_from(sorted(STRANGE)))
    if draw(st.booleans()):
        middle = datetime.combine(STRANGE[name], datetime.min.time(), UTC)
        minutes = draw(st.integers(-3 * 1440, 3 * 1440))
        moment = middle + timedelta(minutes=minutes)
        base = int(moment.timestamp() * 1000)
    else:
        base = draw(st.integers(-2_000_000_000, 4_000_000_000)) * 1000
    return zone(name), Instant(base + draw(st.integers(0, 999)))


def shown(instant: int, in_zone: ZoneInfo) -> datetime:
    """What a clock on the wall shows; the oracle's only source."""
    return datetime_of(Instant(instant)).astimezone(in_zone).replace(tzinfo=None)


def minutes_around(clock: datetime) -> range:
    """Every minute of UTC at which some zone's clock may show that time, and one on each side."""
    middle = int(clock.replace(tzinfo=UTC).timestamp()) * 1000
    middle -= middle % MINUTE
    return range(middle - 27 * 60 * MINUTE, middle + 27 * 60 * MINUTE, MINUTE)


def at(text: str, in_zone: str = "UTC") -> Instant:
    """The instant of a local time that its zone shows once."""
    moment = datetime.fromisoformat(text).replace(tzinfo=zone(in_zone))
    return Instant(int(moment.timestamp() * 1000))


# --- days ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(STRANGE))
def test_midnight_is_the_first_instant_of_the_day(name):
    """Around each change of clocks, midnight is the first minute that shows the day or a later."""
    in_zone = zone(name)
    for ahead in range(-3, 4):
        day = STRANGE[name] + timedelta(days=ahead)
        clock = datetime.combine(day, datetime.min.time())
        walked = next(t for t in minutes_around(clock) if shown(t, in_zone).date() >= day)
        assert format_instant(midnight(day, in_zone)) == format_instant(Instant(walked))


@given(moments())
def test_an_instant_lies_in_its_own_day(moment):
    """local_date is the day whose midnight is the last one not after the instant."""
    in_zone, instant = moment
    day = local_date(instant, in_zone)
    assert midnight(day, in_zone) <= instant < midnight(day + timedelta(days=1), in_zone)


@given(moments(), st.sampled_from(UNITS), st.integers(-30, 30))
def test_units_tile_the_time(moment, unit, offset):
    """A unit ends where the next begins, and none is of negative length."""
    in_zone, as_of = moment
    here = calendar_bounds(CalendarSpan(unit=unit, last=offset), as_of, in_zone)
    following = calendar_bounds(CalendarSpan(unit=unit, last=offset + 1), as_of, in_zone)
    assert here.start <= here.end == following.start


@given(moments(), st.sampled_from(UNITS))
def test_now_lies_in_the_current_unit(moment, unit):
    """Today, this week, this month, this quarter and this year contain the instant asked about."""
    in_zone, as_of = moment
    assert as_of in calendar_bounds(CalendarSpan(unit=unit, last=0), as_of, in_zone)


@given(moments(), st.sampled_from(UNITS), st.integers(-5, 1), st.integers(1, 5))
def test_a_span_is_its_units_one_after_another(moment, unit, last, count):
    """A span of several units starts with its oldest and ends with its newest."""
    in_zone, as_of = moment
    span = calendar_bounds(CalendarSpan(unit=unit, last=last, count=count), as_of, in_zone)
    oldest = calendar_bounds(CalendarSpan(unit=unit, last=last - count + 1), as_of, in_zone)
    newest = calendar_bounds(CalendarSpan(unit=unit, last=last), as_of, in_zone)
    assert span == Bounds(start=oldest.start, end=newest.end)


@pytest.mark.parametrize(
    ("unit", "last", "count", "start", "end"),
    [
        ("day", 0, 1, "2026-03-18T00:00", "2026-03-19T00:00"),
        ("day", -1, 1, "2026-03-17T00:00", "2026-03-18T00:00"),
        ("day", -1, 7, "2026-03-11T00:00", "2026-03-18T00:00"),
        ("week", 0, 1, "2026-03-16T00:00", "2026-03-23T00:00"),
        ("week", -1, 2, "2026-03-02T00:00", "2026-03-16T00:00"),
        ("month", 0, 1, "2026-03-01T00:00", "2026-04-01T00:00"),
        ("month", -3, 1, "2025-12-01T00:00", "2026-01-01T00:00"),
        ("quarter", 0, 1, "2026-01-01T00:00", "2026-04-01T00:00"),
        ("quarter", -1, 1, "2025-10-01T00:00", "2026-01-01T00:00"),
        ("year", 0, 1, "2026-01-01T00:00", "2027-01-01T00:00"),
        ("year", -2, 1, "2024-01-01T00:00", "2025-01-01T00:00"),
    ],
)
def test_units_begin_where_people_say(unit, last, count, start, end):
    """Weeks begin on Monday, quarters in January, April, July and October; days at midnight."""
    span = CalendarSpan(unit=unit, last=last, count=count)
    found = calendar_bounds(span, at("2026-03-18T15:00", "Europe/Paris"), zone("Europe/Paris"))
    assert found == Bounds(start=at(start, "Europe/Paris"), end=at(end, "Europe/Paris"))


# --- months ----------------------------------------------------------------------------------


def clock_shifted(clock: datetime, months: int) -> datetime:
    """Step month by month, then go back to the last day that the month has."""
    year, month = clock.year, clock.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        year, month = (year + 1, 1) if month == 13 else (year, month)
        year, month = (year - 1, 12) if month == 0 else (year, month)
    for day in range(clock.day, 0, -1):
        try:
            return clock.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def first_shown(clock: datetime, in_zone: ZoneInfo) -> int:
    """The first instant that shows the time; of a skipped time, as far behind the skip as it stands
    before its end."""
    minute = clock.replace(second=0, microsecond=0)
    rest = (clock - minute) // timedelta(milliseconds=1)
    walked = [(t, shown(t, in_zone)) for t in minutes_around(clock)]
    for instant, face in walked:
        if face == minute:
            return instant + rest
    for (_, before), (instant, after) in zip(walked, walked[1:], strict=False):
        if before < minute < after:
            skip = after - before - timedelta(minutes=1)
            return instant + (minute + skip - after) // timedelta(milliseconds=1) + rest
    raise AssertionError(f"{clock} is neither shown nor skipped")


@given(moments(), st.integers(-40, 40).filter(bool))
def test_months_shift_the_clock_on_the_wall(moment, months):
    """n months away is the same local time, clipped to the month's end, moved on out of a skip."""
    in_zone, instant = moment
    target = clock_shifted(shown(instant, in_zone), months)
    found = shift_months(instant, months, in_zone)
    assert found == first_shown(target, in_zone)


@pytest.mark.parametrize(
    ("start", "months", "name", "end"),
    [
        ("2026-03-31T12:00:00Z", -1, "UTC", "2026-02-28T12:00:00Z"),
        ("2024-03-31T12:00:00Z", -1, "UTC", "2024-02-29T12:00:00Z"),
        ("2024-02-29T12:00:00Z", 12, "UTC", "2025-02-28T12:00:00Z"),
        ("2026-04-08T06:30:00Z", -1, "America/New_York", "2026-03-08T07:30:00Z"),
        ("2026-11-25T01:30:00Z", -1, "Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:30:00Z", 0, "Europe/Berlin", "2026-10-25T01:30:00Z"),
    ],
)
def test_months_clip_skip_and_repeat(start, months, name, end):
    """The end of a month, a skipped 02:30, a 02:30 shown twice, and no shift at all."""
    assert format_instant(shift_months(parse_instant(start), months, zone(name))) == end


# --- windows and operators -------------------------------------------------------------------

durations = st.builds(
    Duration,
    count=st.integers(0, 900),
    unit=st.sampled_from(["s", "min", "h", "d", "w", "mo", "y"]),
)


@given(moments(), durations)
def test_within_is_open_before_and_closed_at_now(moment, duration):
    """(T - d, T]: T is in it and T + 1 ms is not; it ends where older_than begins."""
    in_zone, as_of = moment
    window = window_bounds(Within(duration=duration), as_of, in_zone)
    older = operator_bounds(OlderThan(duration=duration), as_of, in_zone)
    assert window.end == as_of + 1
    assert window.start == older.end or older.end is None or window.start is None
    if duration.milliseconds:
        assert window.start == as_of - duration.milliseconds + 1
        assert as_of in window
        assert Instant(as_of - duration.milliseconds) not in window


@given(moments(), durations, durations)
def test_ago_lies_between_two_withins(moment, one, other):
    """within: a is ago from a to b, followed by within: b."""
    in_zone, as_of = moment
    far, near = (
        window_bounds(Ago(start=one, end=other), as_of, in_zone),
        window_bounds(Within(duration=other), as_of, in_zone),
    )
    assert far.start == window_bounds(Within(duration=one), as_of, in_zone).start
    assert far.end == near.start
    assert window_bounds(Ago(start=one), as_of, in_zone).end == as_of + 1
    assert window_bounds(Ago(end=other), as_of, in_zone).start is None


@given(moments(), durations)
def test_the_past_is_in_last_or_older(moment, duration):
    """Every instant up to T passes exactly one of in_last and older_than, later ones none."""
    in_zone, as_of = moment
    recent = operator_bounds(InLast(duration=duration), as_of, in_zone)
    older = operator_bounds(OlderThan(duration=duration), as_of, in_zone)
    for probe in {as_of, as_of - 1, (recent.start or 0), (recent.start or 0) - 1}:
        if FIRST <= probe <= as_of:
            assert (Instant(probe) in recent) != (Instant(probe) in older)
    assert Instant(as_of + 1) not in recent
    assert Instant(as_of + 1) not in older


@given(moments(), durations)
def test_the_future_is_in_next_or_further_ahead(moment, duration):
    """Every instant after T passes exactly one of in_next: d and ahead: {from: d}."""
    in_zone, as_of = moment
    soon = operator_bounds(InNext(duration=duration), as_of, in_zone)
    far = operator_bounds(Ahead(start=duration), as_of, in_zone)
    assert operator_bounds(Ahead(end=duration), as_of, in_zone) == soon
    for probe in {as_of + 1, as_of + DAY, (soon.end or as_of + 1), (soon.end or as_of + 2) - 1}:
        if probe > as_of:
            assert (Instant(probe) in soon) != (Instant(probe) in far)
    assert as_of not in soon
    assert as_of not in far


@given(moments(), moments())
def test_before_and_since_part_at_the_moment(moment, other):
    """before and until are strict, since is not, and after leaves the moment out."""
    (in_zone, as_of), (_, point) = moment, other
    bounds = {
        op: operator_bounds(MomentTest(op=op, moment=InstantPoint(instant=point)), as_of, in_zone)
        for op in ("before", "until", "since", "after")
    }
    assert bounds["before"] == bounds["until"] == Bounds(end=point)
    assert bounds["since"] == Bounds(start=point)
    assert bounds["after"] == Bounds(start=Instant(point + 1))


def test_a_date_is_local_midnight():
    """since and until of a date cut at the midnight of the zone asked for."""
    day = DatePoint(date=date(2026, 7, 1))
    window = window_bounds(Fixed(since=day), at("2026-08-01T00:00"), zone("Europe/Paris"))
    assert format_instant(window.start) == "2026-06-30T22:00:00Z"


@given(moments(), moments(), st.sampled_from(UNITS))
def test_no_window_reaches_beyond_now(moment, other, unit):
    """A window ends at T at the latest, a calendar operator at its unit's end."""
    (in_zone, as_of), (_, point) = moment, other
    span = CalendarSpan(unit=unit, last=0)
    fixed = Fixed(until=InstantPoint(instant=point))
    assert window_bounds(None, as_of, in_zone) == Bounds(end=Instant(as_of + 1))
    assert window_bounds(fixed, as_of, in_zone).end == min(point, as_of + 1)
    assert window_bounds(InCalendar(span=span), as_of, in_zone).end == as_of + 1
    on_calendar = operator_bounds(OnCalendar(span=span), as_of, in_zone)
    assert on_calendar == calendar_bounds(span, as_of, in_zone)


@given(moments(), st.integers(-5, 5), st.integers(0, 5 * DAY))
def test_date_bounds_hold_the_dates_whose_midnight_is_inside(moment, days, length):
    """A date passes the date bounds exactly where its midnight passes the instant ones."""
    in_zone, as_of = moment
    start = Instant(as_of + days * DAY)
    bounds = Bounds(start=start, end=Instant(start + length))
    dates = date_bounds(bounds, in_zone)
    for ahead in range(-8, 15):
        day = shown(start, in_zone).date() + timedelta(days=ahead)
        assert (day in dates) == (midnight(day, in_zone) in bounds)


def test_a_skipped_day_begins_with_the_next_one():
    """Apia had no 30 December 2011: its midnight is that of the 31st, so the bounds hold both."""
    in_zone = zone("Pacific/Apia")
    start = midnight(date(2011, 12, 31), in_zone)
    dates = date_bounds(Bounds(start=start, end=Instant(start + 1)), in_zone)
    assert [day for day in range(28, 32) if date(2011, 12, day) in dates] == [30, 31]


# --- the calendar's ends ---------------------------------------------------------------------

ends = st.one_of(st.integers(FIRST, FIRST + 400 * DAY), st.integers(LAST - 400 * DAY, LAST)).map(
    Instant
)
anything = st.one_of(
    st.builds(Within, duration=durations),
    st.builds(Ago, start=durations, end=durations),
    st.builds(
        InCalendar,
        span=st.builds(
            CalendarSpan,
            unit=st.sampled_from(UNITS),
            last=st.integers(-9000, 9000),
            count=st.integers(1, 9000),
        ),
    ),
    st.builds(Within, duration=st.builds(Duration, count=st.just(10**12), unit=st.just("y"))),
)


@given(ends, zones, anything)
def test_at_the_calendars_ends_bounds_open_or_close(as_of, in_zone, window):
    """In the years 1 and 9999 every window resolves to ends that a datetime can hold."""
    bounds = window_bounds(window, as_of, in_zone)
    for end in (bounds.start, bounds.end):
        assert end is None or FIRST <= end <= LAST
    date_bounds(bounds, in_zone)
    anniversary_days(Anniversary(start_days=-400, end_days=400), as_of, in_zone)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (InLast(duration=parse_duration("20000y")), (True, False)),
        (OlderThan(duration=parse_duration("20000y")), (False, False)),
        (OlderThan(duration=parse_duration("9999999d")), (False, False)),
        (InNext(duration=parse_duration("20000y")), (False, True)),
        (Ahead(start=parse_duration("20000y")), (False, False)),
        (Ahead(start=parse_duration("9999999w")), (False, False)),
        (OnCalendar(span=CalendarSpan(unit="year", last=20000)), (False, False)),
        (OnCalendar(span=CalendarSpan(unit="year", last=-20000)), (False, False)),
    ],
)
def test_what_lies_beyond_the_calendar_has_no_instants(operator, expected):
    """An end beyond the years 1 to 9999 is open, a range wholly beyond them is empty."""
    as_of = at("2026-01-01T00:00")
    bounds = operator_bounds(operator, as_of, zone("Asia/Tokyo"))
    assert (Instant(FIRST) in bounds, Instant(LAST) in bounds) == expected


# --- anniversaries ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "start", "end", "days"),
    [
        ("2026-01-31", 0, 0, [(1, 31)]),
        ("2026-02-28", 0, 0, [(2, 28), (2, 29)]),
        ("2028-02-28", 0, 0, [(2, 28)]),
        ("2028-02-29", 0, 0, [(2, 29)]),
        ("2026-03-01", 0, 0, [(3, 1)]),
        ("2025-12-31", -1, 1, [(1, 1), (12, 30), (12, 31)]),
        ("2026-02-27", 0, 2, [(2, 27), (2, 28), (2, 29), (3, 1)]),
    ],
)
def test_the_29th_of_february_is_kept_on_the_28th(today, start, end, days):
    """Days around today are local days; 29 February counts on the 28th in other years."""
    as_of = at(f"{today}T23:30", "America/New_York")
    operator = Anniversary(start_days=start, end_days=end)
    assert list(anniversary_days(operator, as_of, zone("America/New_York"))) == days


def test_a_fixed_day_is_itself_in_every_year():
    """A month and day that were written down mean just them, whatever the year."""
    operator = Anniversary(month=2, day=28)
    assert anniversary_days(operator, at("2026-02-28T12:00"), zone("UTC")) == ((2, 28),)


def test_a_range_of_years_holds_every_day():
    """Beyond eight years each of the 366 days has come, however far the range reaches."""
    operator = Anniversary(start_days=0, end_days=10**9)
    assert len(anniversary_days(operator, at("2097-01-01T00:00"), zone("UTC"))) == 366


# --- zones -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../etc/passwd", "/etc", "America", "localtime"]
)
def test_what_is_no_zone_is_refused(name):
    """Unknown names, paths, folders and the machine's own zone are all refused alike."""
    with pytest.raises(ValueError, match="is not a time zone"):
        zone(name)
