"""Aggregates in SQL: the columns that hold one of a user's events, and what they are worth."""

from typing import Any, assert_never

from sqlalchemy import CTE, ColumnElement, FunctionElement, Label, distinct, func

from segflow.compiler.dialects import Condition, Dialect, Expression
from segflow.compiler.targets.events import TIME, Rows, property_column
from segflow.compiler.targets.values import Value
from segflow.model.predicate import Aggregate
from segflow.model.types import INTEGER, TIMESTAMP, ValueType, decimal_type


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

    def over(function: FunctionElement[Any]) -> Expression:
        return function if where is None else function.filter(where)

    columns = rows.statement.c
    value = columns[property_column(aggregate.property)] if aggregate.property else columns[TIME]
    match aggregate.kind:
        case "count":
            made = over(func.count())
        case "sum" | "avg":
            made = over(func.sum(value))
        case "min" | "first_time":
            made = over(func.min(value))
        case "max" | "last_time":
            made = over(func.max(value))
        case "count_distinct":
            floored = dialect.floored(value) if type_ == TIMESTAMP else value
            made = over(func.count(distinct(floored)))
        case "first" | "last":
            newest = aggregate.kind == "last"
            made = dialect.first(value, rows.order([value], dialect, newest=newest), where)
        case "mode":
            raise AssertionError("mode can't be compiled to SQL")
        case _:
            assert_never(aggregate.kind)
    if aggregate.kind == "avg":
        return [made.label(name), over(func.count(value)).label(_divisor(name))]
    return [made.label(name)]


def aggregate_value(
    aggregate: Aggregate, type_: ValueType | None, grouped: CTE, name: str
) -> Value:
    """What the columns are worth where they were joined: counts and sums of no events are zero."""
    column: ColumnElement[Any] = grouped.c[name]
    match aggregate.kind:
        case "count" | "count_distinct":
            return Value(func.coalesce(column, 0), INTEGER)
        case "sum":
            return Value(func.coalesce(column, 0), _sum_type(type_))
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
