"""Facts in SQL: the features of every user, joined to whatever has a column of users' keys.

One scan per event (or union of events) gives all its aggregates; one join per table all its fields.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, FromClause, Label, Select, and_, case, func, select, true

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.storage import Storage, storage_of_field
from segflow.compiler.targets.aggregates import (
    END,
    aggregate_columns,
    aggregate_value,
    at_the_end,
    distinct_value,
    is_ranked,
    ranked_ends,
)
from segflow.compiler.targets.conditions import Conditions
from segflow.compiler.targets.events import KEY, TIME, Rows, RowsOf, Ties, property_column
from segflow.compiler.targets.histories import VALUE, value_then
from segflow.compiler.targets.local import by_number, join_ways
from segflow.compiler.targets.names import Names
from segflow.compiler.targets.needs import (
    Fact,
    Happened,
    Judgement,
    UserZone,
    declared_field,
    facts_of,
    facts_of_rows,
    inlined_segment,
    own_rows,
    properties_of,
    stored_fact,
)
from segflow.compiler.targets.nesting import nested
from segflow.compiler.targets.population import population_keys
from segflow.compiler.targets.spans import earliest, left_to_test
from segflow.compiler.targets.splits import distinct_values
from segflow.compiler.targets.stored import gathered, value_in
from segflow.compiler.targets.values import Value, stored_table, within_bounds
from segflow.compiler.timeline import Bounds, window_bounds
from segflow.compiler.zones import Ways, Zones, zones_of
from segflow.model.catalog import Entity, Event
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.operator import TextMatch
from segflow.model.predicate import (
    Aggregate,
    Everyone,
    Feature,
    FieldFeature,
    Predicate,
    PropertyFeature,
    Sql,
)
from segflow.model.types import BOOLEAN, INTEGER, ValueType
from segflow.ports import Split

Values = dict[Fact, Value]
NO_TIES: Ties = MappingProxyType({})

Scanned = tuple[CTE, dict[Aggregate, Value]]
"""One row per key with the columns of aggregates, and what these are worth by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A relation with facts joined to it, and what each is worth in its rows."""

    relation: FromClause
    values: Mapping[Fact, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A population with facts joined to it: who of it `exists`, and for whom each of several
    predicates holds, in their order."""

    relation: FromClause
    key: Expression
    exists: tuple[Condition, ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Joins facts to the users of one entity, as of one instant. `one_row` gathers the tables of
    fields with their key columns, `sets` the id sets that conditions refer to, as Conditions does,
    `splits` the tests that the engine can't make. `judged` gives the keys for which a leaf holds
    that is judged over rows of its own, or the keys and values of an aggregate that is made of
    such. Without `then`, fields that have a history are what the source has now."""

    compiled: Compiled
    entity: Entity
    as_of: Instant
    zone: ZoneInfo
    dialect: Dialect
    judged: "Callable[[Judgement | Aggregate, Facts], Select[Any]]"
    then: bool = True
    one_row: dict[tuple[str, str], None] = field(default_factory=dict)
    sets: dict[str, Sql | None] = field(default_factory=dict)
    splits: dict[object, Split] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    def keys(self, predicate: Predicate) -> Select[Any]:
        """The keys of the population, each once, for which the predicate holds."""
        one = self.people([predicate])
        return select(one.key).select_from(one.relation).where(*one.exists, *one.conditions)

    def people(self, predicates: Sequence[Predicate]) -> People:
        """The population with all that the predicates ask."""
        described = self.entity.population.where
        every = predicates if described is None else [described, *predicates]
        asked = dict.fromkeys(fact for one in every for fact in facts_of(one, self.compiled))
        population = self.population().cte(self.name("population"))
        key = population.c[KEY]
        joined = self.joined(population, key, asked)
        conditions = self.conditions(joined.values.__getitem__, key)
        return People(
            relation=joined.relation,
            key=key,
            exists=() if described is None else (conditions.of(described),),
            conditions=tuple(conditions.of(one) for one in predicates),
        )

    def everyone(self) -> Select[Any]:
        """The keys of the population, each once."""
        return self.keys(Everyone())

    def of_users(self, relation: FromClause, key: Expression) -> tuple[FromClause, Expression]:
        """The relation, and in it the keys by which other segments and lists know users."""
        return relation, key

    def of_entity(self, name: str) -> "Facts":
        """The same for the users of another entity, within the same statement."""
        return replace(self, entity=self.compiled.entities[name])

    def at(self, as_of: Instant) -> "Facts":
        """The same as of another instant, within the same statement."""
        return replace(self, as_of=as_of)

    def population(self) -> Select[Any]:
        """Every key once that exists at the instant."""
        return population_keys(self.entity, self.as_of, self.dialect)

    def name(self, wanted: str) -> str:
        """A name that no other part of the statement has, and no table of the catalog."""
        return self.names.free(wanted, self.compiled)

    def joined(self, relation: FromClause, key: Expression, facts: Iterable[Fact]) -> Joined:
        """The relation, each row with the facts about the user whose key it holds."""
        known = self.zones.known  # else nobody asks for a user's zone
        stored = {
            fact: stored_fact(fact, self.entity)
            for fact in facts
            if known or not isinstance(fact, UserZone)
        }
        values: Values = {}
        wanted = tuple(dict.fromkeys(stored.values()))
        fields = tuple(one for one in wanted if isinstance(one, FieldFeature))
        aggregates = tuple(
            one
            for one in wanted
            if isinstance(one, Happened) or (isinstance(one, Aggregate) and not own_rows(one))
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
            zones=self.zones,
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
        assert isinstance(stored, Feature)
        asked = self.entity.name, stored, events, test
        if asked not in self.splits:
            values = distinct_values(stored, events, self.compiled, self.entity, self.dialect)
            self.splits[asked] = Split(name=self.name("passing"), values=values, test=test)
        return self.splits[asked].name

    @property
    def zones(self) -> Zones:
        """The zones of the entity's users."""
        return zones_of(self.entity, self.zone)

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
            if self._storage(feature).form == "rows":
                relation = self._join_child_table(relation, key, feature, values)
            else:
                by_table[self._table(feature)].append(feature)
        for (name, key_column), fields in by_table.items():
            self.one_row[name, key_column] = None
            read = (key_column, *(self._storage(feature).column for feature in fields))
            source = stored_table(name, read).alias(self.name(f"{name}_fields"))
            relation = relation.outerjoin(source, source.c[key_column] == key)
            for feature in fields:
                storage = self._storage(feature)
                values[feature] = Value(value_in(source, storage, self.dialect), storage.type)
        for feature in features if self.then else ():
            relation = self._join_history(relation, key, feature, values)
        return relation

    def _join_child_table(
        self, relation: FromClause, key: Expression, feature: FieldFeature, values: Values
    ) -> FromClause:
        storage, (name, key_column) = self._storage(feature), self._table(feature)
        source = stored_table(name, (key_column, storage.column))
        lists = gathered(source, source.c[key_column], storage, self.dialect)
        grouped = lists.cte(self.name(f"{name}_lists"))
        values[feature] = Value(grouped.c.elements, storage.type)
        return relation.outerjoin(grouped, grouped.c.key == key)

    def _join_history(
        self, relation: FromClause, key: Expression, feature: FieldFeature, values: Values
    ) -> FromClause:
        """Give a field that has a history its value as of the instant, where the key is known."""
        declared = declared_field(feature, self.entity)
        if declared.history is None:
            return relation
        name = self.name(f"{feature.field}_then")
        then = value_then(declared, self.as_of, self.dialect, name)
        today = values[feature].expression
        value = case((then.c[KEY].is_not(None), then.c[VALUE]), else_=today)
        values[feature] = Value(value, declared.type)
        return relation.outerjoin(then, then.c[KEY] == key)

    def _table(self, feature: FieldFeature) -> tuple[str, str]:
        population = self.entity.population
        (location,) = declared_field(feature, self.entity).at
        return location.table or population.table, location.key or population.key

    def _storage(self, feature: FieldFeature) -> Storage:
        declared = declared_field(feature, self.entity)
        (location,) = declared.at
        return storage_of_field(declared, location)

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
        asked: tuple[Aggregate | Happened, ...],
        values: Values,
    ) -> FromClause:
        derived = nested(asked, self.as_of, self.zone)
        wanted = dict.fromkeys(one for found in derived.values() for one in found.reads)
        scanned: dict[Aggregate, Value] = {}
        for grouped, found in self._scans(wanted):
            relation = relation.outerjoin(grouped, grouped.c[KEY] == key)
            scanned.update(found)
        values.update({fact: one.value(scanned) for fact, one in derived.items()})
        return relation

    def _scans(self, wanted: Iterable[Aggregate]) -> Iterator[Scanned]:
        """One scan per event or union of events, and one for each property of which distinct values
        are counted in several ways."""
        by_scan: dict[tuple[tuple[str, ...], str | None], list[Aggregate]] = defaultdict(list)
        for one in wanted:
            type_ = self._type(one, one.property)
            alone = one.user_zone or (type_ is not None and type_.is_list)
            shared = one.kind == "count_distinct" and not alone
            counted = one.property if shared else None
            by_scan[one.events, counted].append(one)
        for (events, counted), aggregates in list(by_scan.items()):
            if counted is not None and len(aggregates) == 1:
                by_scan[events, None] += by_scan.pop((events, counted))
        for (events, counted), aggregates in by_scan.items():
            if counted is None:
                yield from self._grouped(events, aggregates)
            else:
                yield self._distinct(events, counted, aggregates)

    def _distinct(
        self, events: tuple[str, ...], counted: str, aggregates: list[Aggregate]
    ) -> Scanned:
        """As _grouped() for counts of distinct values: the last time of each value tells in which
        of the windows with one end it is, so that the values are told apart once for all."""
        bounds = [window_bounds(one.window, self.as_of, self.zone) for one in aggregates]
        since = earliest(bounds)
        rows = self._rows(events, aggregates, since)
        known = self._known(aggregates, rows)
        source = rows.statement.c
        value = distinct_value(
            source[property_column(counted)], self._type(aggregates[0], counted), self.dialect
        )
        found: dict[tuple[Predicate | None, Instant | None], Label[Any]] = {}
        for one, its in zip(aggregates, bounds, strict=True):
            if (one.where, its.end) not in found:
                until = self.within(Ways(Bounds(end=its.end)), None, None, rows)
                where = self._over(one, until, rows, known.values)
                name = f"t{len(found) + 1}"
                last = self.dialect.aggregated(func.max, source[TIME], where)
                found[one.where, its.end] = last.label(name)
        each = (
            select(source[KEY], value.label("value"), *found.values())
            .select_from(known.relation)
            .where(value.is_not(None))
            .group_by(source[KEY], value)
            .cte(self.name(f"{'_or_'.join(events)}_{counted}"))
        )
        columns: list[Expression] = [each.c[KEY]]
        for number, (one, its) in enumerate(zip(aggregates, bounds, strict=True), start=1):
            inside = within_bounds(each.c[found[one.where, its.end].name], its)
            counted_in = self.dialect.aggregated(func.count, None, inside)
            columns.append(counted_in.label(f"f{number}"))
        grouped = select(*columns).group_by(each.c[KEY]).cte(self.name(f"{each.name}_facts"))
        return grouped, {
            one: Value(func.coalesce(grouped.c[f"f{number}"], 0), INTEGER)
            for number, one in enumerate(aggregates, start=1)
        }

    def _grouped(self, events: tuple[str, ...], aggregates: list[Aggregate]) -> Iterator[Scanned]:
        """One row per key with the columns of every aggregate, and what they are worth; where the
        engine has no ordered aggregates, a table of its own for each first or last value."""
        ways = [self.ways(one) for one in aggregates]
        since = earliest([bounds for one in ways for bounds in one.each()])
        rows = self._rows(events, aggregates, since)
        source = rows.statement
        known = self._known(aggregates, rows)
        relation, numbers = self.numbered(known, ways)
        name = "_or_".join(events) + "_facts"
        columns: list[Expression] = [source.c[KEY]]
        named: dict[Aggregate, str] = {}
        for number, (one, its) in enumerate(zip(aggregates, ways, strict=True), start=1):
            within = self.within(its, numbers.get(its), since, rows)
            where = self._over(one, within, rows, known.values)
            type_ = self._type(one, one.property)
            if is_ranked(one, type_, self.dialect):
                ranked = ranked_ends(one, type_, rows, where, self.dialect)
                ranked = ranked.select_from(relation)
                end = at_the_end(ranked.subquery(self.name("ranked"))).cte(self.name(name))
                yield end, {one: aggregate_value(one, type_, end, END)}
            else:
                named[one] = f"f{number}"
                columns += aggregate_columns(one, type_, rows, where, named[one], self.dialect)
        if named:
            statement = select(*columns).select_from(relation).group_by(source.c[KEY])
            grouped = statement.cte(self.name(name))
            yield (
                grouped,
                {
                    one: aggregate_value(one, self._type(one, one.property), grouped, column)
                    for one, column in named.items()
                },
            )

    def _known(self, aggregates: Iterable[Aggregate], rows: Rows) -> Joined:
        """The rows, each with the fields of its user that are tested beside the event."""
        of_users = (fact for one in aggregates for fact in facts_of_rows(one))
        return self.joined(rows.statement, rows.statement.c[KEY], of_users)

    def numbered(
        self, known: Joined, ways: Iterable[Ways[Bounds]]
    ) -> tuple[FromClause, Mapping[Ways[Any], Expression]]:
        """The rows with the numbers of the ways of their users, where there are several."""
        local = tuple(dict.fromkeys(one for one in ways if one.others))
        if not local:
            return known.relation, {}
        zone = known.values[UserZone()].expression
        return join_ways(known.relation, zone, local, self.name("zones"))

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

    def ways(self, aggregate: Aggregate) -> Ways[Bounds]:
        """The window's bounds, in the project's zone or in each user's."""
        return self.zones.ways(aggregate.user_zone, window_bounds, aggregate.window, self.as_of)

    def within(
        self, ways: Ways[Bounds], number: Expression | None, since: Instant | None, rows: Rows
    ) -> Condition | None:
        """Which rows lie in the window; None for all."""

        def test(bounds: Bounds) -> Condition:
            left = left_to_test(bounds, since, self.as_of)
            return true() if left == Bounds() else within_bounds(rows.statement.c[TIME], left)

        if not ways.others and left_to_test(ways.default, since, self.as_of) == Bounds():
            return None
        return by_number(ways, number, test)

    def _over(
        self,
        aggregate: Aggregate,
        within: Condition | None,
        rows: Rows,
        fields: Mapping[Fact, Value],
    ) -> Condition | None:
        """Which rows the aggregate is over; None for all."""
        columns = rows.statement.c

        def value(feature: Fact) -> Value:
            if not isinstance(feature, PropertyFeature):
                return fields[feature]
            type_ = self._type(aggregate, feature.property)
            assert type_ is not None
            return Value(columns[property_column(feature.property)], type_)

        tests: list[Condition] = [] if within is None else [within]
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
