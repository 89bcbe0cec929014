"""Sequences in SQL where the engine joins rows with the nearest of others in time: each step with
the latest place before it at which the chain so far can end.

Why no other place matters is said in sequences.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import CTE, FromClause, and_, select, union_all

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.dialects.nearest import NearestJoin
from segflow.compiler.targets.events import TIE, TIME
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.steps import (
    AT,
    BEGAN,
    Told,
    absences_after,
    absences_before,
    ends,
    follows,
    happening,
    is_step,
    partition,
    rows_of_steps,
    since_when,
)
from segflow.model.predicate import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestChain:
    """A table for each step that happens: its instants that end a chain, with when that began."""

    leaf: Sequence
    facts: Facts

    def told(self) -> Told:
        """The sequences of which all steps can be told."""
        chain: CTE | None = None
        for number in happening(self.leaf):
            chain = self._linked(number, chain)
        assert chain is not None
        relation, lacking = self._beside(chain, chain, absences_after(self.leaf), later=True)
        whole = ends(self.leaf, chain.c[AT], chain.c[BEGAN], lacking.__getitem__, self.facts.as_of)
        return Told(chain, relation, tuple(whole))

    def _linked(self, number: int, before: CTE | None) -> CTE:
        """The instants of a step at which a chain ends; the first step begins one."""
        own = self._instants(number)
        at = began = own.c[AT]
        relation: FromClause = own
        latest: Expression | None = None
        if before is not None:
            latest, began = before.c[AT], before.c[BEGAN]
            relation = NearestJoin(own, before, self._apart(own, before, later=False))
        absences = absences_before(self.leaf, number)
        relation, lacking = self._beside(relation, own, absences, later=False)
        follow = follows(self.leaf, number, at, latest, lacking.__getitem__)
        by = [own.c[name] for name in partition(self.leaf)]
        found = select(*by, at, began.label(BEGAN)).select_from(relation).where(*follow)
        return found.cte(self.facts.name("sequence"))

    def _beside(
        self, relation: FromClause, own: CTE, absences: Iterable[int], *, later: bool
    ) -> tuple[FromClause, dict[int, Expression]]:
        """The relation with the nearest instant of each absence, before that of a row or after."""
        nearest: dict[int, Expression] = {}
        for number in absences:
            absent = self._instants(number)
            apart = self._apart(own, absent, later=later)
            relation = NearestJoin(relation, absent, apart, isouter=True)
            nearest[number] = absent.c[AT]
        return relation, nearest

    def _instants(self, number: int) -> CTE:
        """A row for each user (and value of `by`) and event that may be that step."""
        leaf, step, since = self.leaf, self.leaf.steps[number], since_when(self.leaf, self.facts)
        parts = []
        for event in dict.fromkeys(step.events):
            found = rows_of_steps(leaf, event, (number,), since, self.facts)
            columns = found.rows.statement.c
            by = [columns[name] for name in partition(leaf)]
            tied = [columns[TIE].is_not(None)] if leaf.by else []
            at = self.facts.dialect.milliseconds(columns[TIME]).label(AT)
            rows = select(*by, at).select_from(found.relation)
            parts.append(rows.where(is_step(step, leaf, found, since), *tied))
        whole = parts[0] if len(parts) == 1 else union_all(*parts)
        return whole.cte(self.facts.name("_or_".join(step.events)))

    def _apart(self, own: CTE, other: CTE, *, later: bool) -> Condition:
        """The other row is of the same sequence, and before, or after, the own one."""
        same = (own.c[name] == other.c[name] for name in partition(self.leaf))
        order = own.c[AT] < other.c[AT] if later else own.c[AT] > other.c[AT]
        return and_(*same, order)
