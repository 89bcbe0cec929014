"""The agreement sees faults: each one seeded here makes engine and reference differ."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Double, FromClause, Numeric, String, cast, distinct, false, func, not_

from segflow.compiler.dialects.duckdb import DuckDb
from segflow.compiler.passes import normalize
from segflow.compiler.targets import (
    aggregates,
    conditions,
    events,
    facts,
    marks,
    needs,
    nesting,
    scans,
    values,
)
from segflow.compiler.timeline import Bounds
from tests.agreement.cells import Cell
from tests.agreement.faults import Fault, is_caught, share, shop
from tests.agreement.sides import pairs

# --- the faults ------------------------------------------------------------------------------


def a_millisecond_earlier(resolve: Any) -> Any:
    """[start, end) instead of (start, end]."""

    def moved(*arguments: Any) -> Bounds:
        bounds: Bounds = resolve(*arguments)
        if bounds.start is None:
            return bounds
        return replace(bounds, start=bounds.start - 1)

    return moved


def in_utc(resolve: Any) -> Any:
    """Calendar units of UTC instead of the project's zone."""
    return lambda window, as_of, _: resolve(window, as_of, ZoneInfo("UTC"))


def without(name: str) -> Callable[[Any], Any]:
    """The population without one of its conditions."""

    def forget(population: Any) -> Any:
        def forgetful(known: Any) -> Any:
            less = replace(known.entity.population, **{name: None})
            return population(replace(known, entity=replace(known.entity, population=less)))

        return forgetful

    return forget


def sums_of_doubles(_: Any) -> Any:
    """Sums are of doubles."""
    return lambda self, value, type_: func.sum(cast(value, Double))


def tie_by_nothing(order: Any) -> Any:
    """first and last by time alone."""

    def by_time(rows: Any, value: Any, dialect: Any, *, newest: bool) -> Any:
        return order(rows, value, dialect, newest=newest)[:1]

    return by_time


def all_that_differ(_: Any) -> Any:
    """Only equal rows of one id are one event."""
    return lambda self, found, *_: found.distinct()


def latest_first(contents: Any) -> Any:
    """Of the rows of one id the latest counts."""

    def latest(self: Any, event: Any, source: Any) -> Any:
        time, *rest = contents(self, event, source)
        return [-func.epoch_us(time), *rest]

    return latest


def without_keys(contents: Any) -> Any:
    """Keys do not decide which row of an id counts."""
    return lambda self, event, source: contents(self, replace(event, entities=()), source)


def by_what_is_read(decide: Any) -> Any:
    """Which row of an id counts hangs on the properties that a query happens to read."""
    return lambda event, asked: [one for one in decide(event, asked) if one.name in asked]


def nulls_kept(value: Any) -> Any:
    """A count or sum of no events is missing instead of zero."""

    def uncoalesced(aggregate: Any, type_: Any, grouped: Any, name: str) -> Any:
        found = value(aggregate, type_, grouped, name)
        return found._replace(expression=grouped.c[name])

    return uncoalesced


def whole_averages(value: Any) -> Any:
    """Averages are divided and rounded before they are compared."""

    def rounded(*arguments: Any) -> Any:
        found = value(*arguments)
        if found.divisor is None:
            return found
        average = func.round(cast(found.expression, Double) / found.divisor)
        return found._replace(expression=cast(average, Numeric(38, 2)), divisor=None)

    return rounded


def greater_or_equal(applied: Any) -> Any:
    """gt as gte."""
    return lambda op, left, right: applied("gte" if op == "gt" else op, left, right)


WINDOWS = (Cell("did", "within"), Cell("did", "ago"), Cell("did", "calendar"))
"""Of segments that are asked together, they nest in each other."""

