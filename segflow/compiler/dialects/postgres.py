"""PostgreSQL from 12 on, in a session whose time zone is UTC."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, assert_never

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Date,
    Double,
    Interval,
    LargeBinary,
    Numeric,
    String,
    any_,
    case,
    cast,
    collate,
    extract,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Condition, Expression, Traits
from segflow.compiler.dialects.postgres_storage import PostgresStorage
from segflow.compiler.dialects.standard import (
    FIRST_INSTANT,
    LAST_INSTANT,
    QUOTIENT_DIGITS,
    Standard,
    clipped,
    within,
)
from segflow.model.keys import KeyType
from segflow.model.scalar import Scalar
from segflow.model.types import ValueType

_NAN = cast(literal_column("'NaN'"), Double)
_KEY = Numeric(20, 0)
_MILLISECOND = literal_column("INTERVAL '1 millisecond'", Interval)


class Postgres(PostgresStorage, Standard):
    """See Dialect."""

    traits = Traits(
        re2=False,
        ordered_aggregates=True,
        listed=frozenset({"string", "integer", "decimal", "float", "date"}),
    )

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """See Dialect. Timestamps without a zone are UTC."""
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
                present = func.nullif(cast(column, Numeric), cast(_NAN, Numeric))
                return cast(present, Numeric(type_.precision, type_.scale))
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
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        return func.date_trunc("milliseconds", inside, type_=UTC_TIMESTAMP)

    # --- exact numbers ---

    def key(self, value: int) -> Expression:
        """See Dialect. No integer type is as wide as keys are."""
        return literal(value, BigInteger) if value < 2**63 else literal(Decimal(value), Numeric)

    def number(self, value: Decimal) -> Expression:
        """See Dialect."""
        return literal(value, Numeric)

    def widened(self, value: Expression, scale: int) -> Expression:
        """See Dialect. A numeric without digits has as many as it needs."""
        return cast(value, Numeric)

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """See Dialect. The list is one parameter; there is room for 65,535."""
        made, element = _listed(constants, type_)
        return value == any_(literal(made, ARRAY(element)))

    # --- texts ---

    def contains(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.strpos(text, part) > 0

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.left(text, func.char_length(part), type_=String) == part

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See Dialect."""
        return func.right(text, func.char_length(part), type_=String) == part

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """See Dialect."""
        raise AssertionError("PostgreSQL's expressions are not RE2")

    def key_text(self, key: Expression, type_: KeyType) -> Expression:
        """See Dialect. A numeric may have zeros behind its point."""
        return key if type_ == "string" else cast(cast(key, _KEY), String)

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """See Dialect. No text here can hold a zero byte."""
        written = func.convert_to(text, "UTF8", type_=LargeBinary)
        zero = func.decode("00", "hex", type_=LargeBinary)
        salted = func.convert_to(salt, "UTF8", type_=LargeBinary).op("||")(zero).op("||")(written)
        return collate(func.md5(salted, type_=String), self.binary)

    # --- aggregates and order ---

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """See Dialect."""
        whole = func.array_agg(value, type_=ARRAY(value.type)).aggregate_order_by(*order)
        kept: Any = whole if where is None else whole.filter(where)
        return Grouping(kept)[1]

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """See Dialect. A numeric has as many digits as it needs."""
        widened = cast(value, Numeric) * literal(Decimal(10 ** (scale + QUOTIENT_DIGITS)), Numeric)
        return [func.div(widened, cast(divisor, Numeric), type_=Numeric())]

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """See Dialect."""
        seconds = extract("epoch", self.floored(timestamp))  # of whole milliseconds; a double once
        return cast(func.round(cast(seconds * 1000, Numeric)), BigInteger)

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """See Dialect."""
        inside = clipped(timestamp, FIRST_INSTANT, LAST_INSTANT)
        shown = func.timezone("UTC", inside, type_=TIMESTAMP) + ahead * _MILLISECOND
        ends = (func.timezone("UTC", end) for end in (FIRST_INSTANT, LAST_INSTANT))
        written = func.to_char(within(shown, *ends), "MM-DD", type_=String)
        return case((timestamp.is_not(None), written))

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """See Dialect."""
        every = cast(func.string_to_array(numbers, ","), ARRAY(BigInteger))
        number = func.unnest(every, type_=BigInteger).column_valued("number")
        return select(func.max(number)).where(number < end).scalar_subquery()


def _listed(constants: Sequence[Scalar], type_: ValueType) -> tuple[list[Any], TypeEngine[Any]]:
    """The constants as elements of an array, and its type."""
    match type_.name:
        case "integer" | "decimal":
            return [Decimal(str(one)) for one in constants], Numeric()
        case "float":
            return [float(str(one)) for one in constants], Double()
        case "date":
            return list(constants), Date()
        case _:
            return list(constants), String()


POSTGRES = Postgres()
