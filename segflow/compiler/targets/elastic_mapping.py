"""How Elasticsearch has to map a field so that what is asked of it is exact."""

from collections.abc import Mapping

from segflow.model.types import ValueType

_WHOLE = ("long", "integer", "short", "byte")

_MAPPED_AS: Mapping[str, tuple[str, ...]] = {
    "string": ("keyword",),
    "integer": _WHOLE,
    "decimal": _WHOLE,
    "float": ("double", "float"),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("date",),
    "version": ("keyword",),
}

_NESTED = " inside of nested"


def mapped_as(declared: ValueType, *, nested: bool = False) -> tuple[str, ...]:
    """The words of Engine.columns() for fields, inside of nested documents or not, that hold values
    of a type; any field may hold lists of them. Decimals are whole numbers of units."""
    words = _MAPPED_AS[declared.name]
    return tuple(f"{word}{_NESTED}" for word in words) if nested else words


def indexed_as(declared: ValueType) -> str:
    """How to map a field for values of a type, in words for a person."""
    match declared.name:
        case "string" | "version":
            return "`keyword`, with neither normalizer nor ignore_above nor null_value"
        case "decimal":
            return "`long`, with `encoding: minor_units(n)`"
        case name:
            return f"`{_MAPPED_AS[name][0]}`"
