"""The resolver of time against PostgreSQL's AT TIME ZONE: every zone, each change of 2000 to 2040.

The two differ by decision (0010) in three points, and in nothing else. They are written out below,
on top of what PostgreSQL answers:

- Of a time that clocks show twice, PostgreSQL takes the second, segflow the first.
- A midnight that clocks skip, PostgreSQL moves on by the skip, segflow to the end of the skip. Any
  other skipped time both move on by the skip.
- Where clocks that are put back show the day before again, it is that day to PostgreSQL; to segflow
  a day that has begun goes on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import available_timezones

import psycopg
import pytest

from segflow.compiler.clocks import clock_offsets
from segflow.compiler.timeline import calendar_bounds, local_date, midnight, shift_months, zone
from segflow.model.instant import Instant, datetime_of, parse_instant
from segflow.model.window import CalendarSpan
from tests.compiler import judge
from tests.services import postgres_url

SINCE = parse_instant("2000-01-01T00:00:00Z")
UNTIL = parse_instant("2041-01-01T00:00:00Z")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
HOUR = 3_600_000
DAY = 24 * HOUR
UNITS = ("day", "week", "month", "quarter", "year")
OFFSETS = (-1, 0, 1)
MONTHS = (-13, -1, 1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From an instant on the clocks of a zone are `after` ahead of UTC, no longer `before`."""

    zone: str
    at: Instant
    before: int
    after: int


@pytest.fixture(scope="module")
def postgres() -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url()) as connection:
        yield connection


@cache
def changes_of(name: str) -> tuple[Change, ...]:
    """The changes of a zone by its own data, which are looked at once a week, in order."""
    walked = [*range(SINCE - DAY, UNTIL + 7 * DAY, 7 * DAY)]
    found = []
    for start, end in pairwise(walked):
        while (before := ahead(name, start)) != ahead(name, end):
            later = range(start + 1, end + 1)
            start = later[bisect_left(later, True, key=lambda at: ahead(name, at) != before)]
            after = ahead(name, start)
            found.append(Change(zone=name, at=Instant(start), before=before, after=after))
    return tuple(found)


def ahead(name: str, at: int) -> int:
    """How far the clocks of a zone are ahead of UTC."""
    return (EPOCH + timedelta(milliseconds=at)).astimezone(zone(name)).utcoffset() // MILLISECOND


@pytest.fixture(scope="module")
def known(postgres) -> tuple[str, ...]:
    """The zones that both know."""
    both = judge.zones(postgres) & available_timezones() - {"localtime", "posixrules"}
    return tuple(sorted(both))


@pytest.fixture(scope="module")
def agreed(postgres, known) -> tuple[str, ...]:
    """The zones whose clocks both show alike, on both sides of each change and each week: the two
    may have data of different releases, and then nothing can be said about the others."""
    asked = [
        (one.zone, one.at + beside, one.at + beside + ahead)
        for one in all_of(known)
        for beside, ahead in ((-1, one.before), (0, one.after))
    ]
    answers = judge.shown(postgres, [question[:2] for question in asked])
    other = {name for (name, _, ours), shown in zip(asked, answers, strict=True) if ours != shown}
    weeks = judge.series(postgres, known, SINCE, UNTIL, 7 * DAY)
    other |= {name for name, at, shown in weeks if by_changes(name, at) != shown - at}
    return tuple(name for name in known if name not in other)


@pytest.fixture(scope="module")
def changes(agreed) -> list[Change]:
    """All changes of the zones agreed upon, of those with the same changes only one's."""
    alike = {
        tuple((one.at, one.before, one.after) for one in changes_of(name)): name for name in agreed
    }
    return all_of(sorted(alike.values()))


def by_changes(name: str, at: int) -> int:
    """How far the clocks of a zone are ahead, by the changes before."""
    changes = changes_of(name)
    index = bisect_right(changes, at, key=lambda one: one.at)
    if not changes:
        return ahead(name, at)
    return changes[index - 1].after if index else changes[0].before


def all_of(names: Sequence[str]) -> list[Change]:
    return [one for name in names for one in changes_of(name)]


def ours(name: str, clock: int, taken: int, shown: int, *, midnight: bool) -> int:
    """The instant that segflow takes for a time of the clock, by the one that PostgreSQL takes and
    by what the clocks show then: the first two of the differences."""
    changes = changes_of(name)
    index = bisect_right(changes, taken, key=lambda one: one.at) - 1
    last = changes[index] if index >= 0 else None
    if shown != clock:
        assert last is not None and shown - clock == last.after - last.before, "a skip"
        return last.at if midnight else taken
    if last is not None and taken - last.at < (twice := last.before - last.after):
        return taken - twice
    return taken


