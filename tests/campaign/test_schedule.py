"""Schedules, against an oracle that looks at the clock on the wall minute by minute."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segflow.campaign.schedule import Due, due, next_occurrences, occurrences, validate_cron
from segflow.compiler.timeline import LAST
from segflow.model.duration import Duration, parse_duration
from segflow.model.instant import Instant, format_instant, instant_of, parse_instant
from segflow.model.rule import CronTrigger, EveryTrigger
from segflow.model.segment import Cron, Every

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

# Days on which clocks do something strange.
STRANGE = (
    ("UTC", "2026-02-28"),
    ("Europe/Berlin", "2026-03-29"),  # skips 02:00-03:00
    ("Europe/Berlin", "2026-10-25"),  # shows it twice
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),  # half an hour only
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Sao_Paulo", "2017-10-15"),  # skips midnight
    ("America/Sao_Paulo", "2018-02-18"),  # shows 23:00-24:00 twice
    ("Antarctica/Troll", "2026-03-29"),  # two hours
    ("Antarctica/Troll", "2026-10-25"),
    ("Asia/Kathmandu", "1986-01-01"),  # skips 15 minutes
    ("Pacific/Apia", "2011-12-30"),  # skips the whole day
)


# --- the oracle ------------------------------------------------------------------------------


@cache
def wall(zone, day):
    """For the days around: the instants at which each local minute is shown, and for each minute
    that is skipped the instant it moves on to."""
    shown, moved = defaultdict(list), {}
    middle = instant_of(datetime.fromisoformat(day).replace(tzinfo=UTC))
    before = None
    for instant in range(middle - 5 * DAY, middle + 5 * DAY, MINUTE):
        moment = datetime.fromtimestamp(instant // 1000, ZoneInfo(zone)).replace(tzinfo=None)
        skipped = [] if before is None else range(1, (moment - before) // timedelta(minutes=1))
        for step, minutes in enumerate(skipped):
            moved[before + timedelta(minutes=minutes)] = instant + step * MINUTE
        shown[moment].append(instant)
        before = moment
    return middle, dict(shown), moved


MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
WEEKDAYS = "sun mon tue wed thu fri sat"
NAMES = {
    3: {name: number for number, name in enumerate(MONTHS.split(), start=1)},
    4: {name: number for number, name in enumerate(WEEKDAYS.split())},
}
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def members(field, place):
    """The numbers that a field stands for."""
    low, high = RANGES[place]
    found = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        number = {name: str(value) for name, value in NAMES.get(place, {}).items()}
        if span == "*":
            bounds = low, high
        elif last:
            bounds = int(number.get(first, first)), int(number.get(last, last))
        else:
            start = int(number.get(first, first))
            bounds = start, high if step else start
        found.update(range(bounds[0], bounds[1] + 1, int(step or 1)))
    return found


def matcher(expression):
    """Says of a local minute whether the expression matches it."""
    fields = expression.split()
    minutes, hours, days, months, weekdays = (members(f, i) for i, f in enumerate(fields))
    both = fields[2].startswith("*") or fields[4].startswith("*")

    def matches(moment):
        if moment.minute not in minutes or moment.hour not in hours or moment.month not in months:
            return False
        weekday = moment.isoweekday()
        of_month, of_week = moment.day in days, weekday in weekdays or weekday % 7 in weekdays
        return of_month and of_week if both else of_month or of_week

    return matches


def expected(trigger, zone, day, start, end):
    """What the wall says about [start, end)."""
    _, shown, moved = wall(zone, day)
    matches = matcher(trigger.cron)
    found = set()
    for moment, instants in shown.items():
        if matches(moment):
            chosen = {"first": instants[:1], "last": instants[-1:], "both": instants}
            found.update(chosen[trigger.fold])
    if trigger.gap == "shift":
        found.update(instant for moment, instant in moved.items() if matches(moment))
    return sorted(instant for instant in found if start <= instant < end)


# --- cron ------------------------------------------------------------------------------------


@st.composite
def cron_fields(draw, place):
    """A list of parts: *, numbers, ranges, steps and names."""
    low, high = RANGES[place]
    names = {value: name for name, value in NAMES.get(place, {}).items()}

    def number(value):
        name = names.get(value)
        return draw(st.sampled_from([str(value), name, name.upper()])) if name else str(value)

    def part():
        first, last = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
        if draw(st.booleans()):
            last = first
        text = number(first) if first == last else f"{number(first)}-{number(last)}"
        return text + draw(st.sampled_from(["", "", "/2", "/7"]))

    parts = [part() for _ in range(draw(st.integers(1, 3)))]
    stars = st.sampled_from(["*", "*", "*/2", "*/5", "*/15"])
    return draw(stars | st.just(",".join(parts)))


crons = st.tuples(*(cron_fields(place) for place in range(5))).map(" ".join)
frequent = st.tuples(cron_fields(0), cron_fields(1)).map(lambda fields: f"{' '.join(fields)} * * *")
policies = st.fixed_dictionaries(
    {"gap": st.sampled_from(["shift", "skip"]), "fold": st.sampled_from(["first", "last", "both"])}
)


@given(
    place=st.sampled_from(STRANGE),
    cron=frequent | crons,
    policy=policies,
    start=st.integers(-3 * DAY, 2 * DAY) | st.integers(-72, 48).map(lambda hours: hours * HOUR),
    length=st.integers(0, 2 * DAY),
)
def test_occurrences_are_those_on_the_wall(place, cron, policy, start, length):
    """Whatever the clocks do, the instants in a range are those that a walk by minutes finds."""
    assume(validate_cron(cron) is None)
    zone, day = place
    trigger = CronTrigger(cron=cron, **policy)
    begin = Instant(wall(zone, day)[0] + start)
    found = occurrences(trigger, ZoneInfo(zone), begin, Instant(begin + length))
    assert list(found) == expected(trigger, zone, day, begin, begin + length)


@pytest.mark.parametrize(("zone", "day"), STRANGE)
@pytest.mark.parametrize("cron", ["*/30 * * * *", "30 2 * * *", "0 0 * * *", "15,45 0-3,23 * * *"])
def test_defaults_on_strange_days(zone, day, cron):
    """Around each change of clocks gap: shift and fold: first hold for common expressions."""
    middle = wall(zone, day)[0]
    start, end = Instant(middle - 3 * DAY), Instant(middle + 3 * DAY)
    trigger = CronTrigger(cron=cron)
    found = list(occurrences(trigger, ZoneInfo(zone), start, end))
    assert found == expected(trigger, zone, day, start, end)
    assert all(earlier < later for earlier, later in pairwise(found))


@given(
    place=st.sampled_from(STRANGE),
    cron=frequent,
    cuts=st.tuples(*[st.integers(-2 * DAY, 2 * DAY)] * 3).map(sorted),
)
def test_ranges_join(place, cron, cuts):
    """Cutting a range in two neither loses nor doubles an instant."""
    zone, day = place
    first, cut, last = (Instant(wall(zone, day)[0] + offset) for offset in cuts)
    trigger, where = CronTrigger(cron=cron), ZoneInfo(zone)
    parts = (occurrences(trigger, where, a, b) for a, b in ((first, cut), (cut, last)))
    whole = occurrences(trigger, where, first, last)
    assert [instant for part in parts for instant in part] == list(whole)


@pytest.mark.parametrize(
    ("zone", "cron", "after", "then"),
    [
        # 02:30 does not exist: it moves on by the hour that is skipped.
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        # 02:30 comes twice: the first one, in summer time.
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z", "2026-10-03T15:45:00Z"),
        ("America/Sao_Paulo", "0 0 * * *", "2017-10-14T12:00:00Z", "2017-10-15T03:00:00Z"),
        ("America/New_York", "0 9 * * mon-fri", "2026-03-06T15:00:00Z", "2026-03-09T13:00:00Z"),
        ("Asia/Shanghai", "0 9 * * *", "2026-03-06T01:00:00Z", "2026-03-07T01:00:00Z"),
        # Either day field is enough where neither is a star, both must fit where one is.
        ("UTC", "0 0 13 * fri", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"),
        ("UTC", "0 0 */13 * fri", "2026-03-01T00:00:00Z", "2026-03-27T00:00:00Z"),
        ("UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
    ],
)
def test_the_next_one(zone, cron, after, then):
    """Known instants, worked out by hand."""
    (found,) = next_occurrences(CronTrigger(cron=cron), ZoneInfo(zone), parse_instant(after), 1)
    assert format_instant(found) == then


def test_a_day_that_was_skipped_whole():
    """Apia had no 30 December 2011: what was set for it ran a day later, from that instant on."""
    apia, start = ZoneInfo("Pacific/Apia"), parse_instant("2011-12-30T10:00:00Z")
    found = occurrences(CronTrigger(cron="0 0 30 12 *"), apia, start, Instant(start + DAY))
    assert list(found) == [start]


def test_two_local_times_of_one_instant_run_once():
    """02:30 moves on to 03:30, which is scheduled too; the two are one run."""
    berlin, start = ZoneInfo("Europe/Berlin"), parse_instant("2026-03-29T00:00:00Z")
    found = occurrences(CronTrigger(cron="30 1-3 * * *"), berlin, start, Instant(start + 6 * HOUR))
    assert [format_instant(instant) for instant in found] == [
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:30:00Z",
    ]


@given(
    place=st.sampled_from(STRANGE),
    cron=frequent,
    start=st.integers(-DAY, DAY),
    count=st.integers(0, 9),
)
def test_the_next_ones_are_the_first_after(place, cron, start, count):
    """next_occurrences() gives the first occurrences that are later than its instant."""
    zone, day = place
    after = Instant(wall(zone, day)[0] + start)
    trigger, where = CronTrigger(cron=cron), ZoneInfo(zone)
    found = next_occurrences(trigger, where, after, count)
    assert len(found) == count
    if count:
        whole = occurrences(trigger, where, Instant(after + 1), Instant(found[-1] + 1))
        assert found == tuple(whole)


def test_the_calendar_ends():
    """After the year 9999 there is nothing, and no error."""
    near = parse_instant("9999-12-30T12:00:00Z")
    for schedule in (CronTrigger(cron="0 0 * * *"), EveryTrigger(every=parse_duration("1mo"))):
        assert len(next_occurrences(schedule, ZoneInfo("UTC"), near, 5)) < 2
    assert occurrences(Cron(expression="* * * * *"), ZoneInfo("UTC"), near, LAST)


# --- what is a cron expression ---------------------------------------------------------------


@given(cron=crons)
def test_what_is_written_by_the_rules_is_valid(cron):
    """Every expression of the grammar is valid, save where no month has such a day."""
    reason = validate_cron(cron)
    if reason is not None:
        days, months = members(cron.split()[2], 2), members(cron.split()[3], 3)
        assert reason.endswith("so it would never come")
        assert min(days) > max(
            {2: 29}.get(month, 30 + (month in (1, 3, 5, 7, 8, 10, 12))) for month in months
        )


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "a cron expression has five fields, this one has 0"),
        ("* * * *", "a cron expression has five fields, this one has 4"),
        ("0 0 9 * * *", "a cron expression has five fields, this one has 6"),
        ("@daily", "a cron expression has five fields, this one has 1"),
        ("60 * * * *", "`60` is no minute of cron"),
        ("-1 * * * *", "`-1` is no minute of cron"),
        ("1,, * * * *", None),
        ("*/0 * * * *", "`*/0` is no minute of cron"),
        ("*/ * * * *", "`*/` is no minute of cron"),
        ("1/2/3 * * * *", "`1/2/3` is no minute of cron"),
        ("5-1 * * * *", "`5-1` is no minute of cron"),
        ("0 24 * * *", "`24` is no hour of cron"),
        ("0 9 0 * *", "`0` is no day of the month of cron"),
        ("0 9 32 * *", "`32` is no day of the month of cron"),
        ("0 9 L * *", "`L` is no day of the month of cron"),
        ("0 9 LW * *", "`LW` is no day of the month of cron"),
        ("0 9 ? * *", "`?` is no day of the month of cron"),
        ("0 9 * 13 *", "`13` is no month of cron"),
        ("0 9 * mon *", "`mon` is no month of cron"),
        ("0 9 * * 8", "`8` is no day of the week of cron"),
        ("0 9 * * jan", "`jan` is no day of the week of cron"),
        ("0 9 * * 5L", "`5L` is no day of the week of cron"),
        ("0 9 * * mon#1", "`mon#1` is no day of the week of cron"),
        ("0 9 * * fri-mon", "`fri-mon` is no day of the week of cron"),
        ("٣ * * * *", "`٣` is no minute of cron"),
        ("9" * 5000 + " * * * *", None),
        ("0 0 30 2 *", "no month of `2` has a day `30`, so it would never come"),
        ("0 0 31 feb,apr *", "no month of `feb,apr` has a day `31`, so it would never come"),
    ],
)
def test_broken_expressions_say_why(expression, reason):
    """What is no five-field cron expression has a reason, and no occurrences."""
    found = validate_cron(expression)
    assert found if reason is None else found == reason
    with pytest.raises(ValueError, match="cron|would never come"):
        occurrences(CronTrigger(cron=expression), ZoneInfo("UTC"), Instant(0), Instant(DAY))


@pytest.mark.parametrize(
    "expression", ["* * * * *", "0  9 * *  MON-fri", "*/7 1,2-4/2 1/10 jan-DEC 7", "0 0 30 2 mon"]
)
def test_expressions_that_are_valid(expression):
    """Case and the width of white space do not matter; a weekday makes 30 February harmless."""
    assert validate_cron(expression) is None


@given(text=st.text(alphabet="0123456789*,/-#LW?@ jansun\t", max_size=20))
def test_any_text_is_judged(text):
    """No text makes the judge fall over, and what it lets through has occurrences to come."""
    if validate_cron(text) is None:
        found = next_occurrences(CronTrigger(cron=text), ZoneInfo("UTC"), Instant(0), 1)
        assert len(found) == 1


# --- every -----------------------------------------------------------------------------------


@given(
    every=st.builds(
        Duration, count=st.integers(1, 400), unit=st.sampled_from(["s", "min", "h", "d", "w"])
    ),
    start=st.integers(-(10**12), 10**13),
    steps=st.integers(0, 20),
)
def test_every_counts_from_the_epoch(every, start, steps):
    """The instants are the multiples of the length, on every machine and in every zone."""
    length = every.milliseconds
    end = start + steps * length
    found = list(occurrences(EveryTrigger(every=every), ZoneInfo("Asia/Tokyo"), start, end))
    assert all(instant % length == 0 and start <= instant < end for instant in found)
    assert len(found) == steps


@pytest.mark.parametrize(
    ("every", "zone", "then"),
    [
        ("1mo", "UTC", ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]),
        ("3mo", "Europe/Berlin", ["2026-03-31T22:00:00Z", "2026-06-30T22:00:00Z"]),
        ("2y", "UTC", ["2028-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
    ],
)
def test_months_begin_at_local_midnight(every, zone, then):
    """Steps of months count from January 1970 and come on the first of the month."""
    trigger = EveryTrigger(every=parse_duration(every))
    after = parse_instant("2026-01-15T00:00:00Z")
    assert [format_instant(i) for i in next_occurrences(trigger, ZoneInfo(zone), after, 2)] == then


def test_a_distance_of_nothing_is_refused():
    """`every: 0h` would never end."""
    with pytest.raises(ValueError, match="0h is no distance"):
        occurrences(EveryTrigger(every=parse_duration("0h")), ZoneInfo("UTC"), Instant(0), LAST)


def test_a_refresh_has_the_same_instants():
    """A segment's refresh comes when a trigger written alike does."""
    zone, start, end = ZoneInfo("Europe/Berlin"), Instant(0), Instant(400 * DAY)
    six_hours = parse_duration("6h")
    for refresh, trigger in (
        (Every(duration=six_hours), EveryTrigger(every=six_hours)),
        (Cron(expression="0 2 * * *"), CronTrigger(cron="0 2 * * *")),
    ):
        found = list(occurrences(refresh, zone, start, end))
        assert found == list(occurrences(trigger, zone, start, end))
        assert found


