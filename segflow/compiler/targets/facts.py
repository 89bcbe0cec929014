"""Facts in SQL: the features of every user, joined to whatever has a column of users' keys.

One scan per event (or union of events) gives all its aggregates; one join per table all its fields.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import CTE, FromClause, Select, case, select

from segflow.compiler.clocks import Offsets, offsets_text
from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.storage import FieldPlace, Storage, place_of_field
from segflow.compiler.targets.conditions import Conditions
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.histories import VALUE, value_then
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.local import text_table
from segflow.compiler.targets.names import Names
from segflow.compiler.targets.needs import (
    Fact,
    Happened,
    Judgement,
    UserZone,
    declared_field,
    facts_of,
    inlined_segment,
    may_be_reached,
    own_rows,
    stored_fact,
    stored_feature,
)
from segflow.compiler.targets.nesting import nested
from segflow.compiler.targets.population import population_keys
from segflow.compiler.targets.queries import KeyQuery
from segflow.compiler.targets.scans import Joined, Scans
from segflow.compiler.targets.seen import Sent
from segflow.compiler.targets.splits import distinct_values
from segflow.compiler.targets.stored import gathered, value_in
from segflow.compiler.targets.values import Value, stored_table
from segflow.compiler.zones import Ways
from segflow.model.instant import Instant
from segflow.model.operator import TextMatch
from segflow.model.predicate import (
    Aggregate,
    Everyone,
    Feature,
    FieldFeature,
    Predicate,
    Rank,
)
from segflow.model.types import BOOLEAN
from segflow.ports import KeyColumn, Split

Values = dict[Fact, Value]
Ranked = dict[Feature, tuple[CTE, Sequence[str]]]
"""By feature the table of who is ranked, and its columns that values are ordered by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A population with facts joined to it: who of it `exists`, and what says for whom a predicate
    holds whose facts were asked for."""

    population: CTE
    relation: FromClause
    exists: tuple[Condition, ...]
    conditions: Conditions

    @property
    def key(self) -> Expression:
        """The user's key."""
        return self.population.c[KEY]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Scans):
    """Joins facts to the users of one entity, as of one instant. `one_row` gathers the tables of
    fields with their key columns, `sets` the id sets that conditions refer to, as Conditions does,
    `splits` the tests that the engine can't make, `merged` the tables that it makes of parts,
    `clocks` the tables of zones. `judged` gives the keys for which a leaf holds that is judged over
    rows of its own, or the keys and values of an aggregate that is made of such. Without `then`,
    fields that have a history are what the source has now. What parts of the statement share: its
    `populations`; all that people() of some entity and instant are `all_asked`; and what was made
    of it for several leaves, such as one scan that serves all ranks (`scanned`), the values of
    users among whom features rank (`ranked`) and the sequences that are told in windows of several
    lengths (`told`)."""

    judged: "Callable[[Judgement | Aggregate, Facts], Select[Any]]"
    then: bool = True
    one_row: dict[KeyColumn, None] = field(default_factory=dict)
    sets: dict[str, KeyQuery | None] = field(default_factory=dict)
    splits: dict[object, Split] = field(default_factory=dict)
    merged: dict[str, Sequence[Select[Any]]] = field(default_factory=dict)
    clocks: dict[Ways[Offsets], FromClause] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    populations: dict[object, CTE] = field(default_factory=dict)
    all_asked: dict[object, dict[Fact, None]] = field(default_factory=partial(defaultdict, dict))
    scanned: dict[object, tuple[CTE, Value]] = field(default_factory=dict)
    ranked: dict[object, Ranked] = field(default_factory=partial(defaultdict, dict))
    told: dict[object, CTE] = field(default_factory=dict)

    def keys(self, predicate: Predicate) -> Select[Any]:
        """The keys of the population, each once, for which the predicate holds."""
        one = self.people([predicate])
        holds = one.conditions.of(predicate)
        return select(one.key).select_from(one.relation).where(*one.exists, holds)

    def people(self, predicates: Sequence[Predicate]) -> People:
        """The population with all that the predicates ask."""
        described = self.entity.population.where
        every = predicates if described is None else [described, *predicates]
        asked = dict.fromkeys(fact for one in every for fact in facts_of(one, self.compiled))
        population = self.population()
        key = population.c[KEY]
        self.asked.update(asked)
        self._scan_once([fact for fact in asked if isinstance(fact, Rank)])
        joined = self.joined(population, key, asked)
        conditions = self.conditions(joined.values.__getitem__, key)
        return People(
            population=population,
            relation=joined.relation,
            exists=() if described is None else (conditions.of(described),),
            conditions=conditions,
        )

    @property
    def asked(self) -> dict[Fact, None]:
        """All that people() of the entity and instant are asked in the statement so far."""
        return self.all_asked[self.entity.name, self.as_of]

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

    def population(self) -> CTE:
        """Every key once that exists at the instant; all parts of the statement share the table."""
        asked = self.entity.name, self.as_of
        if asked not in self.populations:
            if isinstance(self.entity.population, Sent):
                self.sets[self.entity.population.table] = None
            keys = population_keys(self.entity, self.as_of, self.dialect)
            self.populations[asked] = keys.cte(self.name("population"))
        return self.populations[asked]

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
            key_type=self.entity.key_type,
            inlined=lambda leaf: inlined_segment(leaf, self.compiled),
            reached=lambda leaf: may_be_reached(leaf, self.compiled),
            sets=self.sets,
            split=partial(self._split, events),
            clocks=self._clocks,
        )

    def _clocks(self, ways: Ways[Offsets]) -> FromClause:
        """The table of zones with their offsets as text, made once."""
        if ways not in self.clocks:
            self.clocks[ways] = text_table(ways, offsets_text, self.name("clocks"))
        return self.clocks[ways]

    def _split(self, events: tuple[str, ...], feature: Fact, test: TextMatch) -> str:
        """The name of the set of the feature's values that pass the test."""
        stored = stored_fact(feature, self.entity)
        assert isinstance(stored, Feature)
        asked = self.entity.name, stored, events, test
        if asked not in self.splits:
            values = distinct_values(stored, events, self.compiled, self.entity, self.dialect)
            self.splits[asked] = Split(name=self.name("passing"), values=values, test=test)
        return self.splits[asked].name

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
            place = self._place(feature)
            if place.storage.form == "rows":
                relation = self._join_child_table(relation, key, feature, values)
            else:
                by_table[place.table, place.key].append(feature)
        for (name, key_column), fields in by_table.items():
            self.one_row[KeyColumn(name, key_column, self.entity.key_type)] = None
            storages = [self._place(feature).storage for feature in fields]
            rows, owner, found = self._rows_of_fields(name, key_column, storages)
            relation = relation.outerjoin(rows, owner == key)
            for feature, storage, value in zip(fields, storages, found, strict=True):
                values[feature] = Value(value, storage.type)
        for feature in features if self.then else ():
            relation = self._join_history(relation, key, feature, values)
        return relation

    def _rows_of_fields(
        self, table: str, key_column: str, storages: Sequence[Storage]
    ) -> tuple[FromClause, Expression, Sequence[Expression]]:
        """The rows of a table, with the key of each and its values. Keys that are integers are
        compared as they are stored, so that an index of theirs serves."""
        named = stored_table(table, (key_column, *(storage.column for storage in storages)))
        name = self.name(f"{table}_fields")
        if self.entity.key_type == "integer":
            rows = named.alias(name)
            found = [value_in(rows, storage, self.dialect) for storage in storages]
            return rows, rows.c[key_column], found
        values = [value_in(named, storage, self.dialect) for storage in storages]
        labelled = [value.label(f"f{number}") for number, value in enumerate(values)]
        read = select(self._owner(named.c[key_column]).label(KEY), *labelled)
        once = self.dialect.read_once(read.cte(name))
        return once, once.c[KEY], [once.c[value.name] for value in labelled]

    def _owner(self, column: Expression) -> Expression:
        """A column of keys of the entity as values."""
        return key_of(column, self.entity.key_type, self.dialect)

    def _join_child_table(
        self, relation: FromClause, key: Expression, feature: FieldFeature, values: Values
    ) -> FromClause:
        name, key_column, storage = self._place(feature)
        source = stored_table(name, (key_column, storage.column))
        lists = gathered(source, self._owner(source.c[key_column]), storage, self.dialect)
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
        key_type = self.entity.key_type
        then = value_then(declared, key_type, self.as_of, self.dialect, name)
        today = values[feature].expression
        value = case((then.c[KEY].is_not(None), then.c[VALUE]), else_=today)
        values[feature] = Value(value, declared.type)
        return relation.outerjoin(then, then.c[KEY] == key)

    def _place(self, feature: FieldFeature) -> FieldPlace:
        return place_of_field(declared_field(feature, self.entity), self.entity)

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
        type_ = self.type_of(one, one.property)
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
        known = {one: self.scanned.get(self._scan(one)) for one in wanted}
        scans = [(one[0], {asked: one[1]}) for asked, one in known.items() if one is not None]
        scans += self.scans(one for one in wanted if known[one] is None)
        found: dict[Aggregate, Value] = {}
        for _, more in scans:
            found.update(more)
        for grouped in dict.fromkeys(grouped for grouped, _ in scans):
            relation = relation.outerjoin(grouped, grouped.c[KEY] == key)
        values.update({fact: one.value(found) for fact, one in derived.items()})
        return relation

    def _scan_once(self, ranks: Sequence[Rank]) -> None:
        """Scan for all ranks together what they rank by; each then finds it in `scanned`."""
        features = dict.fromkeys(stored_feature(one.feature, self.entity) for one in ranks)
        aggregates = [one for one in features if isinstance(one, Aggregate) and not own_rows(one)]
        if len(aggregates) > 1:
            for grouped, found in self.scans(aggregates):
                self.scanned.update({self._scan(one): (grouped, found[one]) for one in found})

    def _scan(self, aggregate: Aggregate) -> object:
        return self.entity.name, self.as_of, aggregate
