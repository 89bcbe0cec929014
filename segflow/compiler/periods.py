"""The last periods of a leaf as windows, newest first, and the counts that it asks for in them."""

from collections.abc import Iterator
from dataclasses import replace

from segflow.model.duration import Duration
from segflow.model.predicate import Aggregate, Periods
from segflow.model.window import Ago, CalendarSpan, InCalendar, Window, Within


def period_counts(leaf: Periods) -> tuple[Aggregate, ...]:
    """The counts of matching events in each of the periods, newest first."""
    return tuple(replace(leaf.aggregate, window=window) for window in period_windows(leaf))


def period_windows(leaf: Periods) -> Iterator[Window]:
    """The windows of the periods, newest first. Of a duration d they end at T, T - d, …; calendar
    units are whole ones of the zone, the current one up to T unless it is left out."""
    for number in range(leaf.last):
        if isinstance(leaf.every, Duration):
            yield _of_duration(leaf.every, number)
        else:
            last = -number - leaf.skip_current
            yield InCalendar(span=CalendarSpan(unit=leaf.every, last=last))


def _of_duration(every: Duration, number: int) -> Window:
    start, end = (replace(every, count=every.count * times) for times in (number + 1, number))
    return Ago(start=start, end=end) if number else Within(duration=start)
