"""What is local to users in SQL: one condition per way, chosen by the text of the user's zone."""

from collections.abc import Callable

from sqlalchemy import case

from segflow.compiler.dialects import Condition, Expression
from segflow.compiler.zones import Resolved, Ways


def by_zone(
    ways: Ways[Resolved], zone: Callable[[], Expression], made: Callable[[Resolved], Condition]
) -> Condition:
    """The condition that `made` gives for the way that is the user's. A zone that is missing or
    that nobody knows is among the default's."""
    usual = made(ways.default)
    if not ways.others:
        return usual
    text = zone()
    return case(*((text.in_(names), made(one)) for one, names in ways.others), else_=usual)
