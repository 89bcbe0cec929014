"""What most engines write alike; the class of an engine changes what it writes otherwise."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_never

from sqlalchemy import (
    CTE,
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
    collate,
    extract,
    func,
    literal,
    select,
)

from segflow.compiler.dialects.base import (
    UTC_TIMESTAMP,
    Aggregation,
    Condition,
    Expression,
)
from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import Instant, datetime_of
from segflow.model.keys import KeyType
from segflow.model.scalar import Scalar
from segflow.model.types import ValueType

FIRST_INSTANT = literal(datetime_of(FIRST), UTC_TIMESTAMP)
LAST_INSTANT = literal(datetime_of(LAST), UTC_TIMESTAMP)
QUOTIENT_DIGITS = 18
"""So many digits behind the point tell apart the quotients of numbers by up to 10^9."""

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Standard:
    """Standard SQL and what is nearly that. What is missing here has to be in every subclass."""

    binary = "C"
    """The collation that compares by code points."""

    def whole(self, column: Expression) -> Expression:
        """See Dialect."""
        return column

    def sought(self, column: Expression, since: Instant) -> Sequence[Condition]:
        """See Dialect."""
        return ()

    def text(self, value: str) -> Expression:
        """See Dialect."""
        return collate(literal(value, String), self.binary)

    def key(self, value: int) -> Expression:
        """See Dialect."""
        return literal(value, BigInteger)

    def number(self, value: Decimal) -> Expression:
        """See Dialect."""
        exact = Numeric(*places_of(value))
        return cast(literal(value, exact), exact)

    def product(self, left: Expression, right: Expression) -> Expression:
        """See Dialect."""
        return left * right

    def alike(self, left: Expression, right: Expression) -> tuple[Expression, Expression]:
        """See Dialect."""
        return left, right

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """See Dialect."""
        return value.in_([constant(one) for one in constants])

    def times_in(self, value: Expression, divisor: int) -> Expression:
        """See Dialect."""
        return value // literal(divisor, BigInteger)

    def folded(self, text: Expression) -> Expression:
        """See Dialect."""
        return func.translate(text, UPPER, UPPER.lower(), type_=String)

    def key_text(self, key: Expression, type_: KeyType) -> Expression:
        """See Dialect."""
        return key if type_ == "string" else cast(key, String)

    def read_once(self, rows: CTE) -> CTE:
        """See Dialect."""
        return rows

    def looked_up(
        self,
        text: Expression,
        pairs: Mapping[str, str],
        table: Callable[[], FromClause],
        usual: Expression,
    ) -> Expression:
        """See Dialect."""
        rows = table()
        known, found = rows.c
        asked = select(found).where(known == text).correlate_except(rows)
        return func.coalesce(asked.scalar_subquery(), usual)

    def aggregated(
        self, function: Aggregation, value: Expression | None, where: Condition | None
    ) -> Expression:
        """See Dialect."""
        made = func.count() if value is None else function(value)
        return made if where is None else made.filter(where)

    def total(self, value: Expression, type_: ValueType) -> FunctionElement[Any]:
        """See Dialect."""
        return func.sum(value)

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """See Dialect."""
        raise AssertionError("aggregates have no order here")

    def quantile(self, value: Expression, share: Fraction) -> Expression:
        """See Dialect."""
        raise AssertionError("quantiles are not asked for here")

    def in_order(
        self, key: Expression, *, descending: bool = False, missing_first: bool = False
    ) -> Sequence[Expression]:
        """See Dialect."""
        ordered = key.desc() if descending else key.asc()
        return [ordered.nulls_first() if missing_first else ordered.nulls_last()]

    def month_and_day(self, day: Expression, days: Sequence[tuple[int, int]]) -> Condition:
        """See Dialect."""
        number = 100 * extract("month", day) + extract("day", day)
        return number.in_([100 * month + of_month for month, of_month in days])


def places_of(value: Decimal) -> tuple[int, int]:
    """How many digits the number has in all, and how many of them behind the point."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    scale = max(0, -exponent)
    return max(len(digits) + max(0, exponent), scale, 1), scale


def clipped(value: Expression, first: Expression, last: Expression) -> Expression:
    """The value, or the end that it lies beyond; missing ones stay so."""
    return case((value < first, first), (value > last, last), else_=value)


def within(value: Expression, first: Expression, last: Expression) -> Expression:
    """As clipped(), with the value once in the SQL; one that is missing becomes the last."""
    return func.greatest(func.least(value, last), first, type_=value.type)


def month_days(days: Sequence[tuple[int, int]]) -> Sequence[str]:
    """Pairs of month and day as they stand in ISO dates."""
    return [f"{month:02d}-{of_month:02d}" for month, of_month in days]


def constant(value: Scalar) -> Expression:
    """A constant as a parameter of its own type; numbers with a point are Dialect.number's."""
    match value:
        case bool():
            return literal(value, Boolean)
        case int():
            return literal(value, BigInteger)
        case float():
            return cast(literal(value, Double), Double)
        case date():
            return literal(value, Date)
        case str():
            return literal(value, String)
        case Decimal():
            raise AssertionError("an exact number is written by the dialect")
        case _:
            assert_never(value)