FAULTS = [
    Fault("a window is closed at its start", scans, "window_bounds", a_millisecond_earlier),
    Fault("an operator is closed at its start", conditions, "operator_bounds",
          a_millisecond_earlier),
    Fault("windows are in UTC", scans, "window_bounds", in_utc, ("InCalendar",)),
    Fault("not leaves out what is unknown", conditions, "opposite", lambda _: not_),
    Fault("ne leaves out what is unknown", values, "opposite", lambda _: not_, ('"ne"',)),
    Fault("gt takes in its edge", values, "_applied", greater_or_equal, ('"gt"',)),
    Fault("events after T are seen", events, "bound",
          lambda bound: lambda instant: bound(instant) + timedelta(days=1)),
    Fault("duplicates count", events.RowsOf, "_each_once", lambda _: lambda self, found, *_: found),
    Fault("rows of one id that differ all count", events.RowsOf, "_each_once", all_that_differ),
    Fault("the latest row of an id counts", events.RowsOf, "_contents", latest_first),
    Fault("keys do not decide between rows", events.RowsOf, "_contents", without_keys,
          cells=(Cell("did"), Cell("did_not"), Cell("last_time"))),
    Fault("what is read decides between rows", events, "properties_that_decide", by_what_is_read),
    Fault("since is ignored", facts.Facts, "population", without("since")),
    Fault("no events are no number", scans, "aggregate_value", nulls_kept, ('"count"',)),
    Fault("ties go by nothing", events.Rows, "order", tie_by_nothing, ('"last"',)),
    Fault("sums are doubles", DuckDb, "total", sums_of_doubles, ('"sum"',)),
    Fault("samples are too small", conditions, "threshold",
          lambda threshold: lambda percent: threshold(percent * Decimal("0.8")), ("Sample",)),
    Fault("ignore_case folds every letter", DuckDb, "folded",
          lambda _: lambda self, text: func.lower(text), ("ignore_case",)),
    Fault("count_distinct counts what is missing", aggregates, "distinct",
          lambda _: lambda value: distinct(func.coalesce(cast(value, String), "")),
          ("count_distinct",)),
    Fault("NaN is a number", DuckDb, "stored",
          lambda stored: lambda self, column, type_: column if type_.name == "float"
          else stored(self, column, type_),
          cells=(Cell("field", "exists", "float"), Cell("max", "gt", "float"))),
    Fault("instants keep their microseconds", DuckDb, "floored", lambda _: lambda self, time: time),
    Fault("none is any", normalize, "_not", lambda _: lambda item: item, ("NoneOf",)),
    Fault("users without a row are lost", FromClause, "outerjoin", lambda _: FromClause.join),
    Fault("averages are rounded", scans, "aggregate_value", whole_averages, ('"avg"',)),
    Fault("frozen sets are evaluated", needs, "is_kept",
          lambda _: lambda leaf, segment: False, ("InSegment",)),
    Fault("parts are patterns", DuckDb, "contains",
          lambda _: lambda self, text, part:
          text.bool_op("SIMILAR TO")(func.concat(".*", part, ".*")),
          ("contains",), (Cell("field", "contains", "string"), Cell("last", "contains", "string"))),
    Fault("nothing holds without a row", marks, "_without",
          lambda _: lambda condition, tables: false()),
    Fault("all windows are the widest", nesting, "_since",
          lambda since: lambda last, start: since(last, None), cells=WINDOWS),
    Fault("values are counted in every window", scans, "within_bounds",
          lambda within: lambda time, its: within(time, Bounds()), cells=WINDOWS),
    Fault("a dot is any letter", DuckDb, "matches",
          lambda _: lambda self, text, pattern: func.regexp_matches(text, pattern, "s"),
          ("a.b",), (Cell("field", "matches", "string"), Cell("last", "matches", "string"))),
]  # fmt: skip


@pytest.mark.parametrize("fault", share(FAULTS), ids=lambda fault: fault.name)
def test_the_agreement_catches(fault, tmp_path):
    """With the fault in the engine's path, some segment has other members than by the reference."""
    assert is_caught(fault, tmp_path)


def test_without_a_fault_nothing_is_caught(tmp_path):
    """On a part of the same shops, all segments agree while nothing is wrong."""
    for number in range(3):
        found = shop(number, [])
        assert all(pair.agree for pair in pairs(found, tmp_path, found.segments))
