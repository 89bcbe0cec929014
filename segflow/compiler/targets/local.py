"""What is local to users in SQL: one condition per way, chosen by the user's zone.

A test of one value compares the zone with lists of names, which is quick enough once per user. Over
the rows of events each zone is first looked up in a table, which gives the number of the way.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    FromClause,
    Integer,
    String,
    case,
    column,
    literal,
    values,
)

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.zones import Resolved, Ways
from segflow.model.types import STRING

_ZONE, _TEXT = "zone", "text"


def by_zone(
    ways: Ways[Resolved],
    zone: Callable[[], Expression],
    made: Callable[[Resolved], Condition],
    dialect: Dialect,
) -> Condition:
    """The condition that `made` gives for the way that is the user's. A zone that is missing or
    that nobody knows is among the default's."""
    usual = made(ways.default)
    if not ways.others:
        return usual
    text = zone()
    found = ((dialect.one_of(text, names, STRING), made(one)) for one, names in ways.others)
    return case(*found, else_=usual)


def text_by_zone(
    ways: Ways[Resolved],
    zone: Callable[[], Expression],
    text: Callable[[Resolved], str],
    table: Callable[[], FromClause],
    dialect: Dialect,
) -> Expression:
    """The text of the way that is the user's, looked up in the table that text_table() makes: there
    may be as many ways as there are zones."""
    usual = literal(text(ways.default), String)
    if not ways.others:
        return usual
    return dialect.looked_up(zone(), _texts(ways, text), table, usual)


def text_table(ways: Ways[Resolved], text: Callable[[Resolved], str], name: str) -> CTE:
    """The zones that are not among the default's, each with the text of its way."""
    columns = column(_ZONE, String), column(_TEXT, String)
    return values(*columns, name=name).data([*_texts(ways, text).items()]).cte(name)


def _texts(ways: Ways[Resolved], text: Callable[[Resolved], str]) -> Mapping[str, str]:
    return {zone: text(one) for one, names in ways.others for zone in names}


def join_ways(
    relation: FromClause, zone: Expression, asked: Sequence[Ways[Any]], name: str
) -> tuple[FromClause, Mapping[Ways[Any], Expression]]:
    """Join a table of that name with the number of the user's way in each of those that are asked
    for; of zones that nobody knows there is none."""
    names = sorted({name for ways in asked for _, names in ways.others for name in names})
    numbers = [
        {name: number for number, (_, names) in enumerate(ways.others, start=1) for name in names}
        for ways in asked
    ]
    columns = [column(f"w{number}", Integer) for number, _ in enumerate(asked, start=1)]
    rows = [(name, *(of.get(name, 0) for of in numbers)) for name in names]
    table = values(column(_ZONE, String), *columns, name=name).data(rows).cte(name)
    joined = relation.outerjoin(table, table.c[_ZONE] == zone)
    return joined, {ways: table.c[of.name] for ways, of in zip(asked, columns, strict=True)}


def by_number(
    ways: Ways[Resolved], number: Expression | None, made: Callable[[Resolved], Expression]
) -> Expression:
    """What `made` gives for the way of that number, as join_ways() counts them."""
    usual = made(ways.default)
    if number is None:
        return usual
    found = ((number == at, made(one)) for at, (one, _) in enumerate(ways.others, start=1))
    return case(*found, else_=usual)
