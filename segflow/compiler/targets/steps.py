"""Steps of sequences in SQL: which rows may be a step, and what must hold between two of them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import CTE, BigInteger, FromClause, Select, and_, func, literal, or_, select, true

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.passes.walk import step_aggregate
from segflow.compiler.targets.events import KEY, TIE
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.matching import Matching, matching
from segflow.compiler.targets.needs import properties_of
from segflow.compiler.targets.spans import earliest
from segflow.compiler.timeline import Bounds, window_bounds
from segflow.compiler.zones import Ways
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.predicate import Sequence, Step
from segflow.model.window import Window, Within

AT, BEGAN = "at", "began"
"""The columns of instants at which a chain of steps ends, and of when it began."""

Lacking = Callable[[int], Expression]
"""By the number of an absence: the instant, if there is one, nearest to that of a step, at which
happened what must not."""


class Told(NamedTuple):
    """Sequences: the `chain` with the instants at which each ends and began, the relation that it
    stands in, and what tells those that are whole from parts of some."""

    chain: CTE
    relation: FromClause
    whole: tuple[Condition, ...]

    def keys(self) -> Select[Any]:
        """The users, each once."""
        return select(self.chain.c[KEY]).distinct().select_from(self.relation).where(*self.whole)

    def latest(self) -> Select[Any]:
        """The users, each once, with the instant at which the latest of their sequences began, as
        BEGAN."""
        began = func.max(self.chain.c[BEGAN]).label(BEGAN)
        rows = select(self.chain.c[KEY], began).select_from(self.relation).where(*self.whole)
        return rows.group_by(self.chain.c[KEY])


def happening(leaf: Sequence) -> tuple[int, ...]:
    """The numbers of the steps that happen."""
    return tuple(number for number, step in enumerate(leaf.steps) if not step.absent)


def partition(leaf: Sequence) -> tuple[str, ...]:
    """The columns that all rows of one sequence have alike."""
    return (KEY, TIE) if leaf.by else (KEY,)


def rows_of_steps(
    leaf: Sequence, event: str, numbers: tuple[int, ...], since: Instant | None, facts: Facts
) -> Matching:
    """The rows of one event, read once for all those steps that it may be."""
    steps = [leaf.steps[number] for number in numbers]
    asked = [step_aggregate(step, leaf) for step in steps]
    read = dict.fromkeys(name for one in asked for name in properties_of(one))
    ties = {TIE: dict(leaf.by)} if leaf.by else {}
    rows = facts.event_rows((event,), tuple(read), since, ties=ties)
    ways = [one for step in steps for one in _bounds(step, leaf, facts)]
    return matching(rows, (event,), asked, ways, facts)


def is_step(step: Step, leaf: Sequence, found: Matching, since: Instant | None) -> Condition:
    """The row may be that step: absence looks outside of the window, and at all times."""
    tests = [found.within(ways, since) for ways in _bounds(step, leaf, found.facts)]
    return and_(true(), *tests, found.where(step.where))


def _bounds(step: Step, leaf: Sequence, facts: Facts) -> Iterator[Ways[Bounds]]:
    """What the instants of a step lie in, each of them, in the project's zone or in each user's."""
    windows: list[Window | None] = [] if step.absent else [leaf.window]
    if step.in_last is not None:
        windows.append(Within(duration=step.in_last))
    for window in windows:
        if window is not None:
            yield facts.zones.ways(leaf.user_zone, window_bounds, window, facts.as_of)


def since_when(leaf: Sequence, facts: Facts) -> Instant | None:
    """From when on events matter: the earliest start of a step's bounds, and what must not have
    happened before; None for always."""
    starts = []
    for step in leaf.steps:
        if not step.absent:
            own = [earliest(list(ways.each())) for ways in _bounds(step, leaf, facts)]
            known = [start for start in own if start is not None]
            if not known:
                return None
            starts.append(max(known))
    before = [length(step.for_) for step in leaf.steps if step.for_ is not None]
    return Instant(min(starts) - max(before, default=0))


def absences_before(leaf: Sequence, number: int) -> Iterator[int]:
    """The absences between a step and the one before it that happens."""
    for place in range(number - 1, -1, -1):
        if not leaf.steps[place].absent:
            return
        yield place


def follows(
    leaf: Sequence, number: int, at: Expression, latest: Expression | None, lacking: Lacking
) -> Iterator[Condition]:
    """What lets a step at `at` follow a chain that ends at `latest`; None for the first step. What
    `lacking` says of an absence is of before `at`."""
    step = leaf.steps[number]
    if step.max_gap is not None and latest is not None:
        yield at - latest <= length(step.max_gap)
    for place in absences_before(leaf, number):
        quiet = leaf.steps[place].for_
        if quiet is not None:
            yield or_(lacking(place).is_(None), lacking(place) < at - length(quiet))
        elif latest is not None:
            yield or_(lacking(place).is_(None), lacking(place) <= latest)


def ends(
    leaf: Sequence, at: Expression, began: Expression, lacking: Lacking, as_of: Instant
) -> Iterator[Condition]:
    """What lets a chain that ends at `at` be the whole sequence: its span, and that the time of
    every absence after it is over with nothing in it. `lacking` says when something came next."""
    if leaf.span is not None:
        yield at - began <= length(leaf.span)
    for number in absences_after(leaf):
        end = at + length(leaf.steps[number].for_)
        yield end <= literal(as_of, BigInteger)
        yield or_(lacking(number).is_(None), lacking(number) > end)


def absences_after(leaf: Sequence) -> range:
    """The absences after the last step that happens."""
    return range(happening(leaf)[-1] + 1, len(leaf.steps))


def length(duration: Duration | None) -> int:
    """The milliseconds of a distance between events, which are always exact."""
    if duration is None or duration.milliseconds is None:
        raise AssertionError(f"{duration} is no distance between events")
    return duration.milliseconds
