"""What differs between SQL engines, in one place: a class per engine, all with the same methods."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol, assert_never

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Double,
    Numeric,
    String,
    case,
    cast,
    collate,
    extract,
    func,
    literal,
)
from sqlalchemy.types import UserDefinedType

from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import datetime_of
from segflow.model.types import ValueType

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]

UTC_TIMESTAMP = TIMESTAMP(timezone=True)
_FIRST = literal(datetime_of(FIRST), UTC_TIMESTAMP)
_LAST = literal(datetime_of(LAST), UTC_TIMESTAMP)
_NAN = cast(literal("NaN"), Double)
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Dialect(Protocol):
    """How an engine writes what standard SQL does not settle. Conditions may be unknown (NULL)
    where an argument is missing, and are true exactly where the meaning is."""

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """A column as a value of its declared type, whatever type it has there. NaN is missing,
        text compares by code points, and a date is one of the calendar's, see floored()."""

    def floored(self, timestamp: Expression) -> Expression:
        """The timestamp's whole milliseconds. One beyond the calendar, which no language of ours
        can hold and infinity is, becomes the first or the last that there is."""

    def contains(self, text: Expression, part: Expression) -> Condition:
        """The part occurs in the text, compared by code points; likewise the next two."""

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See contains()."""

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See contains()."""

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """The RE2 expression matches somewhere; a dot matches no newline."""

    def folded(self, text: Expression) -> Expression:
        """The text with A-Z as a-z and nothing else changed."""

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """The value, missing or not, of the row that is first in that order."""

    def hash_text(self, salt: Expression, key: Expression) -> Expression:
        """MD5 over salt, a zero byte and the key in decimal, as 32 hexadecimal digits."""

    def milliseconds(self, timestamp: Expression) -> Expression:
        """The timestamp as a whole number: milliseconds since 1970 in UTC; floored, see there."""

    def quotient(self, value: Expression, scale: int, by: Expression) -> Expression:
        """An exact number times ten to the power of `scale`, divided by a whole number, as a whole
        number: what is behind the point is cut off."""

    def local_clock(self, timestamp: Expression, ahead: Expression) -> Expression:
        """The date and time that clocks show which are so many milliseconds ahead of UTC."""

    def month_and_day(self, day: Expression, days: Sequence[tuple[int, int]]) -> Condition:
        """The date, or local date and time, falls on one of the (month, day) pairs."""


class _Huge(UserDefinedType[int]):
    """Whole numbers of up to 38 digits."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type."""
        return "HUGEINT"


_HUGE = _Huge()


class DuckDb:
    """DuckDB 2 in a session whose time zone is UTC."""

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect. Timestamps without a zone are UTC."""
        # A cast costs nothing where the column has the type; else doubles would leak into sums.
        match type_.name:
            case "string" | "version":
                return collate(cast(column, String), "C")
            case "integer":
                return cast(column, BigInteger)
            case "decimal":
                return cast(func.nullif(column, _NAN), Numeric(type_.precision, type_.scale))
            case "float":
                return func.nullif(cast(column, Double), _NAN)
            case "boolean":
                return cast(column, Boolean)
            case "date":
                return _clipped(cast(column, Date), literal(date.min), literal(date.max))
            case "timestamp":
                return cast(column, UTC_TIMESTAMP)
            case _:
                assert_never(type_.name)

    def floored(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        inside = _clipped(timestamp, _FIRST, _LAST)
        return func.date_trunc("millisecond", inside, type_=UTC_TIMESTAMP)

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

    def folded(self, text: Expression) -> Expression:
        """See Dialect."""
        return func.translate(text, _UPPER, _UPPER.lower(), type_=String)

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """See Dialect."""
        ordered = func.first(value, type_=value.type).aggregate_order_by(*order)
        return ordered if where is None else ordered.filter(where)

    def hash_text(self, salt: Expression, key: Expression) -> Expression:
        """See Dialect."""
        return func.md5(func.concat(salt, func.chr(0), cast(key, String)), type_=String)

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        return func.epoch_ms(self.floored(timestamp), type_=BigInteger)

    def quotient(self, value: Expression, scale: int, by: Expression) -> Expression:
        """See Dialect."""
        return cast(value * 10**scale, _HUGE).op("//", return_type=_HUGE)(by)

    def local_clock(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        # Counted in integers: DuckDB's own arithmetic with zones takes a hundred times as long.
        shown = func.epoch_us(_clipped(timestamp, _FIRST, _LAST)) + cast(ahead, BigInteger) * 1000
        first, last = (func.epoch_us(end) for end in (_FIRST, _LAST))
        return func.make_timestamp(_clipped(shown, first, last), type_=TIMESTAMP)

    def month_and_day(self, day: Expression, days: Sequence[tuple[int, int]]) -> Condition:
        """See Dialect."""
        number = 100 * extract("month", day) + extract("day", day)
        return number.in_([100 * month + of_month for month, of_month in days])


def _clipped(value: Expression, first: Expression, last: Expression) -> Expression:
    """The value, or the end that it lies beyond; missing ones stay so."""
    return case((value < first, first), (value > last, last), else_=value)


DUCKDB = DuckDb()
DIALECTS: dict[str, Dialect] = {"duckdb": DUCKDB}
"""By the catalog's name of the engine."""
