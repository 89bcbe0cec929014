"""Operands: text as the user wrote it, and the typed constant that the compiler makes of it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from segflow.model.instant import Instant
from segflow.model.types import ValueType

Scalar = str | int | Decimal | float | bool | date
"""A value at rest: instants are their int of milliseconds, versions their text."""

Stored = Scalar | tuple[Scalar | None, ...]
"""What a field or property may hold: a value at rest, or a list of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A scalar as it stands in the file, before its type is known. `quoted`: in '…' or "…"."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Const:
    """A typed constant, made from a Text by the compiler."""

    type: ValueType
    value: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantPoint:
    """An instant that was written with its offset."""

    instant: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DatePoint:
    """A date as a point in time: local midnight in the leaf's zone."""

    date: date


Moment = InstantPoint | DatePoint
"""A point in time as written; the resolver turns it into an instant per zone."""