# --- due -------------------------------------------------------------------------------------

UTC_ZONE = ZoneInfo("UTC")
NOON = parse_instant("2026-03-10T12:00:00Z")


def hourly(misfire="latest", catch_up="1h"):
    return EveryTrigger(
        every=parse_duration("1h"), misfire=misfire, catch_up=parse_duration(catch_up)
    )


def hours(*offsets):
    return tuple(Instant(NOON + offset * HOUR) for offset in offsets)


@pytest.mark.parametrize(
    ("trigger", "after", "now", "run", "missed"),
    [
        (hourly(), -1, 0, (0,), ()),
        (hourly(), 0, 0.5, (), ()),
        (hourly(), -3, 0.5, (0,), (-2, -1)),
        (hourly(catch_up="30min"), -3, 0.5, (0,), (-2, -1)),
        (hourly(catch_up="29min"), -3, 0.5, (), (-2, -1, 0)),
        (hourly("all", "90min"), -3, 0.5, (-1, 0), (-2,)),
        (hourly("all", "1w"), -3, 0.5, (-2, -1, 0), ()),
        (hourly("skip", "1w"), -3, 0.01, (0,), (-2, -1)),
        (hourly("skip", "1w"), -3, 0.5, (), (-2, -1, 0)),
        (hourly(), 5, 0, (), ()),
        (Every(duration=parse_duration("1h")), -3, 0.9, (0,), (-2, -1)),
        (Every(duration=parse_duration("1d")), -80, 11.9, (-12,), (-60, -36)),
        (Cron(expression="0 6 * * *"), -24, 17, (-6,), ()),
    ],
)
def test_what_is_due(trigger, after, now, run, missed):
    """In (after, now] the misfire policy parts what runs from what is missed."""
    found = due(
        trigger,
        UTC_ZONE,
        after=Instant(NOON + after * HOUR),
        now=Instant(NOON + round(now * HOUR)),
    )
    assert found == Due(run=hours(*run), missed=hours(*missed))


