"""What the operators of the language mean, for the reference: tests of one value of one user."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import assert_never
from zoneinfo import ZoneInfo

from segflow.compiler.clocks import clock_date
from segflow.compiler.timeline import (
    InstantOperator,
    anniversary_days,
    midnight,
    operator_bounds,
)
from segflow.compiler.values import (
    Value,
    compare,
    count_satisfies,
    fold,
    text_matches,
    value_of,
)
from segflow.compiler.worlds import NotSupportedError
from segflow.model.instant import Instant
from segflow.model.operator import (
    Ahead,
    Among,
    Anniversary,
    Between,
    CountTest,
    Exists,
    InLast,
    InNext,
    ListMatch,
    MomentTest,
    OlderThan,
    OnCalendar,
    TextMatch,
)
from segflow.model.predicate import Compare, CompareOp, Operand, Operator, Scaled, Size
from segflow.model.scalar import Const, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What operators need to know of the leaf they stand in: the instant, the zone, whether A-Z and
    a-z are the same, and what a feature on the right side is worth."""

    as_of: Instant
    zone: ZoneInfo
    ignore_case: bool
    worth: Callable[[Scaled], Value | None]

    def same_case(self, value: Value | None) -> Value | None:
        """The value as it is compared."""
        if not self.ignore_case:
            return value
        if isinstance(value, tuple):
            return tuple(fold(one) if isinstance(one, str) else one for one in value)
        return fold(value) if isinstance(value, str) else value


def operator_holds(  # noqa: C901 - one arm per operator
    operator: Operator, value: Value | None, leaf: Leaf
) -> bool:
    """Whether a value, None where it is missing, passes one operator."""
    match operator:
        case Compare(op=op, right=right):
            return _compare(op, value, right, leaf)
        case Among(values=values, negated=negated):
            return any(_compare("eq", value, each, leaf) for each in values) != negated
        case Between(low=low, high=high):
            return _compare("gte", value, low, leaf) and _compare("lte", value, high, leaf)
        case Exists(expected=expected):
            return (value is not None) == expected
        case TextMatch():
            return _text(operator, value, leaf)
        case CountTest(op=op, count=count):
            return isinstance(value, int) and count_satisfies(op, value, count)
        case Anniversary():
            return _anniversary(operator, value, leaf)
        case ListMatch():
            return _list(operator, value, leaf)
        case Size(tests=tests):
            size = len(value) if isinstance(value, tuple) else None
            return all(_compare(test.op, size, test.right, leaf) for test in tests)
        case MomentTest() | InLast() | OlderThan() | InNext() | Ahead() | OnCalendar():
            return _instant(operator, value, leaf)
        case _:
            assert_never(operator)


def _compare(op: CompareOp, left: Value | None, right: Operand, leaf: Leaf) -> bool:
    other = operand_value(right, leaf)
    if left is None or other is None:
        return compare(op, left, other)
    if isinstance(left, date) != isinstance(other, date):  # a date beside a timestamp
        left, other = as_instant(left, leaf.zone), as_instant(other, leaf.zone)
    return compare(op, leaf.same_case(left), leaf.same_case(other))


def operand_value(operand: Operand, leaf: Leaf) -> Value | None:
    """What the right side of a comparison is worth; None is missing."""
    match operand:
        case Const(value=value, type=type_):
            return value_of(value, type_)
        case Scaled():
            return leaf.worth(operand)
        case Text(text=text):
            raise NotSupportedError(f"{text!r} was not given a type")
        case _:
            assert_never(operand)


def _text(operator: TextMatch, value: Value | None, leaf: Leaf) -> bool:
    if not isinstance(value, str):
        return False
    if not leaf.ignore_case:
        return text_matches(operator.op, value, operator.text)
    if operator.op == "matches":
        raise NotSupportedError("an expression says itself what it ignores: write (?i)")
    return text_matches(operator.op, fold(value), fold(operator.text))


def _list(operator: ListMatch, value: Value | None, leaf: Leaf) -> bool:
    found = leaf.same_case(value)
    if not isinstance(found, tuple):
        return operator.op == "has_none"
    asked = [leaf.same_case(operand_value(one, leaf)) in found for one in operator.values]
    match operator.op:
        case "has_any":
            return any(asked)
        case "has_all":
            return all(asked)
        case "has_none":
            return not any(asked)
        case _:
            assert_never(operator.op)


def _instant(operator: InstantOperator, value: Value | None, leaf: Leaf) -> bool:
    if value is None:
        return False
    bounds = operator_bounds(operator, leaf.as_of, leaf.zone)
    return as_instant(value, leaf.zone) in bounds


def _anniversary(operator: Anniversary, value: Value | None, leaf: Leaf) -> bool:
    if value is None:
        return False
    day = as_date(value, leaf.zone)
    return (day.month, day.day) in anniversary_days(operator, leaf.as_of, leaf.zone)


def as_instant(value: Value, zone: ZoneInfo) -> Instant:
    """A timestamp as it is, a date as its local midnight."""
    return midnight(value, zone) if isinstance(value, date) else _instant_of(value)


def as_date(value: Value, zone: ZoneInfo) -> date:
    """A date as it is, a timestamp as the date that the zone's clocks showed."""
    return value if isinstance(value, date) else clock_date(_instant_of(value), zone)


def _instant_of(value: Value) -> Instant:
    if isinstance(value, int):
        return Instant(value)
    raise NotSupportedError(f"{value!r} is no point in time")
