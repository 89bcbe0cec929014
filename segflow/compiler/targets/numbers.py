"""Users by how many there are of something of theirs, in SQL."""

from typing import Any

from sqlalchemy import FromClause, Select, func, select

from segflow.compiler.targets.conditions import passes
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts
from segflow.compiler.values import count_satisfies
from segflow.model.operator import CountTest

NUMBER = "n"


def keys_by_number(
    known: FromClause, tests: tuple[CountTest, ...], facts: Facts, *, others: int = 0
) -> Select[Any]:
    """The keys whose number passes all the tests; that of users who are not in the table is
    `others`."""
    if not passes_with(others, tests):
        return select(known.c[KEY]).where(passes(tests, known.c[NUMBER]))
    users = facts.everyone().cte(facts.name("users"))
    joined = users.outerjoin(known, known.c[KEY] == users.c[KEY])
    number = func.coalesce(known.c[NUMBER], others)
    return select(users.c[KEY]).select_from(joined).where(passes(tests, number))


def passes_with(number: int, tests: tuple[CountTest, ...]) -> bool:
    """Whether a number that is known passes all the tests."""
    return all(count_satisfies(test.op, number, test.count) for test in tests)
