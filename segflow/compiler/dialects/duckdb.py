"""DuckDB 2 in a session whose time zone is UTC."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any, assert_never

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    Double,
    Numeric,
    String,
    case,
    cast,
    collate,
    func,
    literal,
    literal_column,
)
from sqlalchemy.types import UserDefinedType

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Expression, Traits
from segflow.compiler.dialects.duckdb_storage import DuckDbStorage
from segflow.compiler.dialects.standard import (
    FIRST_INSTANT,
    LAST_INSTANT,
    QUOTIENT_DIGITS,
    Standard,
    clipped,
    within,
)
from segflow.compiler.timeline import FIRST
from segflow.model.types import ValueType

_AS_TIMES = 8
"""The precedence of * in SQLAlchemy; without one a sum on the left would get no parentheses."""

_NAN = cast(literal("NaN"), Double)


class _Huge(UserDefinedType[int]):
    """Whole numbers of up to 38 digits."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type."""
        return "HUGEINT"


_HUGE = _Huge()


class DuckDb(DuckDbStorage, Standard):
    """See Dialect."""

    traits = Traits(
        re2=True,
        ordered_aggregates=True,
        nearest_joins=True,
        marks=True,
        quantiles=True,
        widest=38,
    )

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect."""
        return cast(value, Numeric(self.traits.widest, scale))

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect. Timestamps without a zone are UTC."""
        # A cast costs nothing where the column has the type; else doubles would leak into sums.
        if type_.is_list:
            return self.array(column, type_.element)
        match type_.name:
            case "string":
                return collate(cast(column, String), self.binary)
            case "version":
                return self.version(cast(column, String))
            case "integer":
                return cast(column, BigInteger)
            case "decimal":
                return cast(func.nullif(column, _NAN), Numeric(type_.precision, type_.scale))
            case "float":
                return func.nullif(cast(column, Double), _NAN)
            case "boolean":
                return cast(column, Boolean)
            case "date":
                return clipped(cast(column, Date), literal(date.min), literal(date.max))
            case "timestamp":
                return cast(column, UTC_TIMESTAMP)
            case _:
                assert_never(type_.name)

    def floored(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        # Counted in integers: DuckDB's date_trunc() takes twenty times as long.
        return func.make_timestamptz(self.milliseconds(timestamp) * 1000, type_=UTC_TIMESTAMP)

    def times_in(self, value: Expression, divisor: int) -> Expression:
        """See Dialect."""
        whole = value.op("//", precedence=_AS_TIMES, return_type=BigInteger())
        return whole(literal(divisor, BigInteger))

    def contains(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.contains(text, part)

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.starts_with(text, part)

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.suffix(text, part)

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """See Dialect."""
        return func.regexp_matches(text, pattern)

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """See Dialect."""
        ordered = func.first(value, type_=value.type).aggregate_order_by(*order)
        return ordered if where is None else ordered.filter(where)

    def quantile(self, value: Expression, share: Fraction) -> Expression:
        """See Dialect."""
        return func.quantile_disc(value, literal(float(share), Double), type_=value.type)

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """See Dialect."""
        return func.md5(func.concat(salt, func.chr(0), text), type_=String)

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect. Taken apart into whole numbers, as there are no more than 38 digits."""
        whole = cast(value * 10**scale, _HUGE)
        quotient = _divided(whole, divisor)
        rest = whole - quotient * divisor
        return [quotient, _divided(rest * 10**QUOTIENT_DIGITS, divisor)]

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        since_first = func.epoch_us(inside, type_=BigInteger) - FIRST * 1000
        # Never negative, so that the quotient is floored.
        return func.divide(since_first, 1000, type_=BigInteger) + FIRST

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        # Counted in integers: DuckDB's own arithmetic with zones takes a hundred times as long.
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        shown = func.epoch_us(inside) + ahead * 1000
        ends = (func.epoch_us(end) for end in (FIRST_INSTANT, LAST_INSTANT))
        written = func.strftime(func.make_timestamp(within(shown, *ends)), "%m-%d", type_=String)
        return case((timestamp.is_not(None), written))

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """See Dialect."""
        every = cast(func.string_split(numbers, ","), ARRAY(BigInteger))
        below = func.list_filter(every, literal_column("lambda number: number") < end)
        return func.list_max(below, type_=BigInteger)


def _divided(whole: Expression, divisor: Expression) -> Expression:
    """The quotient of whole numbers without what is behind its point."""
    return cast(whole, _HUGE).op("//", return_type=_HUGE)(divisor)


DUCKDB = DuckDb()
