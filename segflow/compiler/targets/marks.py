"""Many predicates about users without joins of facts: what each table tells of the predicates is
marked by bits, table by table, and the marks of a user are put together by key.

A join carries every fact as a column of its own, of which the predicates need one bit each.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnClause,
    FromClause,
    Join,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.sql.sqltypes import NullType
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts, People
from segflow.compiler.targets.needs import inlined_segment
from segflow.model.predicate import All, AnyOf, InSegment, NoneOf, Not, Predicate
from segflow.ports import MASK_BITS

_Tables = frozenset[FromClause]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A condition that rests on those tables only; `usual` is what becomes of it for a user of whom
    they have no row."""

    condition: Condition
    tables: _Tables
    usual: Condition


def mask_of(bits: Mapping[int, Condition]) -> Expression:
    """A number in which each bit says whether its condition holds."""
    mask: Expression = cast(literal(0, BigInteger), BigInteger)
    for bit, condition in bits.items():
        mask = mask + case((condition, literal(1 << bit, BigInteger)), else_=0)
    return mask


def marked(people: People, predicates: Sequence[Predicate], facts: Facts) -> People:
    """The same people with one row of marks joined to each in place of all facts."""
    joins = dict(_joins(people.relation))
    described = facts.entity.population.where
    asked = predicates if described is None else [described, *predicates]
    marks = dict(_marks(asked, people, joins, facts))
    by_tables: dict[_Tables, dict[int, _Mark]] = defaultdict(dict)
    for place, mark in enumerate(marks.values()):
        by_tables[mark.tables][place] = mark
    parts = [_part(found, of, people, joins, len(marks)) for of, found in by_tables.items()]
    every = union_all(*parts).subquery(facts.name("marks"))
    names = list(every.c.keys())[1:]
    merged = [func.bit_or(every.c[name]).label(name) for name in names]
    by_key = select(every.c[KEY], *merged).group_by(every.c[KEY]).cte(facts.name("marked"))
    known = {
        node: _is_set(by_key, place) != mark.usual
        for place, (node, mark) in enumerate(marks.items())
    }
    conditions = replace(people.conditions, known=known)
    return People(
        population=people.population,
        relation=people.population.outerjoin(by_key, by_key.c[KEY] == people.key),
        exists=() if described is None else (conditions.of(described),),
        conditions=conditions,
    )


def _joins(relation: FromClause) -> Iterator[tuple[FromClause, Condition]]:
    """The tables that are joined to a population, each with what it is joined by."""
    if isinstance(relation, Join):
        yield from _joins(relation.left)
        assert relation.onclause is not None
        yield relation.right, relation.onclause


# --- what is marked --------------------------------------------------------------------------


def _marks(
    predicates: Sequence[Predicate], people: People, joins: Mapping[FromClause, Condition], facts: Facts
) -> Iterator[tuple[Predicate, _Mark]]:
    """The largest parts of the predicates that rest on one table, and what no part of does."""
    for node in predicates:
        condition = people.conditions.of(node)
        tables = frozenset(
            one.table
            for one in iterate(condition)
            if isinstance(one, ColumnClause) and (one.table is people.population or one.table in joins)
        )
        parts = _parts(node, facts) if len(tables) > 1 else ()
        if parts:
            yield from _marks(parts, people, joins, facts)
        else:
            tables = tables or frozenset({people.population})
            yield node, _Mark(_is_true(condition), tables, _without(condition, tables, people))


def _parts(node: Predicate, facts: Facts) -> Sequence[Predicate]:
    match node:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            return items
        case Not(item=item):
            return (item,)
        case InSegment():
            inlined = inlined_segment(node, facts.compiled)
            return () if inlined is None else (inlined,)
        case _:
            return ()


def _is_true(condition: Condition) -> Condition:
    return func.coalesce(condition, literal(False))


def _without(condition: Condition, tables: _Tables, people: People) -> Condition:
    """The condition where the tables have no row; that of a user, of whom there always is one, is
    never asked."""
    if people.population in tables:
        return literal(False)

    def missing(one: Any, **_: Any) -> Any:
        if isinstance(one, ColumnClause) and one.table in tables:
            return null() if isinstance(one.type, NullType) else cast(null(), one.type)
        return None

    found: Condition = replacement_traverse(condition, {}, missing)
    return _is_true(found)


# --- marking ---------------------------------------------------------------------------------


def _part(
    marks: Mapping[int, _Mark],
    tables: _Tables,
    people: People,
    joins: Mapping[FromClause, Condition],
    count: int,
) -> Any:
    """The keys of which the tables have a row, with their marks by place."""
    if len(tables) == 1:
        (relation,) = tables
        key = people.key
        if relation in joins:
            key = _key_in(relation, joins[relation])
    else:
        relation, key = people.population, people.key
        for table, by in joins.items():
            if table in tables:
                relation = relation.outerjoin(table, by)
    differ = {place: mark.condition != mark.usual for place, mark in marks.items()}
    masks = []
    for start in range(0, count, MASK_BITS):
        bits = {place - start: one for place, one in differ.items() if 0 <= place - start < MASK_BITS}
        masks.append(mask_of(bits).label(f"mask_{start // MASK_BITS}"))
    return select(key.label(KEY), *masks).select_from(relation)


def _key_in(table: FromClause, joined_by: Any) -> Expression:
    """The side of the equation that is the table's."""
    side: Expression = joined_by.left if joined_by.left.table is table else joined_by.right
    return side


def _is_set(marks: CTE, place: int) -> Condition:
    mask = func.coalesce(marks.c[f"mask_{place // MASK_BITS}"], 0)
    return mask.bitwise_and(literal(1 << place % MASK_BITS, BigInteger)) != 0
