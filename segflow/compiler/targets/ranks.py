"""Ranks in SQL: the positions of users among all that are ranked, and whose lies within bounds."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, FromClause, Select, cast, func, literal, select

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.keys import constant_key
from segflow.compiler.targets.values import Value, floored
from segflow.model.keys import Key
from segflow.model.predicate import Everyone, Rank

PLACE, SIZE = "place", "size"


def rank_keys(leaf: Rank, facts: Facts) -> Select[Any]:
    """The keys whose position lies within the bounds of the leaf."""
    ranked = _ranked(leaf, facts)
    return select(ranked.c[KEY]).where(*_within(leaf, ranked.c[PLACE], ranked.c[SIZE]))


def rank_place(leaf: Rank, facts: Facts, key: Key) -> Select[Any]:
    """The position of one user as PLACE, from 1 on, and as SIZE how many are ranked; no row for a
    user who is not."""
    ranked = _ranked(leaf, facts)
    own = ranked.c[KEY] == constant_key(key, facts.dialect)
    return select(ranked.c[KEY], ranked.c[PLACE], ranked.c[SIZE]).where(own)


def _ranked(leaf: Rank, facts: Facts) -> FromClause:
    """Everybody who has a value, with the position and the number of all."""
    everyone = Everyone() if leaf.among is None else leaf.among
    users = facts.keys(everyone).cte(facts.name("ranked"))
    key: Expression = users.c[KEY]
    known = facts.joined(users, key, (leaf.feature,))
    value = known.values[leaf.feature]
    return (
        select(
            key,
            func.row_number().over(order_by=_order(leaf, value, key, facts)).label(PLACE),
            func.count().over().label(SIZE),
        )
        .select_from(known.relation)
        .where(value.expression.is_not(None))
        .subquery()
    )


def _order(leaf: Rank, value: Value, key: Expression, facts: Facts) -> list[Expression]:
    """By value from the leaf's side, then by key."""
    parts = _parts(value, facts)
    return [*(one.desc() if leaf.side == "top" else one.asc() for one in parts), key.asc()]


def _parts(value: Value, facts: Facts) -> Sequence[Expression]:
    """What values are ordered by; an average is a sum and a count."""
    if value.divisor is None:
        return [floored(value.expression, value.type, facts.dialect)]
    return facts.dialect.quotient(value.expression, value.type.scale or 0, value.divisor)


def _within(leaf: Rank, place: Expression, size: Expression) -> list[Condition]:
    """low < place <= high, both in positions or in percent of how many are ranked."""
    tests: list[Condition] = []
    for edge, is_low in ((Fraction(leaf.low), True), (Fraction(leaf.high), False)):
        share = edge / 100 if leaf.unit == "percent" else edge
        side = place * _whole(share.denominator)
        other = _whole(share.numerator)
        if leaf.unit == "percent":
            other = size * other
        tests.append(side > other if is_low else side <= other)
    return tests


def _whole(number: int) -> Expression:
    return cast(literal(number, BigInteger), BigInteger)
