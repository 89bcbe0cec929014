"""The functions of ours that SQLite is given, so that what its SQL can't say is exact.

Each takes values as SQLite hands them over and gives None for None.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import md5
from typing import Any

import re2

from segflow.compiler.dialects.exact import EXACTLY, decode, encode
from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import instant_of

Held = int | float | str | bytes | None

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


_remembered = lru_cache(10_000, typed=True)
"""SQLite asks for a value in each part of a statement anew. Types count: 1.0 is not 1."""


class UnfitError(Exception):
    """A stored value is none of its declared type; the text says which."""


def unfit(value: Held, declared: str) -> None:
    """Refuse the value."""
    raise UnfitError(f"{value!r} is stored where {declared} is declared")


@_remembered
def decimal(value: Held, precision: int, scale: int) -> str | None:
    """An exact number of at most so many digits, from an integer or a text."""
    if value is None or value == "NaN":
        return None
    declared = f"decimal({precision},{scale})"
    if isinstance(value, float):
        raise UnfitError(
            f"{value!r} is a double, where {declared} is declared: store texts or integers"
        )
    if isinstance(value, bytes) or not _NUMBER.fullmatch(str(value)):
        raise UnfitError(f"{value!r} is stored where {declared} is declared")
    number = Decimal(value)
    rounded = EXACTLY.create_decimal(number).scaleb(scale, EXACTLY)
    if rounded != rounded.to_integral_value() or rounded.adjusted() >= precision:
        raise UnfitError(f"{value!r} does not fit {declared}")
    return encode(number)


def day(value: Held) -> str | None:
    """A date, from its ISO text."""
    if value is None:
        return None
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise UnfitError(f"{value!r} is stored where date is declared")


@_remembered
def instant(value: Held) -> int | None:
    """Milliseconds, from an ISO text; one without an offset is of UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            return min(max(instant_of(known), FIRST), LAST)
    raise UnfitError(f"{value!r} is stored where timestamp is declared")


def exact(value: int | str | None) -> str | None:
    """A number in its exact form."""
    return encode(value) if isinstance(value, int) else value


def product(left: int | str | None, right: int | str | None) -> str | None:
    """The product of two numbers, exact or integers."""
    if left is None or right is None:
        return None
    return encode(EXACTLY.multiply(_number(left), _number(right)))


def quotient(value: int | str | None, digits: int, divisor: int | None) -> str | None:
    """A number divided by a whole one above zero, with so many digits behind the point."""
    if value is None or divisor is None:
        return None
    numerator, denominator = _number(value).as_integer_ratio()
    whole = numerator * 10**digits // (denominator * divisor)
    return encode(EXACTLY.scaleb(Decimal(whole), -digits))


def matches(text: str | None, pattern: str) -> bool | None:
    """Whether the RE2 expression matches somewhere."""
    return None if text is None else _compiled(pattern).search(text) is not None


_compiled = lru_cache(64)(re2.compile)


def hashed(salt: str, text: str | None) -> str | None:
    """MD5 over salt, a zero byte and the text."""
    if text is None:
        return None
    return md5(f"{salt}\0{text}".encode(), usedforsecurity=False).hexdigest()


class Total:
    """The exact sum of the values that are there; None where none is."""

    def __init__(self) -> None:
        self._sum: Decimal | None = None

    def step(self, value: int | str | None) -> None:
        """Add a value."""
        if value is not None:
            number = _number(value)
            self._sum = number if self._sum is None else EXACTLY.add(self._sum, number)

    def finalize(self) -> str | None:
        """The sum."""
        return None if self._sum is None else encode(self._sum)


def _number(value: int | str) -> Decimal:
    return Decimal(value) if isinstance(value, int) else decode(value)


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "segflow_unfit": (2, unfit),
    "segflow_decimal": (3, decimal),
    "segflow_date": (1, day),
    "segflow_instant": (1, instant),
    "segflow_exact": (1, exact),
    "segflow_product": (2, product),
    "segflow_quotient": (3, quotient),
    "segflow_matches": (2, matches),
    "segflow_md5": (2, hashed),
}
"""By name, with the number of arguments; all are deterministic."""
