"""Scans of events in SQL: each table of events is read once for all aggregates of its events."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, FromClause, Label, and_, func, select, true

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.targets.aggregates import (
    END,
    aggregate_columns,
    aggregate_value,
    at_the_end,
    is_ranked,
    ranked_ends,
)
from segflow.compiler.targets.conditions import Conditions
from segflow.compiler.targets.events import KEY, TIME, Rows, RowsOf, Ties, property_column
from segflow.compiler.targets.local import by_number, join_ways
from segflow.compiler.targets.needs import Fact, UserZone, facts_of_rows, properties_of
from segflow.compiler.targets.spans import earliest, left_to_test, side_by_side
from segflow.compiler.targets.values import Value, floored, within_bounds
from segflow.compiler.timeline import Bounds, window_bounds
from segflow.compiler.zones import Ways, Zones, zones_of
from segflow.model.catalog import Entity, Event
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate, Predicate, PropertyFeature
from segflow.model.types import INTEGER, ValueType

NO_TIES: Ties = MappingProxyType({})

Scanned = tuple[CTE, dict[Aggregate, Value]]
"""One row per key with the columns of aggregates, and what these are worth by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A relation with facts joined to it, and what each is worth in its rows."""

    relation: FromClause
    values: Mapping[Fact, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scans:
    """Scans of events of the users of one entity, as of one instant. What is asked of the users
    themselves beside their events is joined by joined()."""

    compiled: Compiled
    entity: Entity
    as_of: Instant
    zone: ZoneInfo
    dialect: Dialect

    @abstractmethod
    def joined(self, relation: FromClause, key: Expression, facts: Iterable[Fact]) -> Joined:
        """The relation, each row with the facts about the user whose key it holds."""

    @abstractmethod
    def conditions(
        self, value: Callable[[Fact], Value], key: Expression, events: tuple[str, ...] = ()
    ) -> Conditions:
        """The compiler of predicates about rows in which facts are worth what `value` says: the
        rows of users, or those of events."""

    @abstractmethod
    def name(self, wanted: str) -> str:
        """A name that no other part of the statement has, and no table of the catalog."""

    @property
    def zones(self) -> Zones:
        """The zones of the entity's users."""
        return zones_of(self.entity, self.zone)

    def scans(self, wanted: Iterable[Aggregate]) -> Iterator[Scanned]:
        """The scans of each event or union of events: few, see side_by_side(), and one for each
        property of which distinct values are counted."""
        by_scan: dict[tuple[tuple[str, ...], str | None], list[Aggregate]] = defaultdict(list)
        for one in wanted:
            type_ = self.type_of(one, one.property)
            alone = one.user_zone or (type_ is not None and type_.is_list)
            shared = one.kind == "count_distinct" and not alone
            counted = one.property if shared else None
            by_scan[one.events, counted].append(one)
        for (events, counted), aggregates in by_scan.items():
            if counted is not None and len(aggregates) > 1:
                yield self._distinct(events, counted, aggregates)
                continue
            reaches = [self._reach(one) for one in aggregates]
            for part in side_by_side(aggregates, reaches):
                yield from self._grouped(events, part)

    def _reach(self, aggregate: Aggregate) -> int | None:
        """How far before T an aggregate looks, in milliseconds; None for all of history."""
        start = earliest(list(self.ways(aggregate).each()))
        return None if start is None else max(0, self.as_of - start)

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
        value = floored(
            source[property_column(counted)], self.type_of(aggregates[0], counted), self.dialect
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
            last = each.c[found[one.where, its.end].name]
            start = None if its.start == since else its.start
            inside = None if start is None else within_bounds(last, Bounds(start=start))
            counted_in = self.dialect.aggregated(func.count, last, inside)
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
            type_ = self.type_of(one, one.property)
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
                    one: aggregate_value(one, self.type_of(one, one.property), grouped, column)
                    for one, column in named.items()
                },
            )

    def _known(self, aggregates: Iterable[Aggregate], rows: Rows) -> Joined:
        """The rows, each with the fields of its user that are tested beside the event."""
        of_users = (fact for one in aggregates for fact in facts_of_rows(one))
        return self.joined(rows.statement, rows.statement.c[KEY], of_users)

    def numbered(
        self, known: Joined, ways: Iterable[Ways[Any]]
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
            entities=self.compiled.entities,
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
            type_ = self.type_of(aggregate, feature.property)
            assert type_ is not None
            return Value(columns[property_column(feature.property)], type_)

        tests: list[Condition] = [] if within is None else [within]
        if aggregate.where is not None:
            tests.append(self.conditions(value, columns[KEY], aggregate.events).of(aggregate.where))
        return and_(*tests) if tests else None

    def type_of(self, aggregate: Aggregate, name: str | None) -> ValueType | None:
        """The type of a property; the events of a union declare it alike."""
        declared = None if name is None else self.event(aggregate.events[0]).property_named(name)
        return None if declared is None else declared.type

    def event(self, name: str) -> Event:
        """The declared event in the source of the users; the pass `resolve` has seen to it that
        there is one."""
        event = self.compiled.project.event(name)
        if event is None:
            raise AssertionError(f"there is no event {name}")
        return event.in_source(self.entity.population.source)
