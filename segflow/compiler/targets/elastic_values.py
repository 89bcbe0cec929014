"""Which values of a field pass an operator, as ranges of what Elasticsearch stores."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import assert_never
from zoneinfo import ZoneInfo

from segflow.compiler.targets.elastic_queries import Range
from segflow.compiler.targets.values import bounds_of
from segflow.compiler.timeline import (
    FIRST,
    LAST,
    Bounds,
    DateBounds,
    midnight,
    operator_bounds,
    operator_dates,
)
from segflow.model.instant import Instant, instant_of
from segflow.model.operator import (
    Ahead,
    Among,
    Between,
    CountTest,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
    OnCalendar,
)
from segflow.model.predicate import Compare, CompareOp, Operator
from segflow.model.scalar import Const
from segflow.model.types import INTEGER, ValueType

Ranges = tuple[Range, ...]
"""Values that are in any of them."""

LEAST, GREATEST = -(2**63), 2**63 - 1
"""The ends of the whole numbers that a field holds."""

_DAY = 86_400_000
_FIRST_DAY, _LAST_DAY = date.min, date.max


class Passing:
    """The values of a type that pass operators at an instant, in a zone. Decimals are stored as
    whole numbers of units, of which 10^`digits` make one."""

    def __init__(self, type_: ValueType, digits: int, as_of: Instant, zone: ZoneInfo) -> None:
        self._type = type_
        self._digits = digits
        self._as_of = as_of
        self._zone = zone

    def of(self, operator: Operator) -> Ranges | None:
        """The values that pass; where is_opposite(), those that do not. None for operators that are
        no matter of ranges."""
        match operator:
            case Compare(op=op, right=Const() as right):
                return self._compared("eq" if op == "ne" else op, right)
            case Among(values=values):
                each = (one for one in values if isinstance(one, Const))
                return tuple(found for one in each for found in self._compared("eq", one))
            case Between(low=Const() as low, high=Const() as high):
                from_low, to_high = self._compared("gte", low), self._compared("lte", high)
                return _common(from_low, to_high)
            case CountTest(op=count_op, count=count):
                return numbers(_COMPARED[count_op], Fraction(count))
            case MomentTest() | InLast() | OlderThan() | InNext() | Ahead() | OnCalendar():
                if self._type.name == "date":
                    return days(operator_dates(operator, self._as_of, self._zone))
                return instants(operator_bounds(operator, self._as_of, self._zone))
            case _:
                return None

    def _compared(self, op: CompareOp, right: Const) -> Ranges:
        value = right.value
        match self._type.name:
            case "integer" | "decimal":
                assert isinstance(value, int | Decimal)
                return numbers(op, Fraction(value) * 10**self._digits)
            case "boolean":
                return (Range(low=bool(value), high=bool(value)),) if op == "eq" else ()
            case "date":
                assert isinstance(value, date)
                return _compared_days(op, value)
            case "timestamp":
                instant = midnight(value, self._zone) if isinstance(value, date) else value
                assert isinstance(instant, int)
                return instants(bounds_of(op, Instant(instant)))
            case _:
                return texts(op, str(value))


def is_opposite(operator: Operator) -> bool:
    """Whether the operator holds for all values but the passing ones, and for missing ones."""
    match operator:
        case Compare(op="ne") | Among(negated=True):
            return True
        case _:
            return False


def numbers(op: CompareOp, value: Fraction) -> Ranges:
    """The whole numbers of 64 bits that compare so."""
    match op:
        case "eq":
            return _whole(ceil(value), floor(value))
        case "gt":
            return _whole(floor(value) + 1, None)
        case "gte":
            return _whole(ceil(value), None)
        case "lt":
            return _whole(None, ceil(value) - 1)
        case "lte":
            return _whole(None, floor(value))
        case "ne":
            raise ValueError("the opposite of eq")
        case _:
            assert_never(op)


def texts(op: CompareOp, text: str) -> Ranges:
    """The texts that compare so by their code points, as the bytes of UTF-8 do."""
    match op:
        case "eq":
            return (Range(low=text, high=text),)
        case "gt" | "gte":
            return (Range(low=text, low_open=op == "gt"),)
        case "lt" | "lte":
            return (Range(high=text, high_open=op == "lt"),)
        case "ne":
            raise ValueError("the opposite of eq")
        case _:
            assert_never(op)


def instants(bounds: Bounds) -> Ranges:
    """The instants in the bounds. What lies beyond the calendar is its first or last one."""
    start = FIRST if bounds.start is None else bounds.start
    end = LAST + 1 if bounds.end is None else bounds.end
    if start >= end or start > LAST or end <= FIRST:
        return ()
    low = None if start <= FIRST else start
    return (Range(low=low, high=None if end > LAST else end - 1, is_time=True),)


def days(bounds: DateBounds) -> Ranges:
    """The dates in the bounds, as their milliseconds from the first to the last."""
    low = None if bounds.start in (None, _FIRST_DAY) else _start_of(bounds.start)
    high = None if bounds.end is None else _start_of(bounds.end) - 1
    if high is not None and (high < FIRST or (low is not None and low > high)):
        return ()
    return (Range(low=low, high=high, is_time=True),)


def _compared_days(op: CompareOp, day: date) -> Ranges:
    start = None if day == _FIRST_DAY else _start_of(day)
    last = None if day == _LAST_DAY else _start_of(day) + _DAY - 1
    match op:
        case "eq":
            return (Range(low=start, high=last, is_time=True),)
        case "gte":
            return (Range(low=start, is_time=True),)
        case "lte":
            return (Range(high=last, is_time=True),)
        case "gt":
            return () if last is None else (Range(low=last + 1, is_time=True),)
        case "lt":
            return () if start is None else (Range(high=start - 1, is_time=True),)
        case "ne":
            raise ValueError("the opposite of eq")
        case _:
            assert_never(op)


def _start_of(day: date | None) -> int:
    assert day is not None
    return instant_of(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _whole(low: int | None, high: int | None) -> Ranges:
    if low is not None and low > (GREATEST if high is None else min(high, GREATEST)):
        return ()
    if high is not None and high < LEAST:
        return ()
    return (
        Range(
            low=None if low is None or low <= LEAST else low,
            high=None if high is None or high >= GREATEST else high,
        ),
    )


def _common(from_low: Iterable[Range], to_high: Iterable[Range]) -> Ranges:
    """What is in both, of one range or none each."""
    for low in from_low:
        for high in to_high:
            both = Range(
                low=low.low,
                high=high.high,
                low_open=low.low_open,
                high_open=high.high_open,
                is_time=low.is_time,
            )
            return () if _is_empty(both) else (both,)
    return ()


def _is_empty(found: Range) -> bool:
    match found.low, found.high:
        case int() as low, int() as high:
            return low > high
        case str() as low_text, str() as high_text:
            return low_text > high_text
        case _:
            return False


_COMPARED: dict[str, CompareOp] = {
    "at_least": "gte",
    "at_most": "lte",
    "exactly": "eq",
    "more_than": "gt",
    "fewer_than": "lt",
}

COUNTS = INTEGER
"""The type of a number of things."""
