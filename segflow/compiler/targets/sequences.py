"""Sequences in SQL: a chain of window functions over the instants of each user, once per step.

For an event that a step may be, only the latest place before it matters at which the chain so far
can end: every bound from below (`max_gap`, and what must not happen in between) moves forward in
time only, so what the latest place does not satisfy no earlier one does; and of all ways to come
there the one that began last serves `span` best, which for a later place is never an earlier one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Integer,
    Label,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.passes.walk import step_aggregate
from segflow.compiler.targets.events import KEY, TIE, TIME
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

_AT, _BEGAN, _LATEST = "at", "began", "latest"
_BEFORE, _AFTER = (None, -1), (1, None)
"""The rows of earlier instants, and those of later ones, as each instant has one row."""


def sequence_keys(leaf: Sequence, facts: Facts) -> Select[Any]:
    """The keys of which the steps of a sequence can be told."""
    return _Chain(leaf=leaf, facts=facts).keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """The tables of which each is made of the one before. They are common table expressions, since
    some engines have no room for so many queries inside of each other."""

    leaf: Sequence
    facts: Facts

    def keys(self) -> Select[Any]:
        """See sequence_keys()."""
        happening = [number for number, step in enumerate(self.leaf.steps) if not step.absent]
        chain = self._with_absences(self._instants(), happening[-1])
        for number in happening:
            if number != happening[0]:
                chain = self._linked(chain)
            chain = self._begun(chain, number)
        found = select(chain.c[KEY]).distinct().where(chain.c[_BEGAN].is_not(None))
        if self.leaf.span is not None:
            found = found.where(chain.c[_AT] - chain.c[_BEGAN] <= _length(self.leaf.span))
        return found.where(*_nothing_after(chain, self.leaf, happening[-1], self.facts.as_of))

    def _named(self, made: Select[Any]) -> CTE:
        return made.cte(self.facts.name("sequence"))

    # --- the instants ---

    def _instants(self) -> CTE:
        """A row for each user (and value of `by`) and instant at which something of the sequence
        happened, with a column for each step: whether it did."""
        since = _since(self.leaf, self.facts)
        parts = [self._of_event(event, since) for event in _events(self.leaf)]
        whole = parts[0] if len(parts) == 1 else union_all(*parts)
        every = whole.cte(self.facts.name("sequence_events"))
        flags = [every.c[_step(number)] for number in range(len(self.leaf.steps))]
        by = [every.c[name] for name in _partition(self.leaf)]
        kept = or_(*(flag == 1 for flag in flags))
        if self.leaf.by:
            kept = and_(every.c[TIE].is_not(None), kept)
        steps = [func.max(flag).label(flag.name) for flag in flags]
        found = select(*by, every.c[_AT], *steps).where(kept)
        return self._named(found.group_by(*by, every.c[_AT]))

    def _of_event(self, event: str, since: Instant | None) -> Select[Any]:
        """The rows of one event, read once for all steps that it may be."""
        leaf, facts = self.leaf, self.facts
        steps = [step for step in leaf.steps if event in step.events]
        asked = [step_aggregate(step, leaf) for step in steps]
        read = dict.fromkeys(name for one in asked for name in properties_of(one))
        ties = {TIE: dict(leaf.by)} if leaf.by else {}
        rows = facts.event_rows((event,), tuple(read), since, ties=ties)
        ways = [one for step in steps for one in _bounds(step, leaf, facts)]
        found = matching(rows, (event,), asked, ways, facts)
        flags: list[Label[Any]] = []
        for number, step in enumerate(leaf.steps):
            flag: Expression = cast(null(), Integer)
            if event in step.events:
                flag = case((_is_step(step, leaf, found, since), 1))
            flags.append(flag.label(_step(number)))
        by = [rows.statement.c[name] for name in _partition(leaf)]
        at = facts.dialect.milliseconds(rows.statement.c[TIME])
        return select(*by, at.label(_AT), *flags).select_from(found.relation)

    # --- the chain ---

    def _with_absences(self, instants: CTE, last: int) -> CTE:
        """With the last instant before, or for absences after the last step the next one after, at
        which something happened that must not."""
        columns = []
        for number, step in enumerate(self.leaf.steps):
            if step.absent:
                happened = case((instants.c[_step(number)] == 1, instants.c[_AT]))
                over, rows = (func.min, _AFTER) if number > last else (func.max, _BEFORE)
                nearest = over(happened).over(**self._ordered(instants), rows=rows)
                columns.append(nearest.label(_lacking(number)))
        return self._named(select(instants, *columns)) if columns else instants

    def _ordered(self, chain: CTE) -> dict[str, Any]:
        return {
            "partition_by": [chain.c[name] for name in _partition(self.leaf)],
            "order_by": chain.c[_AT],
        }

    def _linked(self, chain: CTE) -> CTE:
        """With the latest instant before at which the chain so far can end, and the latest at which
        one that ends there can have begun."""

        def before(value: Expression) -> Expression:
            return func.max(value).over(**self._ordered(chain), rows=_BEFORE)

        kept = [one for one in chain.c if one.name != _BEGAN]
        ending = case((chain.c[_BEGAN].is_not(None), chain.c[_AT]))
        latest, began = before(ending).label(_LATEST), before(chain.c[_BEGAN]).label(_BEGAN)
        return self._named(select(*kept, latest, began))

    def _begun(self, chain: CTE, number: int) -> CTE:
        """With the instant at which a chain that ends here with that step began; null where none
        does. The first step begins one."""
        step, at = self.leaf.steps[number], chain.c[_AT]
        tests: list[Condition] = [chain.c[_step(number)] == 1]
        latest = chain.c.get(_LATEST)
        if latest is not None:
            tests.append(latest.is_not(None))
        if step.max_gap is not None and latest is not None:
            tests.append(at - latest <= _length(step.max_gap))
        for place, absent in _absences_before(self.leaf, number):
            lacking = chain.c[_lacking(place)]
            if absent.for_ is not None:
                tests.append(or_(lacking.is_(None), lacking < at - _length(absent.for_)))
            elif latest is not None:
                tests.append(or_(lacking.is_(None), lacking <= latest))
        began = case((and_(*tests), at if latest is None else chain.c[_BEGAN]))
        kept = [one for one in chain.c if one.name not in (_BEGAN, _LATEST)]
        return self._named(select(*kept, began.label(_BEGAN)))


# --- the steps -------------------------------------------------------------------------------


def _events(leaf: Sequence) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event for step in leaf.steps for event in step.events))


def _partition(leaf: Sequence) -> tuple[str, ...]:
    return (KEY, TIE) if leaf.by else (KEY,)


def _is_step(step: Step, leaf: Sequence, found: Matching, since: Instant | None) -> Condition:
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


def _since(leaf: Sequence, facts: Facts) -> Instant | None:
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
    before = [_length(step.for_) for step in leaf.steps if step.for_ is not None]
    return Instant(min(starts) - max(before, default=0))


def _absences_before(leaf: Sequence, number: int) -> Iterator[tuple[int, Step]]:
    """The absences between a step and the one before it that happens."""
    for place in range(number - 1, -1, -1):
        if not leaf.steps[place].absent:
            return
        yield place, leaf.steps[place]


def _nothing_after(chain: CTE, leaf: Sequence, last: int, as_of: Instant) -> Iterator[Condition]:
    """Of every absence after the last step: its time is over, and nothing happened in it."""
    for number in range(last + 1, len(leaf.steps)):
        end = chain.c[_AT] + _length(leaf.steps[number].for_)
        lacking = chain.c[_lacking(number)]
        yield end <= literal(as_of, BigInteger)
        yield or_(lacking.is_(None), lacking > end)


def _step(number: int) -> str:
    return f"step_{number + 1}"


def _lacking(number: int) -> str:
    return f"lacking_{number + 1}"


def _length(duration: Duration | None) -> int:
    """The milliseconds of a distance between events, which are always exact."""
    if duration is None or duration.milliseconds is None:
        raise AssertionError(f"{duration} is no distance between events")
    return duration.milliseconds
