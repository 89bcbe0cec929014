"""Many periods in SQL: the events of each user grouped by the number of the period they lie in.

A column for each period is quicker where there are few of them, see needs.MOST_COLUMNS.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, case, func, literal, null, select

from segflow.compiler.dialects.base import Dialect, Expression
from segflow.compiler.periods import Numbering, numbering
from segflow.compiler.targets.conditions import passes
from segflow.compiler.targets.events import KEY, TIME
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.local import by_number
from segflow.compiler.targets.matching import matching
from segflow.compiler.targets.needs import properties_of
from segflow.compiler.targets.numbers import NUMBER, keys_by_number, passes_with
from segflow.compiler.targets.spans import earliest
from segflow.compiler.targets.values import bound, within_bounds
from segflow.model.instant import Instant
from segflow.model.predicate import Periods

_PERIOD, _EVENTS = "period", "events"


def periods_keys(leaf: Periods, facts: Facts) -> Select[Any]:
    """The keys of which the count holds in as many periods as the leaf says."""
    over = leaf.aggregate
    ways = facts.zones.ways(over.user_zone, numbering, leaf, facts.as_of)
    since = earliest([one.bounds for one in ways.each()])
    rows = facts.event_rows(over.events, tuple(dict.fromkeys(properties_of(over))), since)
    found = matching(rows, over.events, (over,), [ways], facts)
    time = rows.statement.c[TIME]
    period = by_number(ways, found.numbers.get(ways), lambda one: _period(time, one, facts.dialect))
    each = (
        select(rows.statement.c[KEY], period.label(_PERIOD))
        .select_from(found.relation)
        .where(found.where(over.where))
        .subquery(facts.name("numbered"))
    )
    counted = (
        select(each.c[KEY], func.count().label(_EVENTS))
        .where(each.c[_PERIOD].is_not(None))
        .group_by(each.c[KEY], each.c[_PERIOD])
        .subquery(facts.name("periods"))
    )
    empty = leaf.last if passes_with(0, leaf.counts) else 0
    # A period with events counts if it passes, and takes the place of one without.
    worth = case((passes(leaf.counts, counted.c[_EVENTS]), 1), else_=0) - (1 if empty else 0)
    holding = func.sum(worth) + empty
    held = select(counted.c[KEY], holding.label(NUMBER)).group_by(counted.c[KEY])
    return keys_by_number(held.cte(facts.name("holding")), leaf.holds, facts, others=empty)


def _period(time: Expression, by: Numbering, dialect: Dialect) -> Expression:
    """The number of the period that an instant lies in; missing for one in none."""
    since_end = _anchor(time, by.anchors) - dialect.milliseconds(time)
    number = dialect.times_in(since_end, by.length)
    return case((within_bounds(time, by.bounds), number), else_=null())


def _anchor(time: Expression, anchors: Sequence[tuple[Instant, int]]) -> Expression:
    """The number that holds at the instant, found by halving the list."""
    if len(anchors) == 1:
        return literal(anchors[0][1], BigInteger)
    middle = len(anchors) // 2
    earlier, later = anchors[:middle], anchors[middle:]
    return case((time < bound(later[0][0]), _anchor(time, earlier)), else_=_anchor(time, later))
