"""ClickHouse from 24.5 on, with the settings of engines/clickhouse.py: joins and aggregates of
nothing are missing there, casts keep what is missing, and numbers are read exactly.

Texts are bytes in UTF-8 and compare as such, which is the order of code points. Integers wrap, and
casts cut off. Products of decimals beyond 18 digits wrap, too, and so does what makes the scale of
one larger, as comparisons do: what may have more than 76 digits is left to multiplyDecimal(), which
fails then, and takes forty times as long.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
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
    places_of,
)
from segflow.compiler.timeline import FIRST
from segflow.model.scalar import Scalar
from segflow.model.types import ScalarName, ValueType

_WIDEST = 76
_MOST_DIGITS = ((9, 10), (18, 19), (38, 39))
"""The most digits that a decimal holds, by the greatest precision that is stored alike."""
_OF_INTEGERS = 20
_SUMMED = 38
_SUMMABLE = 20
"""Sums of numbers with so many digits have at most _SUMMED: nobody has 10^18 rows."""

_LISTED: Mapping[ScalarName, TypeEngine[Any]] = {
    "string": String(),
    "integer": BigInteger(),
    "date": Date(),
}
_BY_DIGITS = r"Float|Decimal\\((39|[4-7].)|Int(128|256)"
_UTC: Expression = literal_column("'UTC'")


class Wide(Numeric[Decimal]):
    """A decimal of the widest type, of which is known how many digits it has at most."""

    cache_ok = True

    def __init__(self, scale: int = 0, digits: int = _WIDEST + 1) -> None:
        super().__init__(_WIDEST, scale)
        self.digits = digits


class ClickHouse(ClickHouseStorage, Standard):
    """See Dialect."""

    traits = Traits(
        re2=True, ordered_aggregates=False, nearest_joins=True, shares=False, widest=_WIDEST
    )

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
                # Minus zero is another value to sets and to counts of different ones.
                zero = literal_column("toFloat64(0)", Double)
                return case((func.isNaN(number), null()), (number == zero, zero), else_=number)
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

    def number(self, value: Decimal) -> Expression:
        """See Dialect."""
        digits, scale = places_of(value)
        exact = Wide(scale, digits)
        return cast(literal(value, exact), exact)

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect."""
        return _scaled(_wide(value), scale)

    def product(self, left: Expression, right: Expression) -> Expression:
        """See Dialect."""
        return _product(_wide(left), _wide(right))

    def alike(self, left: Expression, right: Expression) -> tuple[Expression, Expression]:
        """See Dialect. A decimal of few digits can't be compared with one beyond them."""
        if isinstance(left.type, BigInteger) and isinstance(right.type, BigInteger):
            return left, right
        one, other = _wide(left), _wide(right)
        if not (isinstance(one.type, Wide) and isinstance(other.type, Wide)):
            return one, other
        scale = max(_scale(one), _scale(other))
        return _scaled(one, scale), _scaled(other, scale)

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

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect. Taken apart into whole numbers, as the division of decimals cuts off. Rows
        without a quotient may be divided, too, before they are left out."""
        divisor = func.nullif(divisor, 0)
        whole = func.reinterpret(self.widened(value, scale), literal_column("'Int256'"))
        quotient = func.intDiv(whole, divisor)
        rest = whole - quotient * divisor
        return [quotient, func.intDiv(rest * 10**QUOTIENT_DIGITS, divisor)]

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect. Counted from the first instant on: a quotient is cut off, not floored."""
        since_first = _micros(_inside(timestamp)) - FIRST * 1000
        return func.intDiv(since_first, 1000, type_=BigInteger) + literal(FIRST, BigInteger)

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        ends = (_micros(end) for end in (FIRST_INSTANT, LAST_INSTANT))
        shown = func.clamp(_micros(_inside(timestamp)) + ahead * 1000, *ends, type_=BigInteger)
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
    return func.subtractMicroseconds(cut, func.greater(cut, column), type_=UTC_TIMESTAMP)


def _inside(timestamp: Expression) -> Expression:
    """See clipped(); the SQL has the timestamp once."""
    return func.clamp(timestamp, FIRST_INSTANT, LAST_INSTANT, type_=UTC_TIMESTAMP)


def _micros(timestamp: Expression) -> Expression:
    return func.toUnixTimestamp64Micro(cast(timestamp, UTC_TIMESTAMP), type_=BigInteger)


def _of_micros(micros: Expression) -> Expression:
    return func.fromUnixTimestamp64Micro(micros, _UTC, type_=UTC_TIMESTAMP)


def _decimal(column: Expression, type_: ValueType) -> Expression:
    """A column as a decimal. A cast of doubles cuts off, so that 0.29 would be 0.28: the decimal
    is that of their shortest digits. So is that of types with more than 38 digits, of which a cast
    wraps. Which type a column has is told as the query is read."""
    nearest = as_decimal(exact(cast(column, String), type_), type_)
    kept = cast(cast(column, Numeric(_WIDEST, type_.scale)), nearest.type)
    by_digits = func.match(func.toTypeName(column), literal_column(f"'{_BY_DIGITS}'"))
    chosen: Expression = getattr(func, "if")(by_digits, nearest, kept, type_=kept.type)
    return chosen


def _scale(value: Expression) -> int:
    return value.type.scale or 0 if isinstance(value.type, Numeric) else 0


def _digits(type_: TypeEngine[Any]) -> int:
    """How many digits a number of the type has at most."""
    match type_:
        case Wide():
            return type_.digits
        case Numeric(precision=precision):
            found = (most for up_to, most in _MOST_DIGITS if (precision or _WIDEST) <= up_to)
            return next(found, _WIDEST + 1)
        case _:
            return _OF_INTEGERS


def _wide(side: Expression) -> Expression:
    """An exact number as a Wide; what is none stays as it is."""
    match side.type:
        case Double() | Wide():
            return side
        case Numeric() | BigInteger():
            return cast(side, Wide(_scale(side), _digits(side.type)))
        case _:
            return side


def _scaled(value: Expression, scale: int) -> Expression:
    """A Wide with so many digits behind its point, which are not fewer than it has."""
    more = scale - _scale(value)
    if not more:
        return value
    digits = _digits(value.type) + more
    if digits > _WIDEST:
        one = Wide(more, more + 1)
        return _product(value, cast(literal(Decimal(1), one), one))
    return cast(value, Wide(scale, digits))


def _product(left: Expression, right: Expression) -> Expression:
    """The product of two that are Wide."""
    scale, digits = _scale(left) + _scale(right), _digits(left.type) + _digits(right.type)
    if digits > _WIDEST:
        places: Expression = literal_column(str(scale))
        return func.multiplyDecimal(left, right, places, type_=Wide(scale))
    return type_coerce(left * right, Wide(scale, digits))


CLICKHOUSE = ClickHouse()
