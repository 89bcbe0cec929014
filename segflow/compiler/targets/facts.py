"""Facts in SQL: the features of every user, joined to whatever has a column of users' keys.

One scan per event (or union of events) gives all its aggregates; one join per table all its fields.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, FromClause, Select, and_, select

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.targets.aggregates import (
    END,
    aggregate_columns,
    aggregate_value,
    at_the_end,
    ranked_ends,
)
from segflow.compiler.targets.conditions import Conditions
from segflow.compiler.targets.events import KEY, TIME, Rows, RowsOf, Ties, property_column
from segflow.compiler.targets.needs import (
    Fact,
    Judgement,
    declared_field,
    facts_of,
    inlined_segment,
    own_rows,
    properties_of,
    stored_fact,
    where_features,
)
from segflow.compiler.targets.splits import distinct_values
from segflow.compiler.targets.values import Value, not_later, stored_table, within_bounds
from segflow.compiler.timeline import Bounds, window_bounds
from segflow.model.catalog import Entity, Event
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.operator import TextMatch
from segflow.model.predicate import (
    Aggregate,
    All,
    Everyone,
    FieldFeature,
    Predicate,
    PropertyFeature,
)
from segflow.model.types import BOOLEAN, TIMESTAMP, ValueType
from segflow.ports import Split

Values = dict[Fact, Value]
VALUE = "value"
NO_TIES: Ties = MappingProxyType({})

_LONGEST = 48
"""Bytes of a name before its number: PostgreSQL cuts names after 63, silently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A relation with facts joined to it, and what each is worth in its rows."""

    relation: FromClause
    values: Mapping[Fact, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Joins facts to the users of one entity, as of one instant. `one_row` gathers the tables of
    fields with their key columns, `sets` the names of the id sets that conditions refer to, and
    `splits` the tests that the engine can't make. `judged` gives the keys for which a leaf holds
    that is judged over rows of its own, or the keys and values of an aggregate that is made of
    such."""

    compiled: Compiled
    entity: Entity
    as_of: Instant
    zone: ZoneInfo
    dialect: Dialect
    judged: "Callable[[Judgement | Aggregate, Facts], Select[Any]]"
    one_row: dict[tuple[str, str], None] = field(default_factory=dict)
    sets: dict[str, None] = field(default_factory=dict)
    splits: dict[tuple[Fact, tuple[str, ...], TextMatch], Split] = field(default_factory=dict)
    _taken: dict[str, int] = field(default_factory=dict)

    def keys(self, predicate: Predicate) -> Select[Any]:
        """The keys of the population, each once, for which the predicate holds."""
        described = self.entity.population.where
        whole = predicate if described is None else All(items=(described, predicate))
        population = self._population().cte(self.name("population"))
        key = population.c[KEY]
        joined = self.joined(population, key, facts_of(whole, self.compiled))
        condition = self.conditions(joined.values.__getitem__, key).of(whole)
        return select(key).select_from(joined.relation).where(condition)

    def everyone(self) -> Select[Any]:
        """The keys of the population, each once."""
        return self.keys(Everyone())

    def of_users(self, relation: FromClause, key: Expression) -> tuple[FromClause, Expression]:
        """The relation, and in it the keys by which other segments and lists know users."""
        return relation, key

    def of_entity(self, name: str) -> "Facts":
        """The same for the users of another entity, within the same statement."""
        return replace(self, entity=self.compiled.entities[name])

    def _population(self) -> Select[Any]:
        """Every key once that exists at the instant; rows without a key are nobody."""
        population = self.entity.population
        read = [population.key] if population.since is None else [population.key, population.since]
        source = stored_table(population.table, read)
        key: Expression = source.c[population.key]
        found = select(self.dialect.whole(key).label(KEY)).distinct().where(key.is_not(None))
        if population.since is not None:
            since = self.dialect.stored(source.c[population.since], TIMESTAMP)
            found = found.where(not_later(since, self.as_of))
        return found

    def joined(self, relation: FromClause, key: Expression, facts: Iterable[Fact]) -> Joined:
        """The relation, each row with the facts about the user whose key it holds."""
        stored = {fact: stored_fact(fact, self.entity) for fact in facts}
        values: Values = {}
        wanted = tuple(dict.fromkeys(stored.values()))
        fields = tuple(one for one in wanted if isinstance(one, FieldFeature))
        aggregates = tuple(
            one for one in wanted if isinstance(one, Aggregate) and not own_rows(one)
        )
        relation = self._join_fields(relation, key, fields, values)
        relation = self._join_aggregates(relation, key, aggregates, values)
        for one in wanted:
            if isinstance(one, Judgement):
                relation = self._join_judgement(relation, key, one, values)
            elif isinstance(one, Aggregate) and own_rows(one):
                relation = self._join_value(relation, key, one, values)
        return Joined(
            relation=relation, values={asked: values[one] for asked, one in stored.items()}
        )

    def conditions(
        self, value: Callable[[Fact], Value], key: Expression, events: tuple[str, ...] = ()
    ) -> Conditions:
        """The compiler of predicates about rows in which facts are worth what `value` says: the
        rows of users, or those of events."""
        return Conditions(
            as_of=self.as_of,
            zone=self.zone,
            dialect=self.dialect,
            value=value,
            key=key,
            inlined=lambda leaf: inlined_segment(leaf, self.compiled),
            sets=self.sets,
            split=partial(self._split, events),
        )

    def _split(self, events: tuple[str, ...], feature: Fact, test: TextMatch) -> str:
        """The name of the set of the feature's values that pass the test."""
        stored = stored_fact(feature, self.entity)
        asked = stored, events, test
        if asked not in self.splits:
            values = distinct_values(stored, events, self.compiled, self.entity, self.dialect)
            self.splits[asked] = Split(name=self.name("passing"), values=values, test=test)
        return self.splits[asked].name

    def name(self, wanted: str) -> str:
        """A name that no other part of the statement has, and no table of the catalog."""
        if not self._taken:
            self._taken.update(dict.fromkeys(map(str.lower, self._tables()), 1))
        free = wanted = wanted.encode()[:_LONGEST].decode(errors="ignore")
        while free.lower() in self._taken:
            count = self._taken[wanted.lower()] = self._taken[wanted.lower()] + 1
            free = f"{wanted}_{count}"
        self._taken[free.lower()] = 1
        return free

    def _tables(self) -> Iterator[str]:
        for one in self.compiled.project.objects.values():
            if isinstance(one, Event):
                yield one.at.table
        for entity in self.compiled.entities.values():
            yield entity.population.table
            yield from (at.table for field in entity.fields for at in field.at if at.table)

    # --- fields ---

    def _join_fields(
        self,
        relation: FromClause,
        key: Expression,
        features: tuple[FieldFeature, ...],
        values: Values,
    ) -> FromClause:
        by_table: dict[tuple[str, str], list[FieldFeature]] = defaultdict(list)
        for feature in features:
            by_table[self._table(feature)].append(feature)
        for (name, key_column), fields in by_table.items():
            self.one_row[name, key_column] = None
            read = (key_column, *map(self._column, fields))
            source = stored_table(name, read).alias(self.name(f"{name}_fields"))
            relation = relation.outerjoin(source, source.c[key_column] == key)
            for feature in fields:
                type_ = declared_field(feature, self.entity).type
                stored = self.dialect.stored(source.c[self._column(feature)], type_)
                values[feature] = Value(stored, type_)
        return relation

    def _table(self, feature: FieldFeature) -> tuple[str, str]:
        population = self.entity.population
        (location,) = declared_field(feature, self.entity).at
        return location.table or population.table, location.key or population.key

    def _column(self, feature: FieldFeature) -> str:
        (location,) = declared_field(feature, self.entity).at
        return location.column or feature.field

    # --- judgements ---

    def _join_judgement(
        self, relation: FromClause, key: Expression, leaf: Judgement, values: Values
    ) -> FromClause:
        """Join the keys for which a leaf holds; of all others it does not."""
        holding = self.judged(leaf, self).cte(self.name(f"{type(leaf).__name__.lower()}_keys"))
        values[leaf] = Value(holding.c[KEY].is_not(None), BOOLEAN)
        return relation.outerjoin(holding, holding.c[KEY] == key)

    def _join_value(
        self, relation: FromClause, key: Expression, one: Aggregate, values: Values
    ) -> FromClause:
        """Join the values of an aggregate that is made of rows of its own; others have none."""
        found = self.judged(one, self).cte(self.name(f"{one.events[0]}_{one.kind}"))
        type_ = self._type(one, one.property)
        assert type_ is not None
        values[one] = Value(found.c[VALUE], type_)
        return relation.outerjoin(found, found.c[KEY] == key)

    # --- aggregates ---

    def _join_aggregates(
        self,
        relation: FromClause,
        key: Expression,
        features: tuple[Aggregate, ...],
        values: Values,
    ) -> FromClause:
        by_events: dict[tuple[str, ...], list[Aggregate]] = defaultdict(list)
        for feature in features:
            by_events[feature.events].append(feature)
        for events, aggregates in by_events.items():
            for part, found in self._grouped(events, aggregates):
                relation = relation.outerjoin(part, part.c[KEY] == key)
                values.update(found)
        return relation

    def _grouped(
        self, events: tuple[str, ...], aggregates: list[Aggregate]
    ) -> Iterator[tuple[CTE, Values]]:
        """One row per key with the columns of every aggregate, and what they are worth; where the
        engine has no ordered aggregates, a table of its own for each first or last value."""
        bounds = [window_bounds(one.window, self.as_of, self.zone) for one in aggregates]
        since = _earliest(bounds)
        rows = self._rows(events, aggregates, since)
        source = rows.statement
        of_users = (
            feature
            for one in aggregates
            for feature in where_features(one)
            if isinstance(feature, FieldFeature)
        )
        known = self.joined(source, source.c[KEY], of_users)
        name = "_or_".join(events) + "_facts"
        columns: list[Expression] = [source.c[KEY]]
        named: dict[Aggregate, str] = {}
        for number, (one, its) in enumerate(zip(aggregates, bounds, strict=True), start=1):
            where = self._over(one, _left_to_test(its, since, self.as_of), rows, known.values)
            type_ = self._type(one, one.property)
            if one.kind in ("first", "last") and not self.dialect.traits.ordered_aggregates:
                ranked = ranked_ends(one, rows, where, self.dialect).select_from(known.relation)
                end = at_the_end(ranked.subquery(self.name("ranked"))).cte(self.name(name))
                yield end, {one: aggregate_value(one, type_, end, END)}
            else:
                named[one] = f"f{number}"
                columns += aggregate_columns(one, type_, rows, where, named[one], self.dialect)
        if named:
            statement = select(*columns).select_from(known.relation).group_by(source.c[KEY])
            grouped = statement.cte(self.name(name))
            yield (
                grouped,
                {
                    one: aggregate_value(one, self._type(one, one.property), grouped, column)
                    for one, column in named.items()
                },
            )

    def _rows(
        self, events: tuple[str, ...], aggregates: list[Aggregate], since: Instant | None
    ) -> Rows:
        read = dict.fromkeys(name for one in aggregates for name in properties_of(one))
        ordered = any(one.kind in ("first", "last") for one in aggregates)
        return self.event_rows(events, tuple(read), since, ordered=ordered)

    def event_rows(
        self,
        events: tuple[str, ...],
        properties: tuple[str, ...],
        since: Instant | None,
        *,
        ordered: bool = False,
        ties: Ties = NO_TIES,
    ) -> Rows:
        """The rows of events, see RowsOf."""
        return RowsOf(
            events=tuple(self.event(name) for name in events),
            entity=self.entity.name,
            as_of=self.as_of,
            properties=properties,
            since=since,
            ordered=ordered,
            dialect=self.dialect,
            ties=ties,
        ).rows(self.name("_or_".join(events)))

    def _over(
        self, aggregate: Aggregate, bounds: Bounds, rows: Rows, fields: Mapping[Fact, Value]
    ) -> Condition | None:
        """Which rows the aggregate is over; None for all."""
        columns = rows.statement.c

        def value(feature: Fact) -> Value:
            if not isinstance(feature, PropertyFeature):
                return fields[feature]
            type_ = self._type(aggregate, feature.property)
            assert type_ is not None
            return Value(columns[property_column(feature.property)], type_)

        tests: list[Condition] = []
        if bounds != Bounds():
            tests.append(within_bounds(columns[TIME], bounds))
        if aggregate.where is not None:
            tests.append(self.conditions(value, columns[KEY], aggregate.events).of(aggregate.where))
        return and_(*tests) if tests else None

    def _type(self, aggregate: Aggregate, name: str | None) -> ValueType | None:
        """The type of a property; the events of a union declare it alike."""
        declared = None if name is None else self.event(aggregate.events[0]).property_named(name)
        return None if declared is None else declared.type

    def event(self, name: str) -> Event:
        """The declared event; the pass `resolve` has seen to it that there is one."""
        event = self.compiled.project.event(name)
        if event is None:
            raise AssertionError(f"there is no event {name}")
        return event


def _earliest(bounds: list[Bounds]) -> Instant | None:
    """The start of the widest window; None where one is open."""
    starts = [one.start for one in bounds if one.start is not None]
    return min(starts) if len(starts) == len(bounds) else None


def _left_to_test(bounds: Bounds, since: Instant | None, as_of: Instant) -> Bounds:
    """The bounds without what holds for every row that is read; empty ones stay as they are."""
    if bounds.start is not None and bounds.end is not None and bounds.start >= bounds.end:
        return bounds
    return Bounds(
        start=None if bounds.start == since else bounds.start,
        end=None if bounds.end == as_of + 1 else bounds.end,
    )
