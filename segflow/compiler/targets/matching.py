"""The rows of events that match: those of an aggregate, or of a step of a sequence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import FromClause, and_, true

from segflow.compiler.dialects.base import Condition
from segflow.compiler.targets.events import KEY, TIME, Rows, property_column
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import Fact, facts_of_rows
from segflow.compiler.targets.scans import Joined
from segflow.compiler.targets.spans import earliest
from segflow.compiler.targets.values import Value, within_bounds
from segflow.compiler.timeline import Bounds
from segflow.model.predicate import Aggregate, Predicate, PropertyFeature


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Rows of events joined with what is asked of their users, to test them."""

    facts: Facts
    events: tuple[str, ...]
    rows: Rows
    relation: FromClause
    values: Mapping[Fact, Value]

    def where(self, predicate: Predicate | None) -> Condition:
        """A predicate about the event of a row; None holds for every one."""
        if predicate is None:
            return true()
        key = self.rows.statement.c[KEY]
        return self.facts.conditions(self.value, key, self.events).of(predicate)

    def within(self, bounds: Bounds) -> Condition:
        """The time of the row lies in the bounds."""
        return within_bounds(self.rows.statement.c[TIME], bounds)

    def value(self, fact: Fact) -> Value:
        """What a fact is worth in a row."""
        if not isinstance(fact, PropertyFeature):
            return self.values[fact]
        declared = self.facts.event(self.events[0]).property_named(fact.property)
        assert declared is not None
        return Value(self.rows.statement.c[property_column(fact.property)], declared.type)


def matching(
    rows: Rows, events: tuple[str, ...], asked: Iterable[Aggregate], facts: Facts
) -> Matching:
    """The rows with the fields of users that the `where` of each of the aggregates tests."""
    of_users = [fact for one in asked for fact in facts_of_rows(one)]
    known = facts.joined(rows.statement, rows.statement.c[KEY], of_users)
    return Matching(
        facts=facts, events=events, rows=rows, relation=known.relation, values=known.values
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
    found = matching(rows, aggregate.events, (aggregate, other), facts)
    known = Joined(relation=found.relation, values=found.values)
    relation, numbers = facts.numbered(known, [ways])
    within = facts.within(ways, numbers.get(ways), since, rows)
    tests = [one for one in (within, found.where(aggregate.where)) if one is not None]
    return replace(found, relation=relation), and_(true(), *tests)
