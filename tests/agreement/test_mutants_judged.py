"""The agreement sees faults in leaves that are judged over rows of their own: test_mutants.py."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Double, and_, cast, func, literal, true

from segflow.compiler.dialects.duckdb import DuckDb
from segflow.compiler.targets import (
    conditions,
    ends,
    events,
    modes,
    nearest,
    numbers,
    periods,
    ranks,
    same,
    sequences,
    steps,
)
from segflow.compiler.targets.events import KEY
from segflow.compiler.timeline import window_bounds
from segflow.compiler.zones import Ways
from segflow.model.instant import Instant
from segflow.model.predicate import Step
from tests.agreement.cells import Cell
from tests.agreement.faults import Fault, is_caught, share


def earliest_for_latest(_: Any) -> Any:
    """func, but the greatest of some values is the smallest."""

    class Careless:
        max = func.min

        def __getattr__(self, name: str) -> Any:
            return getattr(func, name)

    return Careless()


def inside_of_the_window(bounds: Any) -> Any:
    """Absences are looked for in the window only."""

    def narrower(step: Step, leaf: Any, facts: Any) -> Any:
        if step.absent and leaf.window is not None:
            yield Ways(window_bounds(leaf.window, facts.as_of, facts.zone))
        yield from bounds(step, leaf, facts)

    return narrower


def still_to_come(whole: Any) -> Any:
    """An absence after the last step holds while its time is not over."""
    return lambda *given: whole(*given[:-1], as_of=Instant(2**60))


def from_the_window_on(_: Any) -> Any:
    """Nothing before the window of the steps is read."""

    def since(leaf: Any, facts: Any) -> Any:
        if leaf.window is None:
            return None
        return window_bounds(leaf.window, facts.as_of, facts.zone).start

    return since


def whole_doubles(parts: Any) -> Any:
    """Averages are ranked as doubles that are cut off."""

    def careless(value: Any, facts: Any) -> Any:
        if value.divisor is None:
            return parts(value, facts)
        return [func.trunc(cast(value.expression, Double) / value.divisor)]

    return careless


LOCAL = (Cell("sequence", "timezone"),)
FEW = (Cell("did with periods", "at_most"), Cell("periods", "at_most"))


def a_millisecond_later(numbering: Any) -> Any:
    """Each period begins and ends a millisecond later."""

    def later(*asked: Any) -> Any:
        found = numbering(*asked)
        return replace(found, anchors=tuple((at, one + 1) for at, one in found.anchors))

    return later


FAULTS = [
    Fault("a step is at the instant of the one before", sequences, "_BEFORE",
          lambda _: (None, 0), ("Sequence",)),
    Fault("distances leave out their edge", steps, "length",
          lambda length: lambda duration: length(duration) - 1, ("Sequence",)),
    Fault("nothing needs to be absent before a step", steps, "absences_before",
          lambda _: lambda leaf, number: iter(()), ("Sequence",)),
    Fault("an absence may still be going on", nearest, "ends", still_to_come,
          ("Sequence",)),
    Fault("absence looks into the window", steps, "_bounds", inside_of_the_window,
          ("Sequence",)),
    Fault("what lies before the window is not read", nearest, "since_when", from_the_window_on,
          ("Sequence",)),
    Fault("the earliest is taken for the latest", sequences, "func", earliest_for_latest,
          ("Sequence",)),
    Fault("a step is at the instant of the nearest before", nearest.NearestChain, "_apart",
          lambda _: lambda self, own, other, later:
          and_(own.c[KEY] == other.c[KEY], own.c["at"] >= other.c["at"]), ("Sequence",)),
    Fault("steps of all values of `by` are of one chain", nearest, "partition",
          lambda _: lambda leaf: (KEY,), ("Sequence",)),
    Fault("the last absence before counts after", nearest.NearestChain, "_beside",
          lambda beside: lambda self, relation, own, absences, later:
          beside(self, relation, own, absences, later=False), ("Sequence",)),
    Fault("steps are in the project's zone", steps, "_bounds",
          lambda bounds: lambda step, leaf, facts:
          bounds(step, replace(leaf, user_zone=False), facts), ("Sequence", '"user_zone":true'),
          LOCAL),
    Fault("rows are read from the default zone's start on", steps, "earliest",
          lambda _: lambda bounds: bounds[0].start, ("Sequence", '"user_zone":true'),
          LOCAL),
    Fault("by ties nothing", events.RowsOf, "_tie",
          lambda _: lambda self, event, named, source: literal("all"), ("Sequence",)),
    Fault("the least frequent value is the mode", modes, "_by_frequency",
          lambda _: lambda value: [func.count().asc(), value.asc()], ('"mode"',)),
    Fault("the greatest of frequent values is the mode", modes, "_by_frequency",
          lambda _: lambda value: [func.count().desc(), value.desc()], ('"mode"',)),
    Fault("contents do not decide which event is last", ends, "sorted_value",
          lambda _: lambda value, type_, dialect: literal(0), ("EventHas",)),
    Fault("positions begin at zero", ranks, "_within",
          lambda within: lambda leaf, place, size: within(leaf, place - 1, size), ("Rank",)),
    Fault("equal values rank by key downwards", ranks, "_order",
          lambda order: lambda *given: [*order(*given)[:-1], given[2].desc()], ("Rank",)),
    Fault("guessed edges are believed", ranks, "_is_at_most",
          lambda _: lambda *given: true(),
          ("Rank", '"percent"'),
          beside=((DuckDb, "quantile", lambda self, value, share: func.min(value)),)),
    Fault("averages are ranked as whole numbers", ranks, "_parts", whole_doubles,
          ("Rank", '"avg"')),
    Fault("same sees every event", same.Seen, "_is_seen",
          lambda _: lambda self, source, events:
          and_(source.c[KEY] == self.pairs.c[same._USER]), ("Same",)),
    Fault("who has no values has no number of them", numbers, "passes_with",
          lambda _: lambda number, counts: False, ("Same",)),
    Fault("periods without events never pass", periods, "passes_with",
          lambda _: lambda number, counts: False, ("Periods",), FEW),
    Fault("who has no events has no periods", numbers, "passes_with",
          lambda _: lambda number, counts: False, ("Periods",), FEW),
    Fault("many periods begin at their edge", periods, "numbering", a_millisecond_later,
          ("Periods",)),
    Fault("many periods are the project's", periods, "by_number",
          lambda by: lambda ways, number, made: by(ways, None, made),
          ("Periods", '"user_zone":true')),
    Fault("the oldest period is forgotten", conditions, "period_counts",
          lambda counts: lambda leaf: counts(leaf)[:-1] or counts(leaf), ("Periods",)),
]  # fmt: skip
FAULTS = [
    # What links the rows of steps one by one is for engines that have no joins with the nearest.
    replace(fault, beside=((DuckDb, "traits", replace(DuckDb.traits, nearest_joins=False)),))
    if fault.owner is sequences
    else fault
    for fault in FAULTS
]


@pytest.mark.parametrize("fault", share(FAULTS), ids=lambda fault: fault.name)
def test_the_agreement_catches(fault, tmp_path):
    """With the fault in the engine's path, some segment has other members than by the reference."""
    assert is_caught(fault, tmp_path)
