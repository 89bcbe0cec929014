"""Literals: text as written becomes a constant of the type of its slot, exactly."""

import re
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import assert_never
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import midnight
from segflow.compiler.values import version
from segflow.model.instant import instant_of
from segflow.model.scalar import Const, Scalar, Text
from segflow.model.types import DATE, TIMESTAMP, ValueType

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")
_FLOAT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_INT64 = range(-(2**63), 2**63)
_DIGITS = 38
_UTC = ZoneInfo("UTC")


class LiteralError(ValueError):
    """The text is no literal of the type; `fix` says what would be."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def constant(text: Text, type_: ValueType, zone: ZoneInfo | None) -> Const:
    """The constant that the text stands for; a bare date for a timestamp is its midnight in `zone`,
    and stays a date where there is no one zone (None).

    Raises LiteralError.
    """
    if zone is None and type_ == TIMESTAMP and _DATE.match(text.text):
        type_ = DATE
    return Const(type=type_, value=_value(text.text, type_, zone or _UTC))


def _value(text: str, type_: ValueType, zone: ZoneInfo) -> Scalar:
    match type_.name:
        case "string":
            return text
        case "version":
            return _version(text)
        case "integer":
            return _integer(text)
        case "decimal":
            return exact_decimal(text)
        case "float":
            return _float(text)
        case "boolean":
            return _boolean(text)
        case "date":
            return _date(text)
        case "timestamp":
            return _timestamp(text, zone)
        case _:
            assert_never(type_.name)


def _version(text: str) -> str:
    """The version without what means nothing, so that equal ones are equal text."""
    found = version(text)
    if found is None:
        raise LiteralError(f"{text!r} is no version", "write digits between dots: 1.10")
    return str(found)


def _integer(text: str) -> int:
    if not _INTEGER.match(text):
        raise LiteralError(f"{text!r} is no integer", "write digits only, for example 3 or -12")
    # 20 characters hold every 64-bit number; longer text is not worth the conversion.
    if len(text) > 20 or int(text) not in _INT64:
        raise LiteralError(
            f"{text} is beyond 64 bits", f"integers go from {_INT64.start} to {_INT64.stop - 1}"
        )
    return int(text)


def exact_decimal(text: str) -> Decimal:
    """A decimal without superfluous zeros, so that equal numbers are equal text.

    Raises LiteralError for anything but digits with an optional point, and beyond 38 digits.
    """
    if not _DECIMAL.match(text):
        raise LiteralError(
            f"{text!r} is no decimal number", "write digits and a point, for example 12.50"
        )
    short = text.rstrip("0").rstrip(".") if "." in text else text
    if sum(character.isdigit() for character in short) > _DIGITS:
        raise LiteralError(f"{text} has more than {_DIGITS} digits", "write a shorter number")
    return Decimal("0" if short == "-0" else short)


def _float(text: str) -> float:
    if not _FLOAT.match(text):
        raise LiteralError(f"{text!r} is no number", "write for example 0.5 or 1e-3")
    value = float(text)
    if not isfinite(value):
        raise LiteralError(f"{text} is beyond the range of floats", "write a smaller number")
    return value + 0.0  # -0.0 is 0.0


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise LiteralError(f"{text!r} is no boolean", "write true or false")
    return text == "true"


def _date(text: str) -> date:
    if not _DATE.match(text):
        raise LiteralError(f"{text!r} is no date", "write year-month-day, for example 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise LiteralError(
            f"{text!r} is no day of the calendar: {error}", "write a day that exists"
        ) from error


def _timestamp(text: str, zone: ZoneInfo) -> int:
    if _DATE.match(text):
        return midnight(_date(text), zone)
    try:
        moment = datetime.fromisoformat(text)
        return instant_of(moment)
    except (ValueError, OverflowError) as error:
        raise LiteralError(
            f"{text!r} is no instant",
            "write a date, or date and time with an offset: 2026-01-31T08:00:00Z",
        ) from error