def test_catching_up_a_month():
    """A catch_up of a month is a step in the calendar."""
    trigger = CronTrigger(cron="0 0 28 * *", catch_up=parse_duration("1mo"))
    start = parse_instant("2026-02-01T00:00:00Z")
    late = parse_instant("2026-03-27T23:59:59Z")
    assert due(trigger, UTC_ZONE, after=start, now=late).run == (
        parse_instant("2026-02-28T00:00:00Z"),
    )


@given(
    place=st.sampled_from(STRANGE),
    cron=frequent,
    misfire=st.sampled_from(["skip", "latest", "all"]),
    looks=st.lists(st.integers(-2 * DAY, 2 * DAY), min_size=2, max_size=6).map(sorted),
)
def test_no_instant_is_forgotten(place, cron, misfire, looks):
    """However a daemon looks, each instant is run or missed once, and what runs is not too old."""
    zone, day = place
    where, middle = ZoneInfo(zone), wall(zone, day)[0]
    trigger = CronTrigger(cron=cron, misfire=misfire)
    seen = []
    for after, now in pairwise(Instant(middle + look) for look in looks):
        found = due(trigger, where, after=after, now=now)
        seen += [*found.missed, *found.run]
        assert all(now - instant <= HOUR for instant in found.run)
        assert misfire == "all" or len(found.run) <= 1
    whole = occurrences(trigger, where, middle + looks[0] + 1, middle + looks[-1] + 1)
    assert seen == list(whole)
