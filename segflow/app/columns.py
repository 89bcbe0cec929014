"""Whether a column can hold what the catalog says is in it, by the engine's word for its type."""

import re

from segflow.model.types import ValueType

_WHOLE = {
    f"{sign}{size}"
    for sign in ("", "U")
    for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}
_TEXTS = {"VARCHAR", "UUID", "JSON"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)\Z")

_ACCEPTED = {
    "string": {"text", "whole"},
    "integer": {"whole"},
    "float": {"whole", "decimal", "float"},
    "boolean": {"boolean"},
    "date": {"date"},
    "timestamp": {"timestamp", "date"},
    "version": {"text", "whole"},
}
"""Families of column types that hold values of a declared type, none of them rounded or cut."""


def fits(word: str, declared: ValueType) -> bool:
    """Whether every value of a column of that type is one of the declared type.

    A type that is not known here fits: the engine judges it when it reads. Decimals may be stored
    as doubles, which stand for the nearest decimal of the declared scale.
    """
    family, scale = _family(word)
    if family == "array" and declared.is_list:
        return fits(word[: word.rindex("[")], declared.element)
    if declared.is_list:
        return family is None
    if family is None:
        return True
    if declared.name == "decimal":
        if family == "decimal":
            return scale <= (declared.scale or 0)
        return family in ("whole", "float")
    if declared.name == "integer" and family == "decimal":
        return scale == 0
    return family in _ACCEPTED.get(declared.name, {family})


def holds_json(word: str) -> bool:
    """Whether a column of that type may hold JSON: as text, or as what has parts."""
    return _family(word)[0] in (None, "text", "array")


def orders_rows(word: str) -> bool:
    """Whether the values of a column of that type have one order everywhere, so that they can say
    which of two rows is newer: not text, whose order hangs on a collation, and not floats."""
    of_postgres = word.startswith(("text", "character"))
    return _family(word)[0] in (None, "whole", "decimal", "timestamp", "date") and not of_postgres


def _family(word: str) -> tuple[str | None, int]:
    """The family of a column type, and the scale of a decimal one."""
    if decimal := _DECIMAL.match(word):
        return "decimal", int(decimal[2])
    if word.endswith("]"):
        return "array", 0
    if word in _WHOLE:
        return "whole", 0
    if word in _TEXTS or word.startswith("ENUM("):
        return "text", 0
    if word in ("FLOAT", "DOUBLE"):
        return "float", 0
    if word.startswith("TIMESTAMP"):
        return "timestamp", 0
    return {"BOOLEAN": "boolean", "DATE": "date"}.get(word), 0
