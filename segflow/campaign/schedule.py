"""Schedules: at which instants a rule runs or a segment is refreshed, and which of them are due.

cronsim says which local times match an expression. Which instants those times are is decided here,
not there: it is part of what a rule means, and cron's own habits around a change of clocks differ.
"""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count as count_from
from itertools import groupby, islice, takewhile
from typing import assert_never
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from segflow.compiler.timeline import (
    FIRST,
    LAST,
    Bounds,
    local_date,
    midnight,
    moment_instant,
    shift_months,
)
from segflow.model.duration import Duration
from segflow.model.instant import Instant, datetime_of, instant_of
from segflow.model.rule import CronTrigger, EveryTrigger, Rule
from segflow.model.segment import Cron, Every

Schedule = CronTrigger | EveryTrigger | Cron | Every
"""What has scheduled instants: triggers of rules and refreshes of segments."""

ALWAYS = Bounds()
"""Active all the time."""

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_RANGE = r"(?:\*|(?:[0-9]{1,3}|[a-z]{3})(?:-(?:[0-9]{1,3}|[a-z]{3}))?)(?:/[0-9]{1,3})?"
_FIELD = re.compile(rf"{_RANGE}(?:,{_RANGE})*", re.ASCII | re.IGNORECASE)

_FIRST_YEAR = 1970
_DAY = 86_400_000
_LOOKING_BACK = (1, 40, 400, 366 * 9)
"""Days: a 29 February comes again after eight years at most."""

_ON_TIME = 60_000
"""`misfire: skip` skips what is later than this; a daemon never looks at the very millisecond."""

_LONGEST_CHANGE = timedelta(days=1, minutes=1)
"""No change of clocks skips or repeats that much: islands that crossed the date line lost a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Scheduled instants that have come, ascending: those to run, and those to record as missed."""

    run: tuple[Instant, ...] = ()
    missed: tuple[Instant, ...] = ()


def occurrences(
    schedule: Schedule, zone: ZoneInfo, start: Instant, end: Instant
) -> Iterator[Instant]:
    """The scheduled instants in [start, end), ascending, each once.

    `zone` is that of the cron expression. `every` counts from 1970-01-01: the exact instants
    k * every, or for months their first local midnights, so that all machines agree. Raises
    ValueError for what is no schedule: a cron expression that validate_cron() rejects, `every: 0h`.
    """
    match schedule:
        case CronTrigger():
            instants = _cron(schedule, zone, start)
        case Cron(expression=expression):
            instants = _cron(CronTrigger(cron=expression), zone, start)
        case EveryTrigger(every=step) | Every(duration=step):
            instants = _every(step, zone, start)
        case _:
            assert_never(schedule)
    from_start = (instant for instant in instants if instant >= start)
    return takewhile(lambda instant: instant < end, from_start)


def next_occurrences(
    schedule: Schedule, zone: ZoneInfo, after: Instant, count: int
) -> tuple[Instant, ...]:
    """The first `count` scheduled instants later than `after`; fewer where the calendar ends."""
    return tuple(islice(occurrences(schedule, zone, Instant(after + 1), LAST), count))


def zone_name(schedule: Schedule, timezone: str) -> str:
    """The time zone that a schedule is read by, in a project of that time zone."""
    own = schedule.timezone if isinstance(schedule, CronTrigger | Cron) else None
    return own or timezone


def active_bounds(rule: Rule, zone: ZoneInfo) -> Bounds:
    """The scheduled instants at which a rule is active; `zone` is that of its trigger."""
    start = None if rule.active_from is None else moment_instant(rule.active_from, zone)
    end = None if rule.active_until is None else moment_instant(rule.active_until, zone)
    return Bounds(start=start, end=end)


def next_runs(
    rule: Rule, trigger: CronTrigger | EveryTrigger, zone: ZoneInfo, after: Instant, count: int
) -> tuple[Instant, ...]:
    """The first `count` instants later than `after` at which a rule with that trigger is scheduled
    and active; fewer where it ends."""
    active = active_bounds(rule, zone)
    start = after + 1 if active.start is None else max(after + 1, active.start)
    end = LAST if active.end is None else active.end
    return tuple(islice(occurrences(trigger, zone, Instant(start), end), count))


def last_occurrence(schedule: Schedule, zone: ZoneInfo, at: Instant) -> Instant | None:
    """The newest scheduled instant at or before an instant; None where nine years have none."""
    for days in _LOOKING_BACK:
        start = Instant(max(FIRST, at - days * _DAY))
        *_, last = (None, *occurrences(schedule, zone, start, Instant(at + 1)))
        if last is not None:
            return last
    return None