def agree(questions: Sequence[object], found: Sequence[object], expected: Sequence[object]) -> None:
    """Shows the first questions that are answered otherwise."""
    assert len(questions) == len(found) == len(expected) > 1_000
    rows = zip(questions, found, expected, strict=True)
    assert [row for row in rows if row[1] != row[2]][:5] == []


def test_the_clocks_of_nearly_all_zones_are_compared(known, agreed):
    """Both know at least 400 zones, and agree on nine of ten changes at least."""
    known_changes, compared = len(all_of(known)), len(all_of(agreed))
    assert len(known) >= 400
    assert compared >= 10_000
    assert compared >= 0.9 * known_changes, f"{compared} of {known_changes}"


def test_lists_of_clocks(agreed):
    """The list given to engines has each change of a zone and no other, in every twentieth zone."""
    for name in agreed[::20]:
        listed = tuple(
            Change(zone=name, at=now.since, before=last.ahead, after=now.ahead)
            for last, now in pairwise(clock_offsets(zone(name)))
            if SINCE <= now.since < UNTIL
        )
        assert listed == tuple(one for one in changes_of(name) if SINCE <= one.at < UNTIL)


def test_midnights(postgres, changes):
    """The midnights of the days around each change, at all offsets."""
    questions = [
        (one.zone, (one.at + one.before) // DAY * DAY + days * DAY)
        for one in changes
        for days in (-1, 0, 1, 2)
    ]
    found = [midnight(datetime_of(Instant(clock)).date(), zone(name)) for name, clock in questions]
    answers = judge.resolved(postgres, questions)
    expected = [
        ours(*question, *answer, midnight=True)
        for question, answer in zip(questions, answers, strict=True)
    ]
    agree(questions, found, expected)


def around(changes: Sequence[Change]) -> list[tuple[Change, Instant]]:
    """Instants around each change."""
    besides = (-DAY, -HOUR, -1, 0, 1, HOUR // 2, HOUR - 1, HOUR, 2 * HOUR, DAY)
    return [(one, Instant(one.at + beside)) for one in changes for beside in besides]


def days_begun(postgres: psycopg.Connection, asked: Sequence[tuple[Change, Instant]]) -> list[int]:
    """00:00 of the day that each instant lies in: the third of the differences."""
    now = judge.shown(postgres, [(one.zone, at) for one, at in asked])
    before = judge.shown(postgres, [(one.zone, one.at - 1) for one, _ in asked])
    return [
        (max(shown, last) if at >= one.at else shown) // DAY * DAY
        for (one, at), shown, last in zip(asked, now, before, strict=True)
    ]


def test_local_dates(postgres, changes):
    """The local day of instants around each change."""
    asked = around(changes)
    found = [local_date(at, zone(one.zone)) for one, at in asked]
    expected = [datetime_of(Instant(day)).date() for day in days_begun(postgres, asked)]
    agree(asked, found, expected)


@pytest.mark.parametrize("unit", UNITS)
def test_calendar_units(postgres, changes, unit):
    """The starts of the units before, at and after instants around each change, and their ends."""
    asked = [(one, Instant(one.at + beside)) for one in changes for beside in (-1, HOUR // 2)]
    found = [
        calendar_bounds(CalendarSpan(unit=unit, last=last, count=1), at, zone(one.zone)).start
        for one, at in asked
        for last in OFFSETS
    ]
    days = days_begun(postgres, asked)
    questions = [
        (one.zone, day, last) for (one, _), day in zip(asked, days, strict=True) for last in OFFSETS
    ]
    starts = judge.unit_starts(postgres, unit, questions)
    clocks = [(name, start) for (name, _, _), start in zip(questions, starts, strict=True)]
    answers = judge.resolved(postgres, clocks)
    expected = [
        ours(*clock, *answer, midnight=True) for clock, answer in zip(clocks, answers, strict=True)
    ]
    agree(questions, found, expected)


def test_months(postgres, changes):
    """Months later or earlier than instants so chosen that it is skipped, shown twice, or beside:
    the same time of the clock, and the last day of a month that is too short."""
    questions = [
        (one.zone, shift_months(Instant(at), -months, zone(one.zone)), months)
        for one in changes
        for months in MONTHS
        for at in (one.at - 1, one.at + (one.after - one.before) // 2, one.at, one.at + 20 * DAY)
    ]
    questions += [
        (one.zone, Instant(one.at + days * DAY), months)
        for one in changes
        for months, days in ((1, 0), (-1, 1), (12, 2), (4, 3))
    ]
    found = [shift_months(at, months, zone(name)) for name, at, months in questions]
    shifted = judge.shifted(postgres, questions)
    clocks = [(name, clock) for (name, _, _), clock in zip(questions, shifted, strict=True)]
    answers = judge.resolved(postgres, clocks)
    expected = [
        ours(*clock, *answer, midnight=False) for clock, answer in zip(clocks, answers, strict=True)
    ]
    agree(questions, found, expected)
