"""Sequences in SQL: a chain of window functions over the instants of each user, once per step.

For an event that a step may be, only the latest place before it matters at which the chain so far
can end: every bound from below (`max_gap`, and what must not happen in between) moves forward in
time only, so what the latest place does not satisfy no earlier one does; and of all ways to come
there the one that began last serves `span` best, which for a later place is never an earlier one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    CTE,
    Integer,
    Label,
    Select,
    and_,
    case,
    cast,
    func,
    null,
    or_,
    select,
    union_all,
)

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import KEY, TIE, TIME
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.nearest import NearestChain
from segflow.compiler.targets.steps import (
    AT,
    BEGAN,
    Lacking,
    Told,
    absences_after,
    ends,
    follows,
    happening,
    is_step,
    partition,
    rows_of_steps,
    since_when,
)
from segflow.compiler.timeline import window_bounds
from segflow.model.instant import Instant
from segflow.model.predicate import Sequence

_LATEST = "latest"
_BEFORE, _AFTER = (None, -1), (1, None)
"""The rows of earlier instants, and those of later ones, as each instant has one row."""


def sequence_keys(leaf: Sequence, facts: Facts) -> Select[Any]:
    """The keys of which the steps of a sequence can be told. What is asked in windows of several
    lengths is told once: a sequence lies in a window that starts before it, and of each user's the
    latest does first."""
    starts = _starts(leaf, facts)
    if len(starts) == 1:
        return _told(leaf, facts).keys()
    widest = min(starts, key=lambda one: (starts[one] is not None, starts[one] or 0))
    asked = facts.entity.name, facts.as_of, widest
    if asked not in facts.told:
        facts.told[asked] = _told(widest, facts).latest().cte(facts.name("sequences_told"))
    latest, start = facts.told[asked], starts[leaf]
    inside = () if start is None else (latest.c[BEGAN] >= start,)
    return select(latest.c[KEY]).where(*inside)


def _starts(leaf: Sequence, facts: Facts) -> Mapping[Sequence, Instant | None]:
    """When the windows start in which the sequence is asked for, by leaf: that of the leaf, and of
    others that differ from it in nothing else."""
    own = window_bounds(leaf.window, facts.as_of, facts.zone)
    starts = {leaf: own.start}
    for one in facts.asked:
        if isinstance(one, Sequence) and replace(one, window=leaf.window) == leaf:
            bounds = window_bounds(one.window, facts.as_of, facts.zone)
            if bounds.end == own.end and not leaf.user_zone:
                starts[one] = bounds.start
    return starts


def _told(leaf: Sequence, facts: Facts) -> Told:
    if facts.dialect.traits.nearest_joins:
        return NearestChain(leaf=leaf, facts=facts).told()
    return _Chain(leaf=leaf, facts=facts).told()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """The tables of which each is made of the one before. They are common table expressions, since
    some engines have no room for so many queries inside of each other."""

    leaf: Sequence
    facts: Facts

    def told(self) -> Told:
        """The sequences of which all steps can be told."""
        happens = happening(self.leaf)
        chain = self._with_absences(self._instants())
        for number in happens:
            if number != happens[0]:
                chain = self._linked(chain)
            chain = self._begun(chain, number)
        at, began = chain.c[AT], chain.c[BEGAN]
        whole = ends(self.leaf, at, began, _nearest_in(chain), self.facts.as_of)
        return Told(chain, chain, (began.is_not(None), *whole))

    def _named(self, made: Select[Any]) -> CTE:
        return made.cte(self.facts.name("sequence"))

    # --- the instants ---

    def _instants(self) -> CTE:
        """A row for each user (and value of `by`) and instant at which something of the sequence
        happened, with a column for each step: whether it did."""
        since = since_when(self.leaf, self.facts)
        events = dict.fromkeys(event for step in self.leaf.steps for event in step.events)
        parts = [self._of_event(event, since) for event in events]
        whole = parts[0] if len(parts) == 1 else union_all(*parts)
        every = whole.cte(self.facts.name("sequence_events"))
        flags = [every.c[_step(number)] for number in range(len(self.leaf.steps))]
        by = [every.c[name] for name in partition(self.leaf)]
        kept = or_(*(flag == 1 for flag in flags))
        if self.leaf.by:
            kept = and_(every.c[TIE].is_not(None), kept)
        steps = [func.max(flag).label(flag.name) for flag in flags]
        found = select(*by, every.c[AT], *steps).where(kept)
        return self._named(found.group_by(*by, every.c[AT]))

    def _of_event(self, event: str, since: Instant | None) -> Select[Any]:
        """The rows of one event, read once for all steps that it may be."""
        leaf = self.leaf
        numbers = [number for number, step in enumerate(leaf.steps) if event in step.events]
        found = rows_of_steps(leaf, event, tuple(numbers), since, self.facts)
        flags: list[Label[Any]] = []
        for number, step in enumerate(leaf.steps):
            flag: Expression = cast(null(), Integer)
            if number in numbers:
                flag = case((is_step(step, leaf, found, since), 1))
            flags.append(flag.label(_step(number)))
        columns = found.rows.statement.c
        by = [columns[name] for name in partition(leaf)]
        at = self.facts.dialect.milliseconds(columns[TIME])
        return select(*by, at.label(AT), *flags).select_from(found.relation)

    # --- the chain ---

    def _with_absences(self, instants: CTE) -> CTE:
        """With the last instant before, or for absences after the last step the next one after, at
        which something happened that must not."""
        columns = []
        for number, step in enumerate(self.leaf.steps):
            if step.absent:
                happened = case((instants.c[_step(number)] == 1, instants.c[AT]))
                is_after = number in absences_after(self.leaf)
                over, rows = (func.min, _AFTER) if is_after else (func.max, _BEFORE)
                nearest = over(happened).over(**self._ordered(instants), rows=rows)
                columns.append(nearest.label(_lacking(number)))
        return self._named(select(instants, *columns)) if columns else instants

    def _ordered(self, chain: CTE) -> dict[str, Any]:
        return {
            "partition_by": [chain.c[name] for name in partition(self.leaf)],
            "order_by": chain.c[AT],
        }

    def _linked(self, chain: CTE) -> CTE:
        """With the latest instant before at which the chain so far can end, and the latest at which
        one that ends there can have begun."""

        def before(value: Expression) -> Expression:
            return func.max(value).over(**self._ordered(chain), rows=_BEFORE)

        kept = [one for one in chain.c if one.name != BEGAN]
        ending = case((chain.c[BEGAN].is_not(None), chain.c[AT]))
        latest, began = before(ending).label(_LATEST), before(chain.c[BEGAN]).label(BEGAN)
        return self._named(select(*kept, latest, began))

    def _begun(self, chain: CTE, number: int) -> CTE:
        """With the instant at which a chain that ends here with that step began; null where none
        does. The first step begins one."""
        at, latest = chain.c[AT], chain.c.get(_LATEST)
        tests: list[Condition] = [chain.c[_step(number)] == 1]
        if latest is not None:
            tests.append(latest.is_not(None))
        tests += follows(self.leaf, number, at, latest, _nearest_in(chain))
        began = case((and_(*tests), at if latest is None else chain.c[BEGAN]))
        kept = [one for one in chain.c if one.name not in (BEGAN, _LATEST)]
        return self._named(select(*kept, began.label(BEGAN)))


def _nearest_in(chain: CTE) -> Lacking:
    return lambda number: chain.c[_lacking(number)]


def _step(number: int) -> str:
    return f"step_{number + 1}"


def _lacking(number: int) -> str:
    return f"lacking_{number + 1}"
