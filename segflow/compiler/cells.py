"""The reference of storage: in plain Python, what a cell of a table means as a value of ours.

A cell that holds nothing of the declared type is missing: text that is no number, a number in JSON
where a string is declared, a path that leads nowhere. A list is without its missing elements.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from math import isfinite
from typing import Any, NamedTuple

from segflow.compiler.storage import Storage
from segflow.compiler.timeline import FIRST, LAST
from segflow.model.instant import Instant, instant_of
from segflow.model.scalar import Scalar, Stored
from segflow.model.types import INTEGER, STRING, ValueType

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIMESTAMP_TEXT = (
    rf"{DATE}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,9}})?"
    r"(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?"
)
"""Dates and instants as texts of JSON; an instant without an offset is UTC's."""

_INT64 = range(-(2**63), 2**63)
WHOLE_FLOATS = 2**53
"""Floats below it are whole where they look so; it is what JavaScript calls unsafe."""
LONGEST_NUMBER = 500
"""No number is longer: so much is more than any decimal has, and quick to read."""


class _Number(NamedTuple):
    """A number of JSON as it is written: such with a point or an exponent are floats."""

    text: str
    is_float: bool


def cell_value(cell: Any, storage: Storage) -> Stored | None:
    """What the cell of a column means; instants are as the caller made them.

    `cell` is text, a number and so on as the table holds it, or a sequence where it is an array or
    the elements that a child table has for a key.
    """
    if cell is None:
        return None
    if storage.in_json:
        found = _at(_document(cell), storage.path)
        if storage.form == "document":
            return _listed(found, storage) if storage.type.is_list else _typed(found, storage.type)
        if storage.form == "plain":
            return _typed(found, storage.type)
        inner = INTEGER if storage.form == "minor" else STRING
        cell = _typed(found, inner)
    match storage.form:
        case "plain" | "rows" if storage.type.is_list:
            return _present(cell)
        case "text":
            return _number(cell, storage.type) if isinstance(cell, str) else None
        case "minor":
            return _minor(cell, storage)
        case "delimited":
            return _split(cell, storage.type.element)
        case _:
            return cell  # type: ignore[no-any-return]


# --- JSON ------------------------------------------------------------------------------------


def _document(cell: Any) -> Any:
    """The cell as JSON, in which numbers stay as they are written; None where it is not JSON."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(
            cell,
            parse_int=lambda text: _Number(text, False),
            parse_float=lambda text: _Number(text, True),
            parse_constant=lambda text: None,
        )
    except ValueError:
        return None


def _at(node: Any, path: Iterable[str]) -> Any:
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def node_text(document: str, path: Iterable[str]) -> str | None:
    """JSON of what a path leads to in a document, its numbers as they are written there; None where
    there is nothing."""
    found = _at(_document(document), path)
    return None if found is None else _written(found)


def _written(node: Any) -> str:
    match node:
        case _Number(text=text):
            return text
        case list():
            return f"[{', '.join(map(_written, node))}]"
        case dict():
            pairs = (f"{json.dumps(key)}: {_written(value)}" for key, value in node.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return json.dumps(node)


def _listed(node: Any, storage: Storage) -> Stored | None:
    if not isinstance(node, list):
        return None
    found = (_typed(_at(item, storage.items or ()), storage.type.element) for item in node)
    return _present(found)


def _typed(node: Any, type_: ValueType) -> Scalar | None:
    """A node as a value of a type; None where it is of another."""
    match node:
        case bool():
            return node if type_.name == "boolean" else None
        case _Number(text=text, is_float=is_float):
            return _json_number(text, is_float, type_)
        case str():
            return _json_text(node, type_)
        case _:
            return None


def _json_number(text: str, is_float: bool, type_: ValueType) -> Scalar | None:
    match type_.name:
        case "integer" if is_float:
            number = float(text)
            fits = number.is_integer() and abs(number) < WHOLE_FLOATS
            return int(number) if fits else None
        case "integer":
            return _integer(text)
        case "decimal":
            return _rounded(repr(float(text)) if is_float else text, type_)
        case "float":
            return float(text) if isfinite(float(text)) else None
        case _:
            return None


def _json_text(text: str, type_: ValueType) -> Scalar | None:
    match type_.name:
        case "string" | "version":
            return text
        case "date" if re.fullmatch(DATE, text):
            return _or_none(date.fromisoformat, text)
        case "timestamp" if re.fullmatch(TIMESTAMP_TEXT, text):
            zoned = text if text[-1] == "Z" or text[-6] in "+-" else f"{text}Z"
            return _or_none(_instant, zoned)
        case _:
            return None


def _instant(text: str) -> Instant:
    return min(max(instant_of(datetime.fromisoformat(text)), FIRST), LAST)


def _or_none(read: Callable[[str], Scalar], text: str) -> Scalar | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


# --- numbers ---------------------------------------------------------------------------------


def _number(text: str, type_: ValueType) -> Scalar | None:
    """The number that a text is: digits, perhaps after a minus, perhaps with a point among them."""
    if not _NUMBER.fullmatch(text):
        return None
    return _integer(text) if type_.name == "integer" else _rounded(text, type_)


def _integer(text: str) -> int | None:
    if "." in text or len(text) > LONGEST_NUMBER:
        return None
    return int(text) if int(text) in _INT64 else None


def _rounded(text: str, type_: ValueType) -> Decimal | None:
    """The number with the places of the type, halves away from zero; None beyond its digits."""
    if len(text) > LONGEST_NUMBER or not (exact := Decimal(text)).is_finite():
        return None
    if exact.adjusted() > 38:
        return None
    with localcontext(prec=2 * LONGEST_NUMBER):
        places = Decimal(1).scaleb(-(type_.scale or 0))
        found = exact.quantize(places, rounding=ROUND_HALF_UP)
        return found if _fits(found, type_) else None


def _minor(units: Any, storage: Storage) -> Decimal | None:
    if units is None:
        return None
    with localcontext(prec=100):
        found = Decimal(int(units)).scaleb(-storage.minor_digits)
    return found if _fits(found, storage.type) else None


def _fits(number: Decimal, type_: ValueType) -> bool:
    return abs(number) < Decimal(1).scaleb((type_.precision or 0) - (type_.scale or 0))


# --- lists -----------------------------------------------------------------------------------


def _present(elements: Iterable[Any]) -> Stored | None:
    """The elements that are there, as a list; None where none is."""
    return tuple(one for one in elements if one is not None) or None


def _split(text: str | None, element: ValueType) -> Stored | None:
    if text is None:
        return None
    parts = text.split(",")
    if element == INTEGER:
        return _present(_number(part, element) for part in parts)
    return tuple(part for part in parts if part) or None
