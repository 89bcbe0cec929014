"""Modes in SQL: the most frequent value of a property in a user's events."""

from typing import Any

from sqlalchemy import Select, func, select

from segflow.compiler.dialects.base import Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.histories import VALUE
from segflow.compiler.targets.matching import chosen
from segflow.compiler.targets.needs import properties_of
from segflow.compiler.targets.values import floored
from segflow.model.predicate import Aggregate, PropertyFeature

_PLACE = "place"


def mode_values(aggregate: Aggregate, facts: Facts) -> Select[Any]:
    """The value of each key that has one: of those that are equally frequent the smallest."""
    found, where = chosen(aggregate, properties_of(aggregate), facts, ordered=False)
    key = found.rows.statement.c[KEY]
    asked = found.value(PropertyFeature(property=aggregate.property or ""))
    value = floored(asked.expression, asked.type, facts.dialect)
    each = (
        select(key, value.label(VALUE))
        .select_from(found.relation)
        .where(where, value.is_not(None))
        .subquery()
    )
    place = func.row_number().over(partition_by=each.c[KEY], order_by=_by_frequency(each.c[VALUE]))
    counted = (
        select(each.c[KEY], each.c[VALUE], place.label(_PLACE))
        .group_by(each.c[KEY], each.c[VALUE])
        .subquery()
    )
    return select(counted.c[KEY], counted.c[VALUE]).where(counted.c[_PLACE] == 1)


def _by_frequency(value: Expression) -> list[Expression]:
    return [func.count().desc(), value.asc()]
