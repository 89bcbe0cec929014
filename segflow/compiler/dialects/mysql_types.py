"""How values stand at work in MySQL and MariaDB: texts as bytes, integers as decimals, lists as the
bytes of their elements with a byte between them that no UTF-8 has."""

from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    LargeBinary,
    Numeric,
    String,
    TypeDecorator,
    cast,
    func,
    literal,
    literal_column,
    type_coerce,
)

from segflow.compiler.dialects.base import UTC_TIMESTAMP
from segflow.compiler.dialects.standard import UPPER, within
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import datetime_of
from segflow.model.types import INTEGER, ValueType

SEPARATOR: Expression = literal_column("x'FF'")
_BEYOND_SIGNED = 2**63
_PLACES = 20


class Bytes(TypeDecorator[str]):
    """A text as the bytes of its UTF-8."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sqlalchemy.Dialect) -> bytes | None:
        """See TypeDecorator."""
        return None if value is None else value.encode()

    def process_result_value(self, value: Any, dialect: sqlalchemy.Dialect) -> str | None:
        """See TypeDecorator."""
        return value.decode() if isinstance(value, bytes) else value


class Whole(TypeDecorator[int]):
    """An integer of 64 bits, with a sign or without, and sums of them: a decimal there."""

    impl = Numeric(20, 0)
    cache_ok = True

    def process_result_value(self, value: Any, dialect: sqlalchemy.Dialect) -> int | None:
        """See TypeDecorator."""
        return None if value is None else int(value)


class Listed(TypeDecorator[tuple[Any, ...]]):
    """A list: its elements as element_bytes() has them, with SEPARATOR between them."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, element: ValueType) -> None:
        super().__init__()
        self.element = element

    def process_result_value(
        self, value: Any, dialect: sqlalchemy.Dialect
    ) -> tuple[Any, ...] | None:
        """See TypeDecorator."""
        if value is None:
            return None
        parts = value.split(b"\xff")
        if self.element == INTEGER:
            return tuple(int(part) - _BEYOND_SIGNED for part in parts)
        return tuple(part.decode() for part in parts)


BYTES = Bytes()
WHOLE = Whole()
FIRST_MOMENT = cast(literal(datetime_of(FIRST), UTC_TIMESTAMP), UTC_TIMESTAMP)
LAST_MOMENT = cast(literal(datetime_of(LAST), UTC_TIMESTAMP), UTC_TIMESTAMP)
MICROSECOND: Expression = literal_column("MICROSECOND")


def characters(text: Expression) -> Expression:
    """The text of bytes as one of characters, as functions of JSON and expressions need it."""
    return func.convert(text.op("USING")(literal_column("utf8mb4")), type_=String)


def matches(text: Expression, pattern: str) -> Condition:
    """The expression matches the whole text; both servers know these words of it alike."""
    return text.op("REGEXP", is_comparison=True)(literal(rf"\A({pattern})\z", String))


def folded_bytes(found: Expression) -> Expression:
    """Bytes with A-Z as a-z: no bytes of ASCII are parts of other letters."""
    made: Expression = cast(found, BYTES)
    for letter in UPPER:
        made = func.replace(made, letter, letter.lower(), type_=BYTES)
    return made


def element_bytes(element: Expression, of: ValueType) -> Expression:
    """A text, or an integer of 64 bits, as bytes that sort as the values do."""
    if of != INTEGER:
        return cast(element, BYTES)
    above = cast(element, WHOLE) + literal_column(str(_BEYOND_SIGNED))
    return cast(func.lpad(cast(above, String), literal_column(str(_PLACES)), "0"), BYTES)


def listed(element: Expression, of: ValueType, order: Expression | None = None) -> Expression:
    """An aggregate: the list of the elements that are not missing, or missing where all are."""
    return type_coerce(joined(element_bytes(element, of), order), Listed(of))


def joined(parts: Expression, order: Expression | None = None) -> Expression:
    """An aggregate: the bytes of several rows with separators between them. They are copied, since
    MariaDB's replace() changes those of GROUP_CONCAT where they are."""
    ordered = parts if order is None else parts.op("ORDER BY", precedence=1)(order)
    return func.concat("", func.group_concat(ordered.op("SEPARATOR")(SEPARATOR)))


def element_of(found: Expression) -> ValueType:
    """The type of the elements of a list."""
    kind = found.type
    assert isinstance(kind, Listed)
    return kind.element


def failing(known: Condition) -> Expression:
    """What can't be worked out where the condition is known: there is no function that fails, and
    this sum is beyond 64 bits."""
    return type_coerce(known, BigInteger) + literal_column("18446744073709551615")


def within_calendar(timestamp: Expression) -> Expression:
    """The date and time, or the end of the calendar that it lies beyond; missing ones stay so."""
    return within(timestamp, FIRST_MOMENT, LAST_MOMENT)


def since_first(timestamp: Expression) -> Expression:
    """The microseconds since the first instant that there is."""
    inside = within_calendar(timestamp)
    return func.timestampdiff(MICROSECOND, FIRST_MOMENT, inside, type_=BigInteger)


def after_first(microseconds: Expression) -> Expression:
    """The date and time so many microseconds after the first instant, or the last that there is.
    Counted in integers: what is beyond the calendar would be missing."""
    last = literal((LAST - FIRST) * 1000, BigInteger)
    inside = within(microseconds, literal(0, BigInteger), last)
    return func.timestampadd(MICROSECOND, inside, FIRST_MOMENT, type_=UTC_TIMESTAMP)
