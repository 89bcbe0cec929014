"""Many predicates about users without joins of facts: what each table tells of the predicates is
marked by bits, table by table, and the engine puts the marks of a user together by key.

A join carries every fact as a column of its own, of which the predicates need one bit each.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnClause,
    FromClause,
    Join,
    Label,
    Select,
    case,
    cast,
    column,
    false,
    func,
    literal,
    null,
    select,
    table,
    union_all,
)
from sqlalchemy.sql.sqltypes import NullType
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate, replacement_traverse

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts, People
from segflow.compiler.targets.needs import inlined_segment
from segflow.model.predicate import All, AnyOf, InSegment, NoneOf, Not, Predicate
from segflow.ports import MASK_BITS

_Tables = frozenset[FromClause]
_NOTHING = cast(literal(0, BigInteger), BigInteger)


def masks(
    conditions: Mapping[int, Condition], size: int, ready: Mapping[int, Expression] | None = None
) -> list[Label[Any]]:
    """The columns mask_0, mask_1, ... for so many places, MASK_BITS in each: a bit is set where the
    condition at its place is true. `ready` has bits of other places, by the number of the mask."""
    found = []
    for number, start in enumerate(range(0, size, MASK_BITS)):
        mask: Expression = (ready or {}).get(number, _NOTHING)
        for bit in range(MASK_BITS):
            if start + bit in conditions:
                set_bit = literal(1 << bit, BigInteger)
                mask = mask + case((conditions[start + bit], set_bit), else_=0)
        found.append(mask.label(f"mask_{number}"))
    return found


def marked(
    people: People, predicates: Sequence[Predicate], facts: Facts
) -> tuple[People, list[Label[Any]]]:
    """The same people, each with marks in place of the facts, and the masks of the predicates."""
    return _Marking(people, facts).done(predicates)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A condition that rests on those tables only. `usual` is what becomes of it for a user of whom
    they have no row; the bit of one whom they have says whether it is otherwise."""

    condition: Condition
    tables: _Tables
    usual: Condition


@dataclass(frozen=True, slots=True)
class _Marking:
    people: People
    facts: Facts

    def done(self, predicates: Sequence[Predicate]) -> tuple[People, list[Label[Any]]]:
        """See marked()."""
        described = self.facts.entity.population.where
        asked = predicates if described is None else [described, *predicates]
        joined_by = dict(_joins(self.people.relation))
        marks = dict(self._marks(asked, joined_by))
        places = _places(marks.keys(), predicates)
        users = self._users({places[node]: mark for node, mark in marks.items()}, joined_by)
        known = {node: _is_set(users, place) for node, place in places.items()}
        conditions = replace(self.people.conditions, known=known)
        exists = () if described is None else (conditions.of(described),)
        people = People(population=users, relation=users, exists=exists, conditions=conditions)
        return people, _from_marks(people, predicates, places)

    # --- what is marked ---

    def _marks(
        self, predicates: Sequence[Predicate], joined: Mapping[FromClause, Condition]
    ) -> Iterator[tuple[Predicate, _Mark]]:
        """The largest parts of the predicates that rest on one table each, or are no more made of
        parts."""
        for leaf in predicates:
            node = self._meant(leaf)
            condition = self.people.conditions.of(node)
            named = {one.table for one in iterate(condition) if isinstance(one, ColumnClause)}
            tables = frozenset(one for one in (self.people.population, *joined) if one in named)
            parts = _parts(node) if len(tables) > 1 else ()
            if parts:
                yield from self._marks(parts, joined)
            elif not tables or self.people.population in tables:
                everybody = tables | {self.people.population}
                yield node, _Mark(condition, everybody, false())
            else:
                yield node, _Mark(condition, tables, _without(condition, tables))

    def _meant(self, node: Predicate) -> Predicate:
        """What a predicate stands for that names a segment: such may be marked for another one."""
        if not isinstance(node, InSegment):
            return node
        inlined = inlined_segment(node, self.facts.compiled)
        return node if inlined is None else self._meant(inlined)

    # --- marking ---

    def _users(self, marks: Mapping[int, _Mark], joined_by: Mapping[FromClause, Condition]) -> CTE:
        """Every user with a bit at the place of each mark: whether its condition holds."""
        together = self._together(marks, joined_by)
        usual = masks({place: one.usual for place, one in marks.items()}, max(marks) + 1)
        columns = [_differing(together.c[one.name], one) for one in usual]
        return select(together.c[KEY], *columns).cte(self.facts.name("users_marked"))

    def _together(
        self, marks: Mapping[int, _Mark], joined_by: Mapping[FromClause, Condition]
    ) -> FromClause:
        """The marks of every user that any table tells, as one table that the engine makes: of the
        population, and of a part for each scan, as what rests on the same one is marked by one."""
        by_tables: dict[_Tables, dict[int, _Mark]] = {frozenset({self.people.population}): {}}
        for place, mark in marks.items():
            by_tables.setdefault(mark.tables, {})[place] = mark
        size = max(marks) + 1
        everybody, *parts = (
            self._part(tables, found, size, joined_by) for tables, found in by_tables.items()
        )
        name = self.facts.name("marked")
        self.facts.merged[name] = [
            everybody,
            *(self._one(group) for group in _sharing(parts, self.people.population)),
        ]
        return table(name, *(column(one.name, one.type) for one in everybody.selected_columns))

    def _one(self, parts: Sequence[Select[Any]]) -> Select[Any]:
        """Several parts as one."""
        if len(parts) == 1:
            return parts[0]
        return select(*union_all(*parts).subquery(self.facts.name("marks")).c)

    def _part(
        self,
        tables: _Tables,
        marks: Mapping[int, _Mark],
        size: int,
        joined_by: Mapping[FromClause, Condition],
    ) -> Select[Any]:
        """The keys of which the tables have a row, with their marks."""
        held = masks({place: one.condition for place, one in marks.items()}, size)
        usual = masks({place: one.usual for place, one in marks.items()}, size)
        differing = [_differing(one.element, other) for one, other in zip(held, usual, strict=True)]
        if len(tables) == 1 and self.people.population not in tables:
            (table,) = tables
            return select(_key_in(table, joined_by[table]).label(KEY), *differing)
        relation: FromClause = self.people.population
        for table, by in joined_by.items():
            if table in tables:
                relation = relation.outerjoin(table, by)
        return select(self.people.key.label(KEY), *differing).select_from(relation)


