"""The rows of events that match: those of an aggregate, or of a step of a sequence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, and_, true

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import KEY, Rows, property_column
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import Fact, facts_of_rows
from segflow.compiler.targets.spans import earliest
from segflow.compiler.targets.values import Value
from segflow.compiler.timeline import Bounds
from segflow.compiler.zones import Ways
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate, Predicate, PropertyFeature


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Rows of events joined with what is asked of their users, to test them."""

    facts: Facts
    events: tuple[str, ...]
    rows: Rows
    relation: FromClause
    values: Mapping[Fact, Value]
    numbers: Mapping[Ways[Any], Expression]

    def where(self, predicate: Predicate | None) -> Condition:
        """A predicate about the event of a row; None holds for every one."""
        if predicate is None:
            return true()
        key = self.rows.statement.c[KEY]
        return self.facts.conditions(self.value, key, self.events).of(predicate)

    def within(self, ways: Ways[Bounds], since: Instant | None) -> Condition:
        """The time of the row lies in the bounds, those of its user's zone where the ways differ;
        no row is from before `since`."""
        tested = self.facts.within(ways, self.numbers.get(ways), since, self.rows)
        return true() if tested is None else tested

    def value(self, fact: Fact) -> Value:
        """What a fact is worth in a row."""
        if not isinstance(fact, PropertyFeature):
            return self.values[fact]
        declared = self.facts.event(self.events[0]).property_named(fact.property)
        assert declared is not None
        return Value(self.rows.statement.c[property_column(fact.property)], declared.type)


def matching(
    rows: Rows,
    events: tuple[str, ...],
    asked: Iterable[Aggregate],
    ways: Iterable[Ways[Any]],
    facts: Facts,
) -> Matching:
    """The rows with the fields of users that the `where` of each of the aggregates tests, and with
    the numbers of their users' ways where those differ."""
    of_users = [fact for one in asked for fact in facts_of_rows(one)]
    known = facts.joined(rows.statement, rows.statement.c[KEY], of_users)
    relation, numbers = facts.numbered(known, ways)
    return Matching(
        facts=facts,
        events=events,
        rows=rows,
        relation=relation,
        values=known.values,
        numbers=numbers,
    )


def chosen(
    aggregate: Aggregate,
    properties: Iterable[str],
    facts: Facts,
    *,
    ordered: bool,
    has: Predicate | None = None,
) -> tuple[Matching, Condition]:
    """The rows of an aggregate's events with those of its properties that are wanted, and which of
    them it is over. `has` is another predicate that is to be asked of the rows."""
    ways = facts.ways(aggregate)
    since = earliest(list(ways.each()))
    read = tuple(dict.fromkeys(properties))
    rows = facts.event_rows(aggregate.events, read, since, ordered=ordered)
    other = Aggregate(kind="count", events=aggregate.events, where=has)
    found = matching(rows, aggregate.events, (aggregate, other), [ways], facts)
    return found, and_(found.within(ways, since), found.where(aggregate.where))
