"""A predicate about users as sets of keys out of documents, put together.

What is about the documents of the population itself becomes one query; each other part is a set.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from segflow.compiler.storage import place_of_field
from segflow.compiler.targets.elastic_conditions import (
    ALWAYS,
    Where,
    document_field,
    either,
    every,
    field_test,
    negated,
)
from segflow.compiler.targets.elastic_events import EventSets, in_all, in_any
from segflow.compiler.targets.elastic_mapping import mapped_as
from segflow.compiler.targets.elastic_queries import all_of, any_of, exists, within, written
from segflow.compiler.targets.elastic_values import instants
from segflow.compiler.targets.needs import declared_field, inlined_segment, stored_feature
from segflow.compiler.targets.queries import KeyQuery
from segflow.compiler.targets.seen import Mentioned
from segflow.compiler.timeline import Bounds
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled, list_set, log_set, query_set, segment_set
from segflow.model.instant import Instant
from segflow.model.keys import value_type
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Everyone,
    FieldFeature,
    Held,
    InFile,
    InSegment,
    NoneOf,
    Not,
    Predicate,
    Sample,
    Sql,
    Test,
    Transition,
)
from segflow.model.types import TIMESTAMP
from segflow.ports.documents import (
    Difference,
    Found,
    Given,
    KeySet,
    ReadField,
    Sampled,
)


class Place(NamedTuple):
    """A table, which is an index here, and its field of users' keys."""

    table: str
    key: str


class At(NamedTuple):
    """The users whose document at a place passes; of whom there is none there, the missing one."""

    place: Place
    where: Where


Part = At | KeySet


@dataclass(kw_only=True)
class UserSets:
    """Sets of users of an entity, as of an instant. `fields` and `sets` gather what the answers
    rest on: fields that are read, and id sets with the queries that make them."""

    compiled: Compiled
    entity: Entity
    as_of: Instant
    zone: ZoneInfo
    fields: dict[ReadField, None] = field(default_factory=dict)
    sets: dict[str, KeyQuery | None] = field(default_factory=dict)

    def keys(self, predicate: Predicate) -> KeySet:
        """The users of the population for whom the predicate holds."""
        described = self.entity.population.where
        whole = predicate if described is None else All(items=(described, predicate))
        part = self._part(whole)
        if isinstance(self.entity.population, Mentioned):
            return self._as_set(part)  # there is nobody else whom a set could have
        if isinstance(part, At) and part.place == self._home:
            return self._at_home(part.where)
        return in_all([self._at_home(ALWAYS), self._as_set(part)])

    # --- the algebra ---

    def _part(self, node: Predicate) -> Part:
        match node:
            case All(items=items):
                return self._together(map(self._part, items), every, in_all)
            case AnyOf(items=items):
                return self._any_part(items)
            case NoneOf(items=items):
                return self._opposite(self._any_part(items))
            case Not(item=item):
                return self._opposite(self._part(item))
            case Everyone():
                return self._everyone if self._home is None else At(self._home, ALWAYS)
            case Test():
                return self._test(node)
            case InSegment():
                inlined = inlined_segment(node, self.compiled)
                if inlined is not None:
                    return self._part(inlined)
                return self._given(segment_set(node.segment))
            case _:
                return self._leaf(node)

    def _leaf(self, node: Predicate) -> KeySet:
        match node:
            case InFile(path=path):
                return self._given(list_set(path))
            case Sql():
                name = query_set(node.source, node.query, self.entity.key_type)
                return self._given(name, KeyQuery(node, self.entity.key_type))
            case Transition() | Held(item=InSegment()):
                return self._given(log_set(node))
            case Sample(low=low, high=high, salt=salt):
                return Sampled(of=self._everyone, salt=salt or "", low=low, high=high)
            case _:
                raise AssertionError(f"{type(node).__name__} is refused before")

    def _given(self, name: str, made_by: KeyQuery | None = None) -> Given:
        self.sets[name] = made_by
        return Given(name)

    def _any_part(self, items: Iterable[Predicate]) -> Part:
        return self._together(map(self._part, items), either, in_any)

    def _together(
        self,
        parts: Iterable[Part],
        of_one_place: Callable[[Iterable[Where]], Where],
        of_sets: Callable[[Iterable[KeySet]], KeySet],
    ) -> Part:
        """What is asked of documents at one place is one query there."""
        by_place: dict[Place, list[Where]] = {}
        others: list[KeySet] = []
        for part in parts:
            if isinstance(part, At):
                by_place.setdefault(part.place, []).append(part.where)
            else:
                others.append(part)
        found = [At(place, of_one_place(wheres)) for place, wheres in by_place.items()]
        if not others and len(found) == 1:
            return found[0]
        return of_sets([*map(self._as_set, found), *others])

    def _opposite(self, part: Part) -> Part:
        if isinstance(part, At):
            return At(part.place, negated(part.where))
        return Difference(self._everyone, part)

    # --- parts as sets ---

    @property
    def _home(self) -> Place | None:
        """Where the documents of the population are, if it is here."""
        population = self.entity.population
        if isinstance(population, Mentioned):
            return None
        return Place(population.table, population.key)

    @cached_property
    def _everyone(self) -> KeySet:
        """Every key of the population, its own condition left out: keys() asks for that."""
        population = self.entity.population
        if not isinstance(population, Mentioned):
            return self._at_home(ALWAYS)
        for table, key in population.tables:
            self._read_key(table, key)
        return in_any(Found(table, key, written(exists(key))) for table, key in population.tables)

    def _at_home(self, where: Where) -> Found:
        population = self.entity.population
        place = Place(population.table, population.key)
        self._read_key(*place)
        is_tested = where != ALWAYS
        queries = [exists(population.key)]
        if population.since is not None:
            until_now = instants(Bounds(end=Instant(self.as_of + 1)))
            queries.append(any_of(within(population.since, one) for one in until_now))
            since = ReadField(population.table, population.since, mapped_as(TIMESTAMP))
            self.fields[since] = None
        return Found(*place, written(all_of([*queries, where.query])), alike=is_tested)

    def _read_key(self, index: str, key: str) -> None:
        words = mapped_as(value_type(self.entity.key_type))
        self.fields[ReadField(index, key, words)] = None

    def _as_set(self, part: Part) -> KeySet:
        match part:
            case At(place=place, where=where) if place == self._home:
                return self._at_home(where)
            case At(place=place, where=where) if where.of_none:
                others = Found(*place, written(negated(where).query), alike=True)
                return Difference(self._everyone, others)
            case At(place=place, where=where):
                return Found(*place, written(where.query), alike=True)
            case _:
                return part

    # --- tests ---

    def _test(self, test: Test) -> Part:
        feature = stored_feature(test.feature, self.entity)
        if isinstance(feature, Aggregate):
            events = EventSets(
                compiled=self.compiled,
                entity=self.entity,
                as_of=self.as_of,
                zone=self.zone,
                everyone=lambda: self._everyone,
                fields=self.fields,
            )
            return in_all([events.passing(feature, one) for one in test.operators])
        assert isinstance(feature, FieldFeature), "others stand elsewhere"
        index, key, storage = place_of_field(declared_field(feature, self.entity), self.entity)
        found = document_field(storage)
        self._read_key(index, key)
        self.fields[found.read_from(index)] = None
        return At(Place(index, key), field_test(test, found, self.as_of, self.zone))
