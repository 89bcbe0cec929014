"""The first or last matching event in SQL, with a condition on that very event."""

from typing import Any

from sqlalchemy import Select, func, select

from segflow.compiler.passes.walk import properties_in
from segflow.compiler.targets.events import KEY, sorted_value
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.matching import chosen
from segflow.compiler.targets.needs import properties_of
from segflow.model.predicate import EventHas, PropertyFeature

_PLACE, _HAS = "place", "has"


def event_has_keys(leaf: EventHas, facts: Facts) -> Select[Any]:
    """The keys whose first, or last, matching event satisfies the condition."""
    asked = properties_in(leaf.has, leaf.aggregate.events)
    read = (*properties_of(leaf.aggregate), *asked)
    found, where = chosen(leaf.aggregate, read, facts, ordered=True, has=leaf.has)
    columns = found.rows.statement.c
    values = [found.value(PropertyFeature(property=name)) for name in asked]
    contents = [sorted_value(one.expression, one.type, facts.dialect) for one in values]
    order = found.rows.order(contents, facts.dialect, newest=leaf.which == "last")
    ranked = (
        select(
            columns[KEY],
            func.row_number().over(partition_by=columns[KEY], order_by=order).label(_PLACE),
            found.where(leaf.has).label(_HAS),
        )
        .select_from(found.relation)
        .where(where)
        .subquery()
    )
    return select(ranked.c[KEY]).where(ranked.c[_PLACE] == 1, ranked.c[_HAS])
