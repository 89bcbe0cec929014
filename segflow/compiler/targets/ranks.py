"""Ranks in SQL: the positions of users among all that are ranked, and whose lies within bounds.

Who has one of the greatest tenth of values need not be found by ordering everybody: of two values,
one on each side of where the edge lies, whoever is beyond is judged, and only those between are
ordered. Which values these are may be a guess, as it is counted what lies beyond them.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    select,
    union_all,
)

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts, Ranked
from segflow.compiler.targets.keys import constant_key
from segflow.compiler.targets.values import Value, floored
from segflow.model.keys import Key
from segflow.model.predicate import Everyone, Feature, Predicate, Rank

PLACE, SIZE = "place", "size"
_ABOVE, _BELOW, _BEYOND = "above", "below", "beyond"
_MARGIN = Fraction(1, 200)
"""So much of all that are ranked are ordered on each side of an edge."""


def rank_keys(leaf: Rank, facts: Facts) -> Select[Any]:
    """The keys whose position lies within the bounds of the leaf."""
    valued = _valued(leaf, facts)
    if leaf.unit == "percent" and len(valued.parts) == 1 and facts.dialect.traits.quantiles:
        return _keys_by_edges(leaf, valued, facts)
    ranked = _ranked(leaf, valued)
    return select(ranked.c[KEY]).where(*_within(leaf, ranked.c[PLACE], ranked.c[SIZE]))


def rank_place(leaf: Rank, facts: Facts, key: Key) -> Select[Any]:
    """The position of one user as PLACE, from 1 on, and as SIZE how many are ranked; no row for a
    user who is not."""
    ranked = _ranked(leaf, _valued(leaf, facts))
    own = ranked.c[KEY] == constant_key(key, facts.dialect)
    return select(ranked.c[KEY], ranked.c[PLACE], ranked.c[SIZE]).where(own)


class _Valued(NamedTuple):
    """Everybody who is ranked by a feature, a row each, and what their values are ordered by, which
    is NULL where there is no value."""

    rows: CTE
    parts: Sequence[Expression]


def _valued(leaf: Rank, facts: Facts) -> _Valued:
    """Made once for all ranks of the statement that are among the same users."""
    made = facts.ranked[facts.entity.name, facts.as_of, leaf.among]
    if leaf.feature not in made:
        asked = [one for one in facts.asked if isinstance(one, Rank) and one.among == leaf.among]
        shared = asked if facts.dialect.traits.shares else ()
        features = dict.fromkeys([leaf.feature, *(one.feature for one in shared)])
        made.update(_all_valued(leaf.among, [one for one in features if one not in made], facts))
    rows, names = made[leaf.feature]
    return _Valued(rows, [rows.c[name] for name in names])


def _all_valued(among: Predicate | None, features: Sequence[Feature], facts: Facts) -> Ranked:
    everyone = Everyone() if among is None else among
    users = facts.keys(everyone).cte(facts.name("ranked"))
    key: Expression = users.c[KEY]
    joined = facts.joined(users, key, features)
    columns = {
        feature: [
            part.label(f"value_{number}_{place}")
            for place, part in enumerate(_parts(joined.values[feature], facts))
        ]
        for number, feature in enumerate(features)
    }
    every = (column for found in columns.values() for column in found)
    rows = select(key.label(KEY), *every).select_from(joined.relation)
    table = rows.cte(facts.name("ranked_values"))
    return {feature: (table, [one.name for one in found]) for feature, found in columns.items()}


def _ranked(leaf: Rank, valued: _Valued) -> FromClause:
    """Everybody who has a value, with the position and the number of all."""
    rows, parts = valued
    return (
        select(
            rows.c[KEY],
            _position(leaf, parts, rows.c[KEY]).label(PLACE),
            func.count().over().label(SIZE),
        )
        .where(parts[0].is_not(None))
        .subquery()
    )


def _keys_by_edges(leaf: Rank, valued: _Valued, facts: Facts) -> Select[Any]:
    """The same keys as by _ranked(), with few users ordered."""
    rows, (value,) = valued
    edges = _edges(leaf, rows, value, facts)
    above = _is_before(leaf, value, edges.c[_ABOVE])
    between = and_(
        value.is_not(None),
        func.coalesce(not_(above), True),
        func.coalesce(not_(_is_before(leaf, edges.c[_BELOW], value)), True),
    )
    near = (
        select(
            rows.c[KEY],
            edges.c[SIZE],
            (_position(leaf, [value], rows.c[KEY]) + edges.c[_BEYOND]).label(PLACE),
        )
        .select_from(rows.join(edges, literal(True)))
        .where(between)
        .subquery()
    )
    inside = select(near.c[KEY]).where(*_within(leaf, near.c[PLACE], near.c[SIZE]))
    if leaf.low:
        return inside
    beyond = select(rows.c[KEY]).select_from(rows.join(edges, literal(True))).where(above)
    both = union_all(beyond, inside).subquery()
    return select(both.c[KEY])


def _edges(leaf: Rank, rows: CTE, value: Expression, facts: Facts) -> CTE:
    """One row: the value _ABOVE, such that who is before it in the order is inside if `low` is 0
    and else outside, and how many these are (_BEYOND); the value _BELOW, such that who is after it
    is outside; and the SIZE of all. A value of which that can't be said is NULL."""
    first, last = _share(leaf.low or leaf.high), _share(leaf.high)
    guesses = max(first - _MARGIN, Fraction(0)), min(last + _MARGIN, Fraction(1))
    from_least = [1 - guess if leaf.side == "top" else guess for guess in guesses]
    guessed = select(
        *(
            facts.dialect.quantile(value, share).label(name)
            for share, name in zip(from_least, (_ABOVE, _BELOW), strict=True)
        )
    ).cte(facts.name("rank_guesses"))
    above, below = guessed.c[_ABOVE], guessed.c[_BELOW]
    beyond = func.count().filter(_is_before(leaf, value, above))
    rest = func.count().filter(_is_before(leaf, below, value))
    size = func.count(value)
    is_above = _is_at_most(beyond, first, size)
    is_below = _is_at_most(rest, 1 - last, size)
    return (
        select(
            case((is_above, func.min(above)), else_=null()).label(_ABOVE),
            case((is_above, beyond), else_=0).label(_BEYOND),
            case((is_below, func.min(below)), else_=null()).label(_BELOW),
            size.label(SIZE),
        )
        .select_from(rows.join(guessed, literal(True)))
        .cte(facts.name("rank_edges"))
    )


def _is_before(leaf: Rank, one: Expression, other: Expression) -> Condition:
    """Whether a value is strictly nearer to the leaf's side."""
    return one > other if leaf.side == "top" else one < other


def _is_at_most(count: Expression, share: Fraction, size: Expression) -> Condition:
    return count * _whole(share.denominator) <= size * _whole(share.numerator)


def _share(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100


def _position(leaf: Rank, parts: Sequence[Expression], key: Expression) -> Expression:
    """From 1 on."""
    position: Expression = func.row_number().over(order_by=_order(leaf, parts, key))
    return position


def _order(leaf: Rank, parts: Sequence[Expression], key: Expression) -> list[Expression]:
    """By value from the leaf's side, then by key."""
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
