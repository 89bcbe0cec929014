"""Exact numbers as texts in the order of their values, for engines that have none.

Equal numbers are equal texts: `1`, or the sign, the power of ten and the digits; of negative ones
the complements, closed by what is greater than any digit.
"""

from decimal import Context, Decimal, Inexact
from typing import Any

import sqlalchemy
from sqlalchemy import String, TypeDecorator

EXACTLY = Context(prec=10_000, traps=[Inexact])
"""Arithmetic that does not round."""

_MIDDLE = 50_000
_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_ZERO, _ABOVE, _END = "1", "2", "~"


def encode(value: int | Decimal) -> str:
    """The text of a finite number."""
    sign, places, exponent = Decimal(value).as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, places)).lstrip("0")
    if not digits:
        return _ZERO
    power = len(digits) + exponent
    digits = digits.rstrip("0")
    if not sign:
        return f"{_ABOVE}{_MIDDLE + power:06d}{digits}"
    return f"0{_MIDDLE - power:06d}{digits.translate(_COMPLEMENT)}{_END}"


def decode(text: str) -> Decimal:
    """The number that a text stands for."""
    if text == _ZERO:
        return Decimal(0)
    power, digits = int(text[1:7]) - _MIDDLE, text[7:]
    sign = 0
    if text[0] != _ABOVE:
        sign, power, digits = 1, -power, digits[:-1].translate(_COMPLEMENT)
    return Decimal((sign, tuple(map(int, digits)), power - len(digits)))


class Exact(TypeDecorator[Decimal]):
    """An exact number that an engine has as such a text; it comes back with `scale` digits."""

    impl = String
    cache_ok = True

    def __init__(self, scale: int = 0) -> None:
        super().__init__()
        self.scale = scale

    def process_bind_param(
        self, value: int | Decimal | None, dialect: sqlalchemy.Dialect
    ) -> str | None:
        """See TypeDecorator."""
        return None if value is None else encode(value)

    def process_result_value(self, value: Any, dialect: sqlalchemy.Dialect) -> Decimal | None:
        """See TypeDecorator."""
        if not isinstance(value, str):
            return None if value is None else Decimal(value)
        number = decode(value)
        return EXACTLY.quantize(number, Decimal(1).scaleb(-self.scale))
