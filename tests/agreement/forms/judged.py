"""Leaves that are judged over a user's events, or over all users: drawn for the agreement."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from segflow.model.duration import Duration, parse_duration
from segflow.model.operator import CountOp, CountTest
from segflow.model.predicate import (
    Aggregate,
    EventHas,
    Feature,
    Periods,
    Predicate,
    Rank,
    Same,
    Step,
)
from segflow.model.predicate import Sequence as SequenceLeaf
from segflow.model.window import CalendarUnit, Window, Within
from tests.agreement.choices import Pick
from tests.agreement.forms import zones

Events = tuple[str, ...]
Where = Callable[[Events], Predicate]
COUNT_OPS: tuple[CountOp, ...] = ("at_least", "at_most", "exactly", "more_than", "fewer_than")
EVENTS: Sequence[Events] = [("purchase",), ("view",), ("purchase", "view")]
SOME = CountTest(op="at_least", count=1)


def count(pick: Pick, most: int) -> CountTest:
    """A test of a number of things, up to `most`."""
    return CountTest(op=pick.one(COUNT_OPS), count=pick.below(most + 1))


def _now_and_then(pick: Pick, where: Where, events: Events) -> Predicate | None:
    return where(events) if pick.chance(4) else None


# --- periods ---------------------------------------------------------------------------------

LENGTHS: Sequence[Duration | CalendarUnit] = [
    *map(parse_duration, ("30d", "7d", "1mo", "1y", "1d")),
    *("month", "week", "quarter", "day", "year"),
]


def _is_short(every: Duration | CalendarUnit) -> bool:
    return every in ("day", "week") or (isinstance(every, Duration) and every.unit in ("d", "w"))


def periods(pick: Pick, where: Where) -> Periods:
    """`did` with `periods`."""
    every, last = pick.one(LENGTHS), 1 + pick.below(6)
    if pick.chance(2):  # many; of long ones few, since each is resolved in all zones
        last = 16 + pick.below(385 if _is_short(every) else 9)
    events = pick.one(EVENTS)
    over = Aggregate(kind="count", events=events, where=_now_and_then(pick, where, events))
    holds = count(pick, min(last, 6))
    if pick.chance(3):
        holds = replace(holds, count=last - holds.count)
    return Periods(
        aggregate=replace(over, user_zone=isinstance(every, str) and pick.chance(2)),
        counts=(pick.one([SOME, count(pick, 3)]),),
        every=every,
        last=last,
        holds=(holds,),
        skip_current=isinstance(every, str) and pick.chance(3),
    )


# --- has -------------------------------------------------------------------------------------


def event_has(pick: Pick, where: Where, window: Window | None) -> EventHas:
    """`first` and `last` with `has`."""
    which: Literal["first", "last"] = pick.one(["first", "last"])
    events = pick.one(EVENTS)
    aggregate = Aggregate(
        kind=which, events=events, where=_now_and_then(pick, where, events), window=window
    )
    return EventHas(which=which, aggregate=aggregate, has=where(events))


# --- sequences -------------------------------------------------------------------------------

LENGTHS_OF_TIME = ("7d", "365d", "1s", "1h", "1d", "30d", "90d", "2000d")
DISTANCES = [parse_duration(text) for text in LENGTHS_OF_TIME]
RECENT = [Within(duration=parse_duration(text)) for text in ("7d", "30d")]
TIES: Sequence[tuple[tuple[str, str], ...]] = [
    (("purchase", "sku"), ("view", "sku")),
    (("purchase", "qty"), ("view", "qty")),
]
TIES_OF_ONE: Sequence[tuple[tuple[str, str], ...]] = [
    (("purchase", name),) for name in ("gift", "due", "weight", "paid")
]


def sequence(
    pick: Pick, where: Where, window: Window | None, durations: Sequence[Duration]
) -> SequenceLeaf:
    """Steps, with what does not happen around them."""
    of_one = pick.chance(3)
    pool = EVENTS[:1] if of_one else EVENTS
    lengths = [*DISTANCES, *(one for one in durations if one.milliseconds)]
    steps: list[Step] = []
    for number in range(1 + pick.one([1, 0, 2, 1])):
        if pick.chance(4):
            needs = number == 0 or pick.chance(2)
            steps.append(_absence(pick, where, pool, lengths if needs else []))
        events = pick.one(pool)
        steps.append(
            Step(
                events=events,
                where=where(events) if pick.chance(8) else None,
                max_gap=pick.one(lengths) if number and pick.chance(3) else None,
                in_last=pick.one(durations) if pick.chance(12) else None,
            )
        )
    if pick.chance(4):
        steps.append(_absence(pick, where, pool, lengths))
    used = {event for step in steps for event in step.events}
    ties = pick.one(TIES_OF_ONE if of_one else TIES) if pick.chance(3) else ()
    leaf = SequenceLeaf(
        steps=tuple(steps),
        span=pick.one(lengths) if pick.chance(3) else None,
        window=pick.one([None, None, *RECENT, None, window, None, None]),
        by=tuple(one for one in ties if one[0] in used),
    )
    return zones.windowed(pick, leaf)


def _absence(pick: Pick, where: Where, pool: Sequence[Events], lengths: Sequence[Duration]) -> Step:
    events = pick.one(pool)
    return Step(
        events=events,
        absent=True,
        where=where(events) if pick.chance(2) else None,
        for_=pick.one(lengths) if lengths else None,
    )


# --- same ------------------------------------------------------------------------------------


def same(pick: Pick, part: Callable[[], Predicate]) -> Same:
    """For how many values a predicate holds."""
    tied = pick.one([*TIES, *TIES, *(one[:1] for one in TIES), *TIES_OF_ONE])
    return Same(by=tied, where=part(), counts=(pick.one([SOME, SOME, count(pick, 3)]),))


# --- ranks -----------------------------------------------------------------------------------

PERCENTS = [Decimal(text) for text in ("0", "10", "33.3", "50", "66.6", "87.5", "100")]
PLACES = [Decimal(number) for number in (0, 1, 2, 3, 5, 8, 13)]


def rank(pick: Pick, features: Sequence[Feature], among: Callable[[], Predicate]) -> Rank:
    """Users by the place of a value."""
    unit: Literal["percent", "count"] = pick.one(["percent", "count"])
    pool = PERCENTS if unit == "percent" else PLACES
    low, high = sorted(pick.one(pool) for _ in range(2))
    if low == high:
        low, high = Decimal(0), max(high, pool[3])
    return Rank(
        feature=pick.one(features),
        side=pick.one(["top", "bottom"]),
        unit=unit,
        low=low if pick.chance(2) else Decimal(0),
        high=high,
        among=among() if pick.chance(3) else None,
    )
