"""Spark SQL from 4.2 on, with the settings of engines/spark_session.py: whatever overflows is an
error there, and so is a cast of what does not fit.

Texts are bytes in UTF-8 and compare as such, which is the order of code points. Timestamps have
microseconds and are instants; the session's zone is UTC.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, assert_never

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
    FromClause,
    FunctionElement,
    Numeric,
    String,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    try_cast,
    type_coerce,
)

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Expression, Traits
from segflow.compiler.dialects.spark_storage import SparkStorage
from segflow.compiler.dialects.standard import (
    FIRST_INSTANT,
    LAST_INSTANT,
    QUOTIENT_DIGITS,
    Standard,
    clipped,
    within,
)
from segflow.model.scalar import Scalar
from segflow.model.types import ScalarName, ValueType

_WIDEST = 38
_DIVISOR = Numeric(10, 0)
_AS_TIMES = 8
"""The precedence of * in SQLAlchemy; without one a sum on the left would get no parentheses."""

_LISTED: Mapping[ScalarName, str] = {"string": "STRING", "integer": "BIGINT", "date": "DATE"}
_FEW = 40
"""So many constants are compared as parameters of their own; more are joined as a table."""


class Spark(SparkStorage, Standard):
    """See Dialect."""

    traits = Traits(re2=False, ordered_aggregates=False, shares=False, widest=_WIDEST)

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect. Timestamps without a zone are UTC."""
        if type_.is_list:
            return self.array(column, type_.element)
        match type_.name:
            case "string":
                return cast(column, String)
            case "version":
                return self.version(cast(column, String))
            case "integer":
                return cast(column, BigInteger)
            case "decimal":
                number = func.nullif(column, _nan())
                return cast(number, Numeric(type_.precision, type_.scale))
            case "float":
                return func.nullif(cast(column, Double), _nan(), type_=Double)
            case "boolean":
                return cast(column, Boolean)
            case "date":
                return clipped(cast(column, Date), literal(date.min), literal(date.max))
            case "timestamp":
                # A number would be cast, as seconds; it has no type in common with an instant.
                moment = func.coalesce(column, cast(null(), UTC_TIMESTAMP), type_=UTC_TIMESTAMP)
                return cast(moment, UTC_TIMESTAMP)
            case _:
                assert_never(type_.name)

    def floored(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        return func.timestamp_millis(self.milliseconds(timestamp), type_=UTC_TIMESTAMP)

    def text(self, value: str) -> Expression:
        """See Dialect."""
        return literal(value, String)

    # --- exact numbers ---

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect."""
        return cast(value, Numeric(_WIDEST, scale))

    def product(self, left: Expression, right: Expression) -> Expression:
        """See Dialect. A product with more digits behind its point than there can be would be
        rounded, so it is an error."""
        scale = _scale(left) + _scale(right)
        type_: Numeric[Any] = Numeric(_WIDEST, min(scale, _WIDEST))
        if scale > _WIDEST:
            told = f"a product has {scale} digits behind its point, and {_WIDEST} is the most"
            return cast(func.raise_error(told), type_)
        return type_coerce(left * self.widened(right, _scale(right)), type_)

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """See Dialect."""
        if len(constants) <= _FEW:
            return super().one_of(value, constants, type_)
        written = [one.isoformat() if isinstance(one, date) else one for one in constants]
        kind: Expression = literal_column(f"'ARRAY<{_LISTED[type_.name]}>'")
        every = func.from_json(literal(json.dumps(written), String), kind)
        return value.in_(select(func.explode(every)))

    def times_in(self, value: Expression, divisor: int) -> Expression:
        """See Dialect."""
        return _divided(value, literal(divisor, BigInteger))

    # --- texts ---

    def contains(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.contains(text, part, type_=Boolean)

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.startswith(text, part, type_=Boolean)

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.endswith(text, part, type_=Boolean)

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """See Dialect."""
        raise AssertionError("Spark has no RE2")

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """See Dialect."""
        return func.md5(func.concat(salt, func.char(literal_column("0")), text), type_=String)

    def looked_up(
        self,
        text: Expression,
        pairs: Mapping[str, str],
        table: Callable[[], FromClause],
        usual: Expression,
    ) -> Expression:
        """See Dialect. The pairs are a parameter: no aggregate may look into a table."""
        written = literal(json.dumps(pairs), String)
        known = func.from_json(written, literal_column("'MAP<STRING, STRING>'"))
        return func.coalesce(func.try_element_at(known, text), usual, type_=String)

    # --- aggregates and order ---

    def total(self, value: Expression, type_: ValueType) -> FunctionElement[Any]:
        """See Dialect. A sum of 64-bit integers would have room for no more than itself."""
        wide: Numeric[Any] = Numeric(_WIDEST, type_.scale or 0)
        return func.sum(cast(value, wide), type_=wide)

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect. Taken apart into whole numbers, as the division of decimals rounds. Rows
        without a quotient may be divided, too, before they are left out."""
        by = cast(func.nullif(divisor, 0), _DIVISOR)
        whole = cast(value * literal(10**scale, Numeric(_WIDEST, 0)), Numeric(_WIDEST, 0))
        shift = literal(10**QUOTIENT_DIGITS, Numeric(_WIDEST, 0))
        return [_quotient(whole, by), _quotient((whole % by) * shift, by)]

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        return func.unix_millis(inside, type_=BigInteger)

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        ends = (func.unix_micros(end, type_=BigInteger) for end in (FIRST_INSTANT, LAST_INSTANT))
        shown = within(func.unix_micros(inside, type_=BigInteger) + ahead * 1000, *ends)
        moment = func.timestamp_micros(shown)
        written = func.date_format(moment, literal_column("'MM-dd'"), type_=String)
        return case((timestamp.is_not(None), written))

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """See Dialect."""
        number: Expression = literal_column("number", BigInteger)
        read = number.op("->")(try_cast(number, BigInteger))
        every = func.transform(func.split(numbers, literal_column("','")), read)
        below = func.filter(every, number.op("->")(number < end))
        return func.array_max(below, type_=BigInteger)


def _nan() -> Expression:
    return cast(literal("NaN"), Double)


def _scale(value: Expression) -> int:
    return value.type.scale or 0 if isinstance(value.type, Numeric) else 0


def _divided(value: Expression, divisor: Expression) -> Expression:
    """The whole quotient of 64-bit integers."""
    return value.op("DIV", precedence=_AS_TIMES, return_type=BigInteger())(divisor)


def _quotient(whole: Expression, by: Expression) -> Expression:
    """The quotient of whole decimals without what is behind its point."""
    return cast((whole - whole % by) / by, Numeric(_WIDEST, 0))


SPARK = Spark()
