"""Periods: in how many of the last ones a count holds."""

from collections.abc import Callable
from dataclasses import replace

from segflow.compiler.periods import period_windows
from segflow.compiler.timeline import window_bounds
from segflow.compiler.values import count_satisfies
from segflow.compiler.worlds import EventRow, Subject
from segflow.model.operator import CountTest
from segflow.model.predicate import Aggregate, Periods

Matching = Callable[[Aggregate, Subject], tuple[EventRow, ...]]


def periods_hold(leaf: Periods, subject: Subject, matching: Matching) -> bool:
    """As many of the periods as the leaf says have as many matching events as it says."""
    holding = sum(passes(leaf.counts, count) for count in counted(leaf, subject, matching))
    return passes(leaf.holds, holding)


def counted(leaf: Periods, subject: Subject, matching: Matching) -> list[int]:
    """The number of matching events in each period, newest first."""
    events = matching(replace(leaf.aggregate, window=None), subject)
    times = [event.time for event in events if event.time is not None]
    if not times:
        return [0] * leaf.last
    as_of, zone = subject.context.as_of, subject.zone(leaf.aggregate.user_zone)
    periods = (window_bounds(window, as_of, zone) for window in period_windows(leaf))
    return [sum(time in period for time in times) for period in periods]


def passes(tests: tuple[CountTest, ...], count: int) -> bool:
    """The number passes all the tests."""
    return all(count_satisfies(test.op, count, test.count) for test in tests)
