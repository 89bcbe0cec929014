"""Aggregates in SQL: the columns that hold one of a user's events, and what they are worth."""

from functools import partial
from typing import Any, assert_never

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    FunctionElement,
    Label,
    Select,
    distinct,
    func,
    literal,
    select,
)

from segflow.compiler.dialects.base import Aggregation, Condition, Dialect, Expression
from segflow.compiler.targets.events import KEY, TIME, Rows, property_column, sorted_value
from segflow.compiler.targets.values import Value, floored
from segflow.model.predicate import Aggregate
from segflow.model.types import INTEGER, TIMESTAMP, ValueType, decimal_type

END = "value"
_PLACE = "place"


def aggregate_columns(
    aggregate: Aggregate,
    type_: ValueType | None,
    rows: Rows,
    where: Condition | None,
    name: str,
    dialect: Dialect,
) -> list[Label[Any]]:
    """The columns for an aggregate over the rows for which `where` is true. `type_` is that of its
    property. An average is kept as a sum and the count of its values."""

    def over(function: Aggregation, of: Expression | None = None) -> Expression:
        return dialect.aggregated(function, of, where)

    columns = rows.statement.c
    value = columns[property_column(aggregate.property)] if aggregate.property else columns[TIME]
    match aggregate.kind:
        case "count":
            made = over(func.count)
        case "sum" | "avg":
            made = over(partial(dialect.total, type_=type_ or INTEGER), value)
        case "min" | "first_time":
            made = over(func.min, value)
        case "max" | "last_time":
            made = over(func.max, value)
        case "count_distinct":
            made = _count_distinct(value, type_, where, dialect)
        case "first" | "last":
            newest = aggregate.kind == "last"
            order = rows.order([sorted_value(value, type_, dialect)], dialect, newest=newest)
            made = dialect.first(value, order, where)
        case "mode":
            raise AssertionError("mode can't be compiled to SQL")
        case _:
            assert_never(aggregate.kind)
    if aggregate.kind == "avg":
        return [made.label(name), over(func.count, value).label(_divisor(name))]
    return [made.label(name)]


def is_ranked(aggregate: Aggregate, type_: ValueType | None, dialect: Dialect) -> bool:
    """Whether a first or last value is found by numbering rows: where aggregates have no order, and
    of lists, which not every engine can aggregate."""
    if aggregate.kind not in ("first", "last"):
        return False
    return not dialect.traits.ordered_aggregates or (type_ is not None and type_.is_list)


def ranked_ends(
    aggregate: Aggregate,
    type_: ValueType | None,
    rows: Rows,
    where: Condition | None,
    dialect: Dialect,
) -> Select[Any]:
    """The rows for which `where` is true with their keys and values, numbered per key from the end
    that a first or last value is at."""
    columns = rows.statement.c
    value = columns[property_column(aggregate.property or "")]
    by_value = sorted_value(value, type_, dialect)
    order = rows.order([by_value], dialect, newest=aggregate.kind == "last")
    place = func.row_number().over(partition_by=columns[KEY], order_by=order)
    ranked = select(columns[KEY], value.label(END), place.label(_PLACE))
    return ranked if where is None else ranked.where(where)


def at_the_end(ranked: FromClause) -> Select[Any]:
    """One row per key: the first of those that ranked_ends() numbered."""
    return select(ranked.c[KEY], ranked.c[END]).where(ranked.c[_PLACE] == 1)


def _count_distinct(
    value: Expression, type_: ValueType | None, where: Condition | None, dialect: Dialect
) -> Expression:
    """How many different values there are, or of lists different elements."""
    if type_ is not None and type_.is_list:
        return dialect.count_elements(value, where)
    return dialect.aggregated(_distinct, floored(value, type_, dialect), where)


def _distinct(value: Expression) -> FunctionElement[Any]:
    return func.count(distinct(value))


def aggregate_value(
    aggregate: Aggregate, type_: ValueType | None, grouped: CTE, name: str
) -> Value:
    """What the columns are worth where they were joined: counts and sums of no events are zero."""
    column: ColumnElement[Any] = grouped.c[name]
    match aggregate.kind:
        case "count" | "count_distinct":
            return Value(func.coalesce(column, 0), INTEGER)
        case "sum":
            return Value(func.coalesce(column, literal(0, column.type)), _sum_type(type_))
        case "avg":
            return Value(column, _sum_type(type_), grouped.c[_divisor(name)])
        case "first_time" | "last_time":
            return Value(column, TIMESTAMP)
        case _:
            if type_ is None:
                raise AssertionError(f"{aggregate.kind} has no property")
            return Value(column, type_)


def _divisor(name: str) -> str:
    return f"{name}_values"


def _sum_type(type_: ValueType | None) -> ValueType:
    if type_ is not None and type_.name == "decimal":
        return decimal_type(38, type_.scale or 0)
    return INTEGER
