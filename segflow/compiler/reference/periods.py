"""Periods: in how many of the last ones a count holds."""

from collections.abc import Callable

from segflow.compiler.periods import period_counts
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
    return [len(matching(one, subject)) for one in period_counts(leaf)]


def passes(tests: tuple[CountTest, ...], count: int) -> bool:
    """The number passes all the tests."""
    return all(count_satisfies(test.op, count, test.count) for test in tests)