def _places(nodes: Collection[Predicate], predicates: Sequence[Predicate]) -> dict[Predicate, int]:
    """The places of the bits of what is marked: of a predicate that is, its own; of the others any
    that are left."""
    found: dict[Predicate, int] = {}
    for place, predicate in enumerate(predicates):
        if predicate in nodes:
            found.setdefault(predicate, place)
    taken = set(found.values())
    free = (place for place in count() if place not in taken)
    return found | {node: next(free) for node in nodes if node not in found}


def _from_marks(
    people: People, predicates: Sequence[Predicate], places: Mapping[Predicate, int]
) -> list[Label[Any]]:
    """The masks of the predicates: bits at their own places are taken over, all at once."""
    taken: dict[int, list[int]] = defaultdict(list)
    others = {}
    for place, predicate in enumerate(predicates):
        if places.get(predicate) == place:
            number, bit = divmod(place, MASK_BITS)
            taken[number].append(bit)
        else:
            others[place] = people.conditions.of(predicate)
    ready = {
        number: people.population.c[f"mask_{number}"].bitwise_and(_bits(bits))
        for number, bits in taken.items()
    }
    return masks(others, len(predicates), ready)


def _is_set(users: FromClause, place: int) -> Condition:
    """Whether the bit at the place is set."""
    number, bit = divmod(place, MASK_BITS)
    return users.c[f"mask_{number}"].bitwise_and(_bits([bit])) != 0


def _bits(numbers: Iterable[int]) -> Expression:
    return literal(sum(1 << number for number in numbers), BigInteger)


def _differing(mask: Expression, other: Label[Any]) -> Label[Any]:
    """The bits in which both masks differ, under the name of the other."""
    return func.xor(mask, other.element, type_=BigInteger).label(other.name)


def _sharing(parts: Iterable[Select[Any]], population: CTE) -> Iterator[Sequence[Select[Any]]]:
    """The parts, those together that rest on something in common other than the population."""
    groups: list[tuple[set[CTE], list[Select[Any]]]] = []
    for part in parts:
        used, together = _common_tables(part) - {population}, [part]
        apart = []
        for group in groups:
            if used.isdisjoint(group[0]):
                apart.append(group)
            else:
                used |= group[0]
                together = group[1] + together
        groups = [*apart, (used, together)]
    return (together for _, together in groups)


def _common_tables(part: Select[Any]) -> set[CTE]:
    """All common tables that a part rests on. Each is looked into once, as iterate() does not."""
    found: dict[int, ExternallyTraversible] = {}
    waiting: list[ExternallyTraversible] = [part]
    while waiting:
        one = waiting.pop()
        if id(one) not in found:
            found[id(one)] = one
            waiting += one.get_children()
    return {one for one in found.values() if isinstance(one, CTE)}


def _joins(relation: FromClause) -> Iterator[tuple[FromClause, Condition]]:
    """The tables that are joined to a population, each with the equation of keys that joins it."""
    if isinstance(relation, Join):
        yield from _joins(relation.left)
        assert relation.onclause is not None
        yield relation.right, relation.onclause


def _key_in(table: FromClause, joined_by: Any) -> Expression:
    """The side of the equation that is the table's."""
    side: Expression = joined_by.left if joined_by.left.table is table else joined_by.right
    return side


def _parts(node: Predicate) -> Sequence[Predicate]:
    """What a predicate is made of, if it is."""
    match node:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            return items
        case Not(item=item):
            return (item,)
        case _:
            return ()


def _without(condition: Condition, tables: _Tables) -> Condition:
    """The condition where the tables have no row."""

    def missing(element: Any, **_: Any) -> Any:
        if not isinstance(element, ColumnClause) or element.table not in tables:
            return None
        return null() if isinstance(element.type, NullType) else cast(null(), element.type)

    found: Condition = replacement_traverse(condition, {}, missing)
    return found
