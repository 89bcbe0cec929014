"""The same value in several events, in SQL: a predicate asked once per user and value.

Each pair of a user and a value is given a number that takes the place of the user's key, so that
whatever is asked of users can be asked of pairs: of them the tied events of one value are seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import CTE, FromClause, Select, and_, func, or_, select

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import EVENT, KEY, TIE, Rows, Ties
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import (
    Fact,
    Happened,
    facts_of,
    facts_of_rows,
    stored_fact,
)
from segflow.compiler.targets.numbers import NUMBER, keys_by_number
from segflow.compiler.targets.scans import NO_TIES, Joined
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate, EventHas, Periods, Same, Sequence

_USER, _VALUE = "user_key", "value"


def same_keys(leaf: Same, facts: Facts) -> Select[Any]:
    """The keys with as many values of which the predicate holds as the leaf says."""
    pairs = _pairs(leaf, facts)
    # What is asked and made for the whole is of users: pairs have rows of their own.
    apart = ("all_asked", "scanned", "ranked", "told")
    shared = {one.name: getattr(facts, one.name) for one in fields(Facts) if one.name not in apart}
    seen = Seen(
        **shared,
        whole=facts,
        pairs=pairs,
        by=dict(leaf.by),
        tie=facts.name("seen_value"),
    )
    known = seen.joined(pairs, pairs.c[KEY], facts_of(leaf.where, facts.compiled))
    relation, user = facts.of_users(known.relation, pairs.c[_USER])
    holds = facts.conditions(known.values.__getitem__, user).of(leaf.where)
    held = (
        select(pairs.c[_USER].label(KEY), func.count().label(NUMBER))
        .select_from(relation)
        .where(holds)
        .group_by(pairs.c[_USER])
        .cte(facts.name("same"))
    )
    return keys_by_number(held, leaf.counts, facts)


def _pairs(leaf: Same, facts: Facts) -> CTE:
    """Every user with every value of theirs in the tied events, and the number of the pair."""
    events = tuple(event for event, _ in leaf.by)
    rows = facts.event_rows(events, (), None, ties={TIE: dict(leaf.by)}).statement.c
    known = select(rows[KEY], rows[TIE]).where(rows[KEY].is_not(None), rows[TIE].is_not(None))
    each = known.distinct().subquery()
    number = func.row_number().over(order_by=[each.c[KEY], each.c[TIE]])
    return select(number.label(KEY), each.c[KEY].label(_USER), each.c[TIE].label(_VALUE)).cte(
        facts.name("user_values")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Facts):
    """Facts about pairs of a user and a value: events tied by `by` are those with the value, all
    else is the user's own. `whole` has the facts about users, `tie` is the name of a column."""

    whole: Facts
    pairs: CTE
    by: Mapping[str, str]
    tie: str

    def everyone(self) -> Select[Any]:
        """Every pair."""
        return select(self.pairs.c[KEY])

    def of_users(self, relation: FromClause, key: Expression) -> tuple[FromClause, Expression]:
        """The relation with the keys of users, of which each row holds the number of a pair."""
        pair = self.pairs.alias(self.name("pair"))
        joined = relation.join(pair, pair.c[KEY] == key)
        return self.whole.of_users(joined, pair.c[_USER])

    def joined(self, relation: FromClause, key: Expression, facts: Iterable[Fact]) -> Joined:
        """The relation, each row with the facts about the pair whose number it holds."""
        stored = {fact: stored_fact(fact, self.entity) for fact in facts}
        of_pairs = [one for one in stored.values() if self._is_of_pairs(one)]
        of_users = [one for one in stored.values() if not self._is_of_pairs(one)]
        values: dict[Fact, Any] = {}
        if of_users:
            pair = self.pairs.alias(self.name("pair"))
            joined = relation.join(pair, pair.c[KEY] == key)
            known = self.whole.joined(joined, pair.c[_USER], of_users)
            relation = known.relation
            values.update(known.values)
        known = Facts.joined(self, relation, key, of_pairs)
        values.update(known.values)
        return Joined(
            relation=known.relation, values={asked: values[one] for asked, one in stored.items()}
        )

    def _is_of_pairs(self, fact: Fact) -> bool:
        """Whether the events that are tied may matter to a fact."""
        over = fact.events if isinstance(fact, Happened) else fact
        if isinstance(over, Aggregate):
            asked = (stored_fact(one, self.entity) for one in facts_of_rows(over))
            return any(event in self.by for event in over.events) or any(
                self._is_of_pairs(one) for one in asked
            )
        return isinstance(fact, EventHas | Sequence | Same | Periods)

    def event_rows(
        self,
        events: tuple[str, ...],
        properties: tuple[str, ...],
        since: Instant | None,
        *,
        ordered: bool = False,
        ties: Ties = NO_TIES,
    ) -> Rows:
        """The rows of events as pairs see them: numbers of pairs in place of keys."""
        if not self.by.keys().isdisjoint(events):
            ties = {**ties, self.tie: self.by}
        rows = self.whole.event_rows(events, properties, since, ordered=ordered, ties=ties)
        source = rows.statement
        kept = [one for one in source.c if one.name not in (KEY, self.tie)]
        seen = select(self.pairs.c[KEY], *kept).select_from(
            source.join(self.pairs, self._is_seen(source, events))
        )
        return Rows(statement=seen.cte(self.name("seen")), ids=rows.ids)

    def _is_seen(self, source: CTE, events: tuple[str, ...]) -> Condition:
        """The row is of the pair's user and, if its event is tied, has the pair's value."""
        own = source.c[KEY] == self.pairs.c[_USER]
        tied = [event for event in events if event in self.by]
        if not tied:
            return own
        of_value = source.c[self.tie] == self.pairs.c[_VALUE]
        if len(tied) == len(events):
            return and_(own, of_value)
        return and_(own, or_(source.c[EVENT].not_in(tied), of_value))
