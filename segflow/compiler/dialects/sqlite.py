"""SQLite with functions of ours: what they do is in engines/sqlite_functions.py.

At work an instant is its milliseconds, floored and within the calendar; a date is its ISO text, a
boolean 0 or 1, and a decimal a text in the order of values (exact.py). A stored value that is none
of its declared type is an error, which the function `unfit` raises.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, assert_never

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    Date,
    Double,
    FunctionElement,
    LargeBinary,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Expression, Traits
from segflow.compiler.dialects.exact import Exact, encode
from segflow.compiler.dialects.sqlite_storage import SqliteStorage
from segflow.compiler.dialects.standard import (
    QUOTIENT_DIGITS,
    Standard,
    clipped,
    constant,
    month_days,
)
from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import Instant, datetime_of
from segflow.model.scalar import Scalar
from segflow.model.types import ValueType

_MANY = 100
"""A longer list is one parameter."""


class Sqlite(SqliteStorage, Standard):
    """See Dialect."""

    binary = "BINARY"
    traits = Traits(
        re2=True,
        ordered_aggregates=False,
        instants_in_order=False,
        listed=frozenset({"string", "integer", "decimal", "float", "boolean", "date", "timestamp"}),
    )

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect."""
        if type_.is_list:
            return self.array(column, type_.element)
        match type_.name:
            case "string" | "version":
                digits = cast(column, String)
                text = _checked(column, str(type_), String(), text=column, integer=digits)
                return text if type_.name == "string" else self.version(text)
            case "integer":
                return self.whole(column)
            case "decimal":
                made = func.segflow_decimal(column, type_.precision, type_.scale)
                return type_coerce(made, Exact(type_.scale or 0))
            case "float":
                double = cast(column, Double)
                return _checked(column, str(type_), Double(), real=column, integer=double)
            case "boolean":
                known = case((column.in_((0, 1)), column), else_=_unfit(column, str(type_)))
                return _checked(column, str(type_), Boolean(), integer=known)
            case "date":
                return func.segflow_date(column, type_=Date)
            case "timestamp":
                inside = clipped(column, literal(FIRST), literal(LAST))
                read = func.segflow_instant(column)
                return type_coerce(
                    case((func.typeof(column) == "integer", inside), else_=read), UTC_TIMESTAMP
                )
            case _:
                assert_never(type_.name)

    def whole(self, column: Expression) -> Expression:
        """See Dialect."""
        return _checked(column, "integer", BigInteger(), integer=column)

    def floored(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        return timestamp

    def key(self, value: int) -> Expression:
        """See Dialect. SQLite has no integers beyond 63 bits, so that nobody has such a key."""
        return literal(value, BigInteger) if value < 2**63 else cast(null(), BigInteger)

    # --- exact numbers ---

    def number(self, value: Decimal) -> Expression:
        """See Dialect."""
        return literal(value, Exact(_scale(value)))

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect."""
        return value

    def product(self, left: Expression, right: Expression) -> Expression:
        """See Dialect."""
        return func.segflow_product(left, right, type_=Exact())

    def alike(self, left: Expression, right: Expression) -> tuple[Expression, Expression]:
        """See Dialect."""
        if not (isinstance(left.type, Exact) or isinstance(right.type, Exact)):
            return left, right
        return _exact(left), _exact(right)

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """See Dialect."""
        typed = [self._constant(one, value, type_) for one in constants]
        written = [_at_work(one, value, type_) for one in constants]
        if len(typed) <= _MANY or type_.name == "float" or any("\0" in str(one) for one in written):
            return value.in_(typed)
        listed = func.json_each(json.dumps(written)).table_valued("value")
        return value.in_(select(listed.c.value))

    def _constant(self, one: Scalar, value: Expression, type_: ValueType) -> Expression:
        if isinstance(value.type, Exact):
            return self.number(Decimal(str(one)))
        if type_.name == "timestamp" and isinstance(one, int):
            return literal(datetime_of(Instant(one)), UTC_TIMESTAMP)
        return constant(one)

    # --- texts ---

    def contains(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.instr(text, part) > 0

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        whole, wanted = cast(text, LargeBinary), cast(part, LargeBinary)
        return _part(whole, 1, func.length(wanted)) == wanted

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        whole, wanted = cast(text, LargeBinary), cast(part, LargeBinary)
        before = func.length(whole) - func.length(wanted)
        return and_(before >= 0, _part(whole, before + 1) == wanted)

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """See Dialect."""
        return func.segflow_matches(text, pattern, type_=Boolean) == 1

    def folded(self, text: Expression) -> Expression:
        """See Dialect. SQLite's own lower() knows the letters of ASCII only."""
        return func.lower(text, type_=String)

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """See Dialect."""
        return func.segflow_md5(salt, text, type_=String)

    def read_once(self, rows: CTE) -> CTE:
        """See Dialect. SQLite puts a table in the place of its rows, and looks for keys by columns
        alone: it would read all of it for each key."""
        return rows.prefix_with("MATERIALIZED")

    # --- aggregates and order ---

    def total(self, value: Expression, type_: ValueType) -> FunctionElement[Any]:
        """See Dialect. SQLite's own sum() fails beyond 64 bits."""
        return func.segflow_sum(value, type_=Exact(type_.scale or 0))

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect."""
        digits = scale + QUOTIENT_DIGITS
        return [func.segflow_quotient(value, digits, divisor, type_=Exact(digits))]

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        return type_coerce(timestamp, BigInteger)

    def month_and_day(self, day: Expression, days: Sequence[tuple[int, int]]) -> Condition:
        """See Dialect."""
        return func.substr(day, 6, 5, type_=String).in_(month_days(days))

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        shown = type_coerce(timestamp, BigInteger) + ahead
        inside = func.max(func.min(shown, LAST), FIRST, type_=BigInteger)
        seconds = (inside - FIRST) // 1000 + FIRST // 1000  # a division of what is not negative
        return func.strftime("%m-%d", seconds, "unixepoch", type_=String)

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """See Dialect."""
        every = literal("[", String) + numbers + "]"
        number = func.json_each(every).table_valued("value").c.value
        return select(func.max(number, type_=BigInteger)).where(number < end).scalar_subquery()


def _checked(
    column: Expression, declared: str, type_: TypeEngine[Any], **by_kind: Expression
) -> Expression:
    """What the column is worth by the kind of value that a row holds, which each row has of its
    own; missing stays missing, and another kind is an error."""
    kind = func.typeof(column)
    arms = [(kind == name, worth) for name, worth in by_kind.items()]
    return type_coerce(case(*arms, (kind == "null", null()), else_=_unfit(column, declared)), type_)


def _unfit(column: Expression, declared: str) -> Expression:
    return func.segflow_unfit(column, declared)


def _part(whole: Expression, *place: Expression | int) -> Expression:
    """A part of the bytes; of none, for which SQLite has NULL, all of them."""
    return func.coalesce(func.substr(whole, *place, type_=LargeBinary), whole)


def _exact(value: Expression) -> Expression:
    return value if isinstance(value.type, Exact) else func.segflow_exact(value, type_=Exact())


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _at_work(one: Scalar, value: Expression, type_: ValueType) -> Any:
    """A constant as JSON writes it."""
    if isinstance(value.type, Exact):
        return encode(Decimal(str(one)))
    return one if isinstance(one, int) else str(one)


SQLITE = Sqlite()
