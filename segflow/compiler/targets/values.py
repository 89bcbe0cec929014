"""Values in SQL: the worth of features, constants of exact type, and comparisons between them."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple, assert_never

from sqlalchemy import (
    Date,
    TableClause,
    and_,
    column,
    false,
    func,
    literal,
    not_,
    table,
)

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Dialect, Expression
from segflow.compiler.dialects.standard import constant as plain_constant
from segflow.compiler.timeline import FIRST, LAST, Bounds, DateBounds
from segflow.compiler.values import version
from segflow.compiler.versions import sorted_text
from segflow.model.instant import Instant, datetime_of
from segflow.model.predicate import CompareOp
from segflow.model.scalar import Const
from segflow.model.types import TIMESTAMP, ValueType


class Value(NamedTuple):
    """The worth of a feature. `divisor` makes an average of a sum, so that it stays exact; it is
    above zero, or the sum is missing."""

    expression: Expression
    type: ValueType
    divisor: Expression | None = None


def stored_table(name: str, columns: Iterable[str]) -> TableClause:
    """A table of the source with the columns that are read. They are written with the table's name,
    since a column may have the name of one of ours."""
    return table(name, *(column(one) for one in dict.fromkeys(columns)))


def opposite(condition: Condition) -> Condition:
    """True where the condition is not, also where it is unknown."""
    return not_(func.coalesce(condition, false()))


def floored(value: Expression, type_: ValueType | None, dialect: Dialect) -> Expression:
    """The value such that equal ones are written alike: an instant in whole milliseconds."""
    return dialect.floored(value) if type_ == TIMESTAMP else value


def bound(instant: Instant) -> Expression:
    """An instant as a parameter."""
    return literal(datetime_of(instant), UTC_TIMESTAMP)


def constant(const: Const, dialect: Dialect) -> Expression:
    """A typed constant as a parameter."""
    match const.value:
        case Decimal() as number:
            return dialect.number(number)
        case bool() as truth:
            return plain_constant(truth)
        case int() as instant if const.type.name == "timestamp":
            return bound(Instant(instant))
        case str() as text if const.type.name == "version":
            known = version(text)
            assert known is not None, "the typing pass lets no other text through"
            return plain_constant(sorted_text(known))
        case other:
            return plain_constant(other)


# --- ranges of time --------------------------------------------------------------------------


def within_bounds(timestamp: Expression, bounds: Bounds) -> Condition:
    """The timestamp, floored or not, lies in the bounds. An end beyond the calendar is open."""
    start = FIRST if bounds.start is None else bounds.start
    end = LAST + 1 if bounds.end is None else bounds.end
    if start >= end or start > LAST or end <= FIRST:
        return false()
    tests: list[Condition] = []
    if start > FIRST:
        tests.append(timestamp >= bound(start))
    if end <= LAST:
        tests.append(timestamp < bound(Instant(end)))
    return and_(*tests) if tests else timestamp.is_not(None)


def not_later(timestamp: Expression, as_of: Instant) -> Condition:
    """The timestamp, floored, is not after the instant."""
    return within_bounds(timestamp, Bounds(end=Instant(as_of + 1)))


def within_dates(day: Expression, bounds: DateBounds) -> Condition:
    """The date lies in the bounds."""
    if bounds.start is not None and bounds.end is not None and bounds.start >= bounds.end:
        return false()
    tests: list[Condition] = []
    if bounds.start is not None:
        tests.append(day >= literal(bounds.start, Date))
    if bounds.end is not None:
        tests.append(day < literal(bounds.end, Date))
    return and_(*tests) if tests else day.is_not(None)


# --- comparisons -----------------------------------------------------------------------------


def compared(
    op: CompareOp,
    left: Value,
    right: Const,
    dialect: Dialect,
    fold: Callable[[Expression], Expression] | None,
) -> Condition:
    """A comparison with a constant; unknown or false where the left side is missing."""
    if op == "ne":
        return opposite(compared("eq", left, right, dialect, fold))
    if left.type.name == "timestamp" and isinstance(right.value, int):
        return within_bounds(left.expression, bounds_of(op, Instant(right.value)))
    if left.type.name == "decimal" or left.divisor is not None:
        return _compared_exactly(op, left, Decimal(str(right.value)), dialect)
    expression = left.expression
    other = constant(right, dialect)
    if fold is not None:
        expression, other = fold(expression), fold(other)
    return _applied(op, *dialect.alike(expression, other))


def bounds_of(op: CompareOp, instant: Instant) -> Bounds:
    """The instants that compare so with an instant; `ne` has no one range."""
    after = Instant(instant + 1)
    match op:
        case "eq":
            return Bounds(start=instant, end=after)
        case "gt":
            return Bounds(start=after)
        case "gte":
            return Bounds(start=instant)
        case "lt":
            return Bounds(end=instant)
        case "lte":
            return Bounds(end=after)
        case "ne":
            raise ValueError("the opposite of eq")
        case _:
            assert_never(op)


def _compared_exactly(op: CompareOp, left: Value, right: Decimal, dialect: Dialect) -> Condition:
    if left.divisor is not None:
        product = dialect.product(left.divisor, dialect.number(right))
        return _applied(op, *dialect.alike(_widened(left, dialect), product))
    widest = dialect.traits.widest
    if right and widest and right.adjusted() + 1 + (left.type.scale or 0) > widest:
        # No decimal of that scale is as large: the engine could not even hold the constant beside.
        below = left.expression.is_not(None)
        holds = op in (("lt", "lte") if right > 0 else ("gt", "gte"))
        return below if holds else false()
    return _applied(op, *dialect.alike(left.expression, dialect.number(right)))


def compared_values(
    op: CompareOp,
    left: Value,
    right: Value,
    times: Decimal | None,
    dialect: Dialect,
    fold: Callable[[Expression], Expression] | None,
) -> Condition:
    """A comparison of two features; unknown or false where one is missing."""
    if op == "ne":
        return opposite(compared_values("eq", left, right, times, dialect, fold))
    if left.type.is_number and left.type.name != "float":
        return _applied(op, *dialect.alike(*_crosswise(left, right, times, dialect)))
    one, other = left.expression, right.expression
    if left.type.name == "timestamp":
        one, other = dialect.floored(one), dialect.floored(other)
    if fold is not None:
        one, other = fold(one), fold(other)
    return _applied(op, one, other)


def _crosswise(
    left: Value, right: Value, times: Decimal | None, dialect: Dialect
) -> tuple[Expression, Expression]:
    """Both sides times the other's divisor, so that no division rounds."""
    if left.divisor is None and right.divisor is None and times is None:
        return left.expression, right.expression
    one, other = _widened(left, dialect), _widened(right, dialect)
    if right.divisor is not None:
        one = dialect.product(one, right.divisor)
    if left.divisor is not None:
        other = dialect.product(other, left.divisor)
    return one, other if times is None else dialect.product(other, dialect.number(times))


def _widened(value: Value, dialect: Dialect) -> Expression:
    return dialect.widened(value.expression, value.type.scale or 0)


def _applied(op: CompareOp, left: Expression, right: Expression) -> Condition:
    match op:
        case "eq":
            return left == right
        case "gt":
            return left > right
        case "gte":
            return left >= right
        case "lt":
            return left < right
        case "lte":
            return left <= right
        case "ne":
            raise ValueError("the opposite of eq")
        case _:
            assert_never(op)
