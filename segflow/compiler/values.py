"""What values mean to the reference evaluator: when one is missing, equal, or before another."""

import math
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import total_ordering
from typing import assert_never

import re2

from segflow.model.operator import CountOp, TextOp
from segflow.model.predicate import CompareOp
from segflow.model.scalar import Stored
from segflow.model.types import ValueType

DIGITS = 38
"""The most digits of a number in a version, zeros before it left out."""

_VERSION = re.compile(rf"0*[0-9]{{1,{DIGITS}}}(\.0*[0-9]{{1,{DIGITS}}})*", re.ASCII)
_UPPER_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """Numbers between dots, compared one by one; missing ones at the end are zeros (1.0 is 1)."""

    numbers: tuple[int, ...]

    def __lt__(self, other: "Version") -> bool:
        return self.numbers < other.numbers

    def __str__(self) -> str:
        return ".".join(str(number) for number in self.numbers) or "0"


Elements = tuple[str | int, ...]
"""A list at work: at least one element, none of them missing, as often as they are stored."""

Value = str | bool | int | Fraction | float | date | Version | Elements
"""A value at work: decimals are fractions, so that arithmetic is exact; instants are integers."""


def value_of(stored: Stored | None, type_: ValueType) -> Value | None:
    """What is stored, or a constant, as a value; None where it is missing.

    NaN is missing, and so are the text of a version that is not digits between dots and a list
    without elements, in which a missing one is none.
    """
    match stored:
        case tuple():
            return tuple(one for one in stored if isinstance(one, str | int)) or None
        case Decimal():
            return Fraction(stored) if stored.is_finite() else None
        case float():
            return None if math.isnan(stored) else stored
        case str() if type_.name == "version":
            return version(stored)
        case _:
            return stored


def version(text: str) -> Version | None:
    """Read "1.10"; None for anything but digits between dots, at most 38 in each number."""
    if not _VERSION.fullmatch(text):
        return None
    numbers = [int(part.lstrip("0") or 0) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return Version(tuple(numbers))


def compare(op: CompareOp, left: Value | None, right: Value | None) -> bool:
    """A comparison; with a missing side it is false, and `ne` is `not` of `eq`."""
    if op == "ne":
        return not compare("eq", left, right)
    if left is None or right is None:
        return False
    match op:
        case "eq":
            return left == right
        case "gt":
            return left > right  # type: ignore[operator]  # both sides are of one kind: typed
        case "gte":
            return left >= right  # type: ignore[operator]
        case "lt":
            return left < right  # type: ignore[operator]
        case "lte":
            return left <= right  # type: ignore[operator]
        case _:
            assert_never(op)


def count_satisfies(op: CountOp, count: int, number: int) -> bool:
    """A test of a number of things."""
    match op:
        case "at_least":
            return count >= number
        case "at_most":
            return count <= number
        case "exactly":
            return count == number
        case "more_than":
            return count > number
        case "fewer_than":
            return count < number
        case _:
            assert_never(op)


def text_matches(op: TextOp, text: str, pattern: str) -> bool:
    """A test of a present string; `matches` finds the RE2 expression anywhere in it."""
    match op:
        case "contains":
            return pattern in text
        case "starts_with":
            return text.startswith(pattern)
        case "ends_with":
            return text.endswith(pattern)
        case "matches":
            return re2.search(pattern, text) is not None
        case _:
            assert_never(op)


def fold(text: str) -> str:
    """The text without the difference between A-Z and a-z; other letters stay as they are."""
    return text.translate(_UPPER_TO_LOWER)


def times(value: Value | None, factor: Decimal | None) -> Value | None:
    """A number times an exact decimal; infinity times zero is missing."""
    if factor is None or value is None:
        return value
    if isinstance(value, float) and math.isinf(value):
        product = value * float(factor)
        return None if math.isnan(product) else product
    if isinstance(value, int | float | Fraction):
        return Fraction(value) * Fraction(factor)
    return value
