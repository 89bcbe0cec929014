"""Parameters that an engine reads itself: as texts, each with a type that stands in the query."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.types import BigInteger, Boolean, NullType, Numeric, String, TypeEngine

SIGNED = range(-(2**63), 2**63)
"""The integers of 64 bits."""


def written(value: Any) -> str:
    """A value that is not missing as a text; an instant as date and time in UTC."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            moment = value.astimezone(UTC) if value.tzinfo else value
            return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def type_of(value: Any, declared: TypeEngine[Any], widest: int) -> TypeEngine[Any]:
    """The type by which a value is read: the declared one, or one that fits where that says nothing
    of it. Exact numbers have at most so many digits. Integers may be beyond SIGNED."""
    match value:
        case bool():
            return Boolean()
        case int() | str() if isinstance(declared, NullType):
            return BigInteger() if isinstance(value, int) else String()
        case Decimal() if not isinstance(declared, Numeric) or declared.precision is None:
            return Numeric(widest, max(0, -int(value.as_tuple().exponent)))
        case _:
            return declared
