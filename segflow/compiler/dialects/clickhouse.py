"""ClickHouse from 24 on, with the settings of engines/clickhouse.py: joins and aggregates of
nothing are missing there, casts keep what is missing, and numbers are read exactly.

Texts are bytes in UTF-8 and compare as such, which is the order of code points. Integers wrap, and
casts cut off: what may be wide is a decimal of up to 76 digits, for which neither happens.
"""

from collections.abc import Callable, Mapping, Sequence
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
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    null,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Expression, Traits
from segflow.compiler.dialects.clickhouse_storage import ClickHouseStorage, as_decimal, exact
from segflow.compiler.dialects.standard import (
    FIRST_INSTANT,
    LAST_INSTANT,
    QUOTIENT_DIGITS,
    Standard,
    clipped,
    within,
)
from segflow.compiler.timeline import FIRST
from segflow.model.scalar import Scalar
from segflow.model.types import ScalarName, ValueType

_WIDEST = 76
_SUMMED = 38
_SUMMABLE = 20
"""Sums of numbers with so many digits have at most _SUMMED: nobody has 10^18 rows."""

_LISTED: Mapping[ScalarName, TypeEngine[Any]] = {
    "string": String(),
    "integer": BigInteger(),
    "date": Date(),
}
_UTC: Expression = literal_column("'UTC'")


class ClickHouse(ClickHouseStorage, Standard):
    """See Dialect."""

    traits = Traits(re2=True, ordered_aggregates=False, nearest_joins=True, widest=_WIDEST)

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect. Times without a zone are UTC."""
        if type_.is_list:
            return self.array(column, type_.element)
        match type_.name:
            case "string":
                return cast(column, String)
            case "version":
                return self.version(cast(column, String))
            case "integer":
                return func.accurateCast(column, literal_column("'Int64'"), type_=BigInteger)
            case "decimal":
                return _decimal(column, type_)
            case "float":
                number: Expression = cast(column, Double)
                return case((func.isNaN(number), null()), else_=number)
            case "boolean":
                return cast(column, Boolean)
            case "date":
                return cast(column, Date)
            case "timestamp":
                return _moment(column)
            case _:
                assert_never(type_.name)

    def floored(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        return _of_micros(self.milliseconds(timestamp) * 1000)

    def text(self, value: str) -> Expression:
        """See Dialect."""
        return literal(value, String)

    # --- exact numbers ---

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect."""
        return cast(value, Numeric(_WIDEST, scale))

    def product(self, left: Expression, right: Expression) -> Expression:
        """See Dialect. It has room for as many digits as the wider side."""
        wide = self.widened(right, _scale(right))
        return type_coerce(left * wide, Numeric(_WIDEST, _scale(left) + _scale(right)))

    def alike(self, left: Expression, right: Expression) -> tuple[Expression, Expression]:
        """See Dialect. A decimal of few digits can't be compared with one beyond them."""
        return _wide(left), _wide(right)

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """See Dialect. One parameter, however many there are."""
        kind = _LISTED.get(type_.name, value.type)
        listed = bindparam("listed", list(constants), kind, unique=True, expanding=True)
        return value.in_(listed)

    def times_in(self, value: Expression, divisor: int) -> Expression:
        """See Dialect."""
        return func.intDiv(value, literal(divisor, BigInteger), type_=BigInteger)

    # --- texts ---

    def contains(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.position(text, part) > 0

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.startsWith(text, part, type_=Boolean)

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.endsWith(text, part, type_=Boolean)

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """See Dialect. A dot matches a newline here unless it is told not to."""
        return func.match(text, func.concat("(?-s)", pattern), type_=Boolean)

    def folded(self, text: Expression) -> Expression:
        """See Dialect."""
        return func.lower(text, type_=String)

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """See Dialect."""
        salted = func.concat(salt, func.char(literal_column("0")), text)
        return func.lower(func.hex(func.MD5(salted)), type_=String)

    def looked_up(
        self,
        text: Expression,
        pairs: Mapping[str, str],
        table: Callable[[], FromClause],
        usual: Expression,
    ) -> Expression:
        """See Dialect. No aggregate may look into a table, so the pairs are parameters."""
        known, found = (
            bindparam("pairs", list(some), String(), unique=True, expanding=True)
            for some in (pairs.keys(), pairs.values())
        )
        return func.coalesce(func.transform(text, known, found, usual), usual, type_=String)

    # --- aggregates and order ---

    def total(self, value: Expression, type_: ValueType) -> FunctionElement[Any]:
        """See Dialect. Sums of integers, and of decimals as wide as the sum, wrap."""
        narrow = type_.name == "integer" or (type_.precision or _WIDEST) <= _SUMMABLE
        wide = Numeric(_SUMMED if narrow else _WIDEST, type_.scale or 0)
        return func.sum(cast(value, wide), type_=wide)

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """See Dialect."""
        raise AssertionError("aggregates have no order here")

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect. Taken apart into whole numbers, as the division of decimals cuts off. Rows
        without a quotient may be divided, too, before they are left out."""
        divisor = func.nullif(divisor, 0)
        whole = func.toInt256(self.widened(value, scale) * 10**scale)
        quotient = func.intDiv(whole, divisor)
        rest = whole - quotient * divisor
        return [quotient, func.intDiv(rest * 10**QUOTIENT_DIGITS, divisor)]

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect. Counted from the first instant on: a quotient is cut off, not floored."""
        since_first = _micros(clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)) - FIRST * 1000
        return func.intDiv(since_first, 1000, type_=BigInteger) + literal(FIRST, BigInteger)

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        ends = (_micros(end) for end in (FIRST_INSTANT, LAST_INSTANT))
        shown = within(_micros(inside) + ahead * 1000, *ends)
        written = func.formatDateTime(_of_micros(shown), literal_column("'%m-%d'"), type_=String)
        return case((timestamp.is_not(None), written))

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """See Dialect."""
        number: Expression = literal_column("number", BigInteger)
        every = func.splitByChar(",", func.ifNull(numbers, ""))
        read = func.arrayMap(number.op("->")(func.toInt64OrNull(number)), every)
        below = func.arrayFilter(number.op("->")(func.ifNull(number < end, false())), read)
        return func.arrayReduce(literal_column("'maxOrNull'"), below, type_=BigInteger)


