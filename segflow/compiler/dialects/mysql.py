"""MySQL 8 and MariaDB from 10.6 on, in a session whose time zone is UTC.

What MySQL and MariaDB name alike is used, so that both are asked the same. Texts are compared as
bytes: in UTF-8 they have the order of code points, and bytes are never padded. What a cast can't
hold is only a warning there, which the engine takes for an error.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, assert_never

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
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
    type_coerce,
)

from segflow.compiler.dialects.base import (
    UTC_TIMESTAMP,
    Aggregation,
    Condition,
    Expression,
    Traits,
)
from segflow.compiler.dialects.mysql_storage import MySqlStorage, node_table
from segflow.compiler.dialects.mysql_types import (
    BYTES,
    MICROSECOND,
    WHOLE,
    after_first,
    characters,
    failing,
    folded_bytes,
    since_first,
    within_calendar,
)
from segflow.compiler.dialects.standard import QUOTIENT_DIGITS, Standard
from segflow.compiler.timeline import FIRST
from segflow.errors import RefusedError
from segflow.model.instant import Instant, datetime_of
from segflow.model.scalar import Scalar
from segflow.model.types import ValueType

_FIRST_DAY = cast(literal(datetime_of(FIRST).date(), Date), Date)

_GROUP, _GROUPS = 9, 9
"""A product has at most nine groups of nine digits, before and behind the point each counted from
the point on; more are cut off, silently."""

_FINEST = 30
"""Digits behind the point that MySQL's decimals have (MariaDB's: 38)."""

_LARGEST_COUNT = 19


class MySql(MySqlStorage, Standard):
    """See Dialect."""

    traits = Traits(
        re2=False,
        ordered_aggregates=False,
        widest=65,
        listed=frozenset({"string", "integer", "decimal", "float", "date"}),
    )

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect. Times without a zone are UTC; dates with a zero in them are missing."""
        if type_.is_list:
            return self.array(column, type_.element)
        match type_.name:
            case "string":
                return cast(characters(column), BYTES)
            case "version":
                return self.version(column)
            case "integer":
                return cast(column, WHOLE)
            case "decimal":
                return cast(column, Numeric(type_.precision, type_.scale))
            case "float":
                return type_coerce(column + literal_column("0e0"), Double)
            case "boolean":
                return type_coerce(column != literal_column("0"), Boolean)
            case "date":
                day = cast(_present(column), Date)
                return case((day < _FIRST_DAY, _FIRST_DAY), else_=day)
            case "timestamp":
                return cast(_present(column), UTC_TIMESTAMP)
            case _:
                assert_never(type_.name)

    def floored(self, timestamp: Expression) -> Expression:
        """See Dialect. A cast to three digits would round on MySQL."""
        inside = within_calendar(timestamp)
        finer = func.mod(func.microsecond(inside), literal_column("1000"))
        return func.timestampadd(MICROSECOND, -finer, inside, type_=UTC_TIMESTAMP)

    def sought(self, column: Expression, since: Instant) -> Sequence[Condition]:
        """See Dialect. Neither a cast nor a condition in it has an index."""
        return [column >= cast(literal(datetime_of(since), UTC_TIMESTAMP), UTC_TIMESTAMP)]

    # --- constants ---

    def text(self, value: str) -> Expression:
        """See Dialect."""
        return literal(value, BYTES)

    # --- exact numbers ---

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect. Nothing is lost until the product."""
        return type_coerce(value, Numeric(65, scale))

    def product(self, left: Expression, right: Expression) -> Expression:
        """See Dialect."""
        behind = _scale(left), _scale(right)
        whole, other = _whole_digits(left), _whole_digits(right)
        room = _GROUP * (_GROUPS - sum(-(-one // _GROUP) for one in behind)) - other
        if sum(behind) > _FINEST or room < 1:
            raise RefusedError(
                f"a product with {sum(behind)} digits behind the point is beyond MySQL's decimals",
                hint="compare with a number of fewer digits",
            )
        made = left * right
        if room < whole:
            limit = self.number(Decimal(10) ** min(room, 64))
            # There is no function that fails; this sum is beyond 64 bits.
            made = case((func.abs(left) >= limit, failing(left.is_not(None))), else_=made)
        return type_coerce(made, Numeric(min(room, whole) + other + sum(behind), sum(behind)))

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """See Dialect."""
        if type_.name != "decimal":
            return super().one_of(value, constants, type_)
        return value.in_([self.number(Decimal(str(one))) for one in constants])

    # --- texts ---

    def contains(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.locate(part, text) > 0

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.left(text, func.octet_length(part), type_=BYTES) == part

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.right(text, func.octet_length(part), type_=BYTES) == part

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """See Dialect."""
        raise AssertionError("neither MySQL's expressions nor MariaDB's are RE2")

    def folded(self, text: Expression) -> Expression:
        """See Dialect. Bytes have no lower case."""
        return folded_bytes(text)

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """See Dialect."""
        salted = func.concat(cast(salt, BYTES), func.char(literal_column("0")), text)
        return cast(func.md5(salted), BYTES)

    # --- aggregates and order ---

    def aggregated(
        self, function: Aggregation, value: Expression | None, where: Condition | None
    ) -> Expression:
        """See Dialect. There is no FILTER; aggregates leave out what is missing."""
        if where is None:
            return func.count() if value is None else function(value)
        counted = literal_column("1") if value is None else value
        return function(type_coerce(case((where, counted)), counted.type))

    def total(self, value: Expression, type_: ValueType) -> FunctionElement[Any]:
        """See Dialect. Sums of decimals are decimals of 65 digits."""
        whole = type_.name == "integer"
        return func.sum(value, type_=WHOLE if whole else Numeric(65, type_.scale))

    def in_order(
        self, key: Expression, *, descending: bool = False, missing_first: bool = False
    ) -> Sequence[Expression]:
        """See Dialect. Where missing ones stand can't be said: they are the least."""
        ordered = key.desc() if descending else key.asc()
        if descending != missing_first:
            return [ordered]
        missing = key.is_(None)
        return [missing.desc() if missing_first else missing.asc(), ordered]

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect. Taken apart into whole numbers, since a division rounds; and these are taken
        from the digits, since a product may lose some."""
        digits = func.replace(cast(value, String), ".", "")
        whole = cast(digits, Numeric(65, 0))
        rest = func.mod(whole, divisor, type_=Numeric(10, 0)) * 10**QUOTIENT_DIGITS
        return [_divided(whole, divisor), _divided(rest, divisor)]

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect. From the first instant on, since a division of negative ones rounds up."""
        whole = since_first(timestamp).op("DIV", return_type=BigInteger())(1000)
        return type_coerce(whole, BigInteger) + literal(FIRST, BigInteger)

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        shown = after_first(since_first(timestamp) + ahead * 1000)
        return func.date_format(shown, "%m-%d", type_=String)

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """See Dialect."""
        every = node_table(func.concat("[", numbers, "]"), "$[*]", ())
        number = cast(every.c.node, BigInteger)
        found = select(func.max(number)).select_from(every).where(number < end)
        return found.correlate_except(every).scalar_subquery()


def _divided(whole: Expression, divisor: Expression) -> Expression:
    """The quotient of whole numbers without what is behind its point."""
    return (whole - func.mod(whole, divisor)) / divisor


def _present(moment: Expression) -> Expression:
    """The date, or date and time, if its month and its day are not zero."""
    absent = (func.month(moment) == 0) | (func.dayofmonth(moment) == 0)
    return case((absent, null()), else_=moment)


def _scale(value: Expression) -> int:
    return value.type.scale or 0 if isinstance(value.type, Numeric) else 0


def _whole_digits(value: Expression) -> int:
    """The most digits before the point; a sum may have all that there are."""
    if isinstance(value.type, Numeric) and value.type.precision is not None:
        return value.type.precision - (value.type.scale or 0)
    return _LARGEST_COUNT


MYSQL = MySql()
