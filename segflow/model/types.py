"""The value types of the catalog, and which operators each admits."""

import re
from dataclasses import dataclass
from typing import Literal

ScalarName = Literal[
    "string", "integer", "decimal", "float", "boolean", "date", "timestamp", "version"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """A type of the catalog.

    `precision` and `scale` belong to decimals; `is_list` makes it a list of `name`
    (string and integer only).
    """

    name: ScalarName
    precision: int | None = None
    scale: int | None = None
    is_list: bool = False

    def __str__(self) -> str:
        scalar = f"decimal({self.precision},{self.scale})" if self.name == "decimal" else self.name
        return f"list<{scalar}>" if self.is_list else scalar

    @property
    def is_number(self) -> bool:
        """Integers, decimals and floats compare with each other by value."""
        return not self.is_list and self.name in ("integer", "decimal", "float")

    @property
    def is_time(self) -> bool:
        """Dates and timestamps take the instant operators."""
        return not self.is_list and self.name in ("date", "timestamp")

    @property
    def element(self) -> "ValueType":
        """The type of a list's elements; any other type itself."""
        return ValueType(name=self.name) if self.is_list else self


STRING = ValueType(name="string")
INTEGER = ValueType(name="integer")
FLOAT = ValueType(name="float")
BOOLEAN = ValueType(name="boolean")
DATE = ValueType(name="date")
TIMESTAMP = ValueType(name="timestamp")
VERSION = ValueType(name="version")

UNREAD = ValueType(name="string", precision=0)
"""Of a value whose type could not be read: whoever judges says nothing of such a value."""

_SIMPLE = {str(t): t for t in (STRING, INTEGER, FLOAT, BOOLEAN, DATE, TIMESTAMP, VERSION)}
_DECIMAL = re.compile(r"decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)\Z")
_LISTS = {
    "list<string>": ValueType(name="string", is_list=True),
    "list<integer>": ValueType(name="integer", is_list=True),
}


def decimal_type(precision: int, scale: int) -> ValueType:
    """decimal(precision, scale); raises ValueError unless 1 <= precision <= 38 and scale fits."""
    if not (1 <= precision <= 38 and 0 <= scale <= precision):
        raise ValueError(f"decimal({precision},{scale}): 1 to 38 digits, the scale within them")
    return ValueType(name="decimal", precision=precision, scale=scale)


def parse_type(text: str) -> ValueType:
    """Read "integer", "decimal(18,2)", "list<string>"; raises ValueError with the known names."""
    if text in _SIMPLE:
        return _SIMPLE[text]
    if text in _LISTS:
        return _LISTS[text]
    if match := _DECIMAL.match(text):
        return decimal_type(int(match[1]), int(match[2]))
    known = ", ".join([*_SIMPLE, "decimal(p,s)", *_LISTS])
    raise ValueError(f"{text!r} is not a type: one of {known}")