def due(
    schedule: Schedule, zone: ZoneInfo, *, after: Instant, now: Instant, active: Bounds = ALWAYS
) -> Due:
    """What to do about the scheduled instants in (after, now] that lie in `active`; nothing where
    the clock went back.

    `misfire` decides: `latest` runs the newest unless it is older than `catch_up`, `all` runs all
    that are not, `skip` runs the newest if it came this very minute. A segment's refresh runs for
    the newest however old it is.
    """
    every = occurrences(schedule, zone, Instant(after + 1), Instant(now + 1))
    come = tuple(instant for instant in every if instant in active)
    run = _to_run(schedule, zone, come, now)
    return Due(run=run, missed=come[: len(come) - len(run)])


def may_still_run(
    trigger: CronTrigger | EveryTrigger, zone: ZoneInfo, scheduled: Instant, now: Instant
) -> bool:
    """Whether a run is not later than its trigger's `catch_up` allows."""
    return scheduled >= _back(now, trigger.catch_up, zone)


def validate_cron(expression: str) -> str | None:
    """Why this is not a five-field cron expression; None where it is one.

    Fields hold *, numbers, three-letter names, ranges, steps and lists. Days match as in Debian's
    cron: where neither day field starts with *, either of them is enough.
    """
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        return f"a cron expression has five fields, this one has {len(fields)}"
    for place, (field, name) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = ["*"] * len(_FIELDS)
        alone[place] = field
        if not _FIELD.fullmatch(field) or not _matches_something(" ".join(alone)):
            return f"`{field}` is no {name} of cron"
    if not _matches_something(expression):
        return f"no month of `{fields[3]}` has a day `{fields[2]}`, so it would never come"
    return None


def _matches_something(expression: str) -> bool:
    try:
        CronSim(expression, datetime.combine(date.min, time.min))
    except CronSimError:
        return False
    return True


# --- lateness --------------------------------------------------------------------------------


def _to_run(
    schedule: Schedule, zone: ZoneInfo, come: tuple[Instant, ...], now: Instant
) -> tuple[Instant, ...]:
    """The newest of the instants that have come, as many as may still run."""
    if isinstance(schedule, Cron | Every):
        return come[-1:]
    caught_up = _back(now, schedule.catch_up, zone)
    match schedule.misfire:
        case "skip":
            return tuple(instant for instant in come[-1:] if instant >= now - _ON_TIME)
        case "latest":
            return tuple(instant for instant in come[-1:] if instant >= caught_up)
        case "all":
            return tuple(instant for instant in come if instant >= caught_up)
        case _:
            assert_never(schedule.misfire)


def _back(now: Instant, length: Duration, zone: ZoneInfo) -> Instant:
    if length.milliseconds is not None:
        return Instant(now - length.milliseconds)
    return shift_months(now, -(length.months or 0), zone)


# --- every -----------------------------------------------------------------------------------


def _every(step: Duration, zone: ZoneInfo, start: Instant) -> Iterator[Instant]:
    """Ascending without end, beginning at or somewhat before `start`."""
    if step.count == 0:
        raise ValueError(f"{step} is no distance between two runs")
    if step.months is not None:
        return _every_months(step.months, zone, local_date(start, zone))
    length = step.milliseconds or 0
    return (Instant(place * length) for place in count_from(start // length))


def _every_months(step: int, zone: ZoneInfo, today: date) -> Iterator[Instant]:
    this_month = (today.year - _FIRST_YEAR) * 12 + today.month - 1
    for months in count_from(this_month // step * step, step):
        years, month = divmod(months, 12)
        if _FIRST_YEAR + years > date.max.year:
            return
        yield midnight(date(_FIRST_YEAR + years, month + 1, 1), zone)


# --- cron ------------------------------------------------------------------------------------


def _cron(trigger: CronTrigger, zone: ZoneInfo, start: Instant) -> Iterator[Instant]:
    """Ascending, each once, beginning somewhat before `start`."""
    reason = validate_cron(trigger.cron)
    if reason:
        raise ValueError(reason)
    shown = datetime_of(start).astimezone(zone).replace(tzinfo=None)
    times = _clock_times(trigger.cron, shown - _LONGEST_CHANGE)
    return (instant for instant, _ in groupby(_ascending(times, trigger, zone)))


def _clock_times(expression: str, start: datetime) -> Iterator[datetime]:
    """The local times that match, ascending; naive, so that cronsim knows of no zone."""
    with suppress(OverflowError):  # after the year 9999
        yield from CronSim(expression, start)


def _ascending(
    times: Iterator[datetime], trigger: CronTrigger, zone: ZoneInfo
) -> Iterator[Instant]:
    """The instants of local times. Ascending local times give ascending instants but for two kinds,
    which wait for their turn: times that moved on past a gap, and second readings."""
    waiting: deque[Instant] = deque()
    for clock in times:
        first, second = (instant_of(clock.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
        if first > second:  # the clock skips it; read by the offset before, it moves on by the skip
            if trigger.gap == "shift":
                waiting.append(first)
            continue
        chosen = second if trigger.fold == "last" else first
        while waiting and waiting[0] <= chosen:
            yield waiting.popleft()
        yield chosen
        if trigger.fold == "both" and second > first:
            waiting.append(second)