def _moment(column: Expression) -> Expression:
    """A column of times as one of microseconds, floored: a cast cuts off, which before 1970 is
    later."""
    cut = cast(column, UTC_TIMESTAMP)
    return func.subtractMicroseconds(cut, cut > column, type_=UTC_TIMESTAMP)


def _micros(timestamp: Expression) -> Expression:
    return func.toUnixTimestamp64Micro(cast(timestamp, UTC_TIMESTAMP), type_=BigInteger)


def _of_micros(micros: Expression) -> Expression:
    return func.fromUnixTimestamp64Micro(micros, _UTC, type_=UTC_TIMESTAMP)


def _decimal(column: Expression, type_: ValueType) -> Expression:
    """A column as a decimal. A cast of doubles cuts off, so that 0.29 would be 0.28: the decimal
    is that of their shortest digits. Which type a column has is told as the query is read."""
    kept = cast(column, Numeric(type_.precision, type_.scale))
    nearest = as_decimal(exact(cast(column, String), type_), type_)
    is_float = func.match(func.toTypeName(column), literal_column("'Float'"))
    chosen: Expression = getattr(func, "if")(is_float, nearest, kept, type_=kept.type)
    return chosen


def _scale(value: Expression) -> int:
    return value.type.scale or 0 if isinstance(value.type, Numeric) else 0


def _wide(side: Expression) -> Expression:
    """An exact number with as many digits as there are; what is none stays as it is."""
    match side.type:
        case Double():
            return side
        case Numeric(scale=scale):
            return cast(side, Numeric(_WIDEST, scale or 0))
        case BigInteger():
            return cast(side, Numeric(_WIDEST, 0))
        case _:
            return side


CLICKHOUSE = ClickHouse()
