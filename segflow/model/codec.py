"""The one codec between objects and canonical JSON, and the hash that identifies an object by it.

A dataclass becomes {"$": its class name, field: value, …} without the fields that hold their
default, so that a new field with a default changes no fingerprint, and without those that tell no
objects apart. Keys are sorted, there is no white space, and text is UTF-8.
"""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from types import ModuleType
from typing import Any

from segflow.model import (
    address,
    catalog,
    channel,
    contact,
    cost,
    duration,
    operator,
    plan,
    predicate,
    rule,
    scalar,
    segment,
    settings,
    state,
    trial,
    types,
    window,
)

_MODULES: tuple[ModuleType, ...] = (
    address,
    catalog,
    channel,
    contact,
    cost,
    duration,
    operator,
    plan,
    predicate,
    rule,
    scalar,
    segment,
    settings,
    state,
    trial,
    types,
    window,
)


def _registry() -> Mapping[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            if (
                inspect.isclass(value)
                and is_dataclass(value)
                and value.__module__ == module.__name__
            ):
                if name in found:
                    raise TypeError(f"two model classes are called {name}")
                found[name] = value
    return found


_CLASSES = _registry()


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _layout(cls: type[Any]) -> tuple[str, tuple[tuple[str, str, Any], ...]]:
    """How an object begins, and name, key and default of its fields in the order of their names
    ("$" comes before every letter)."""
    named = sorted(
        ((field.name, _default(field)) for field in fields(cls) if field.compare),
        key=lambda pair: pair[0],
    )
    return f'{{"$":"{cls.__name__}"', tuple((name, f',"{name}":', held) for name, held in named)


_LAYOUT = {cls: _layout(cls) for cls in _CLASSES.values()}
_quoted = json.encoder.encode_basestring


def to_json(value: Any) -> Any:
    """A JSON value for a model object, a scalar or a tuple of them.

    Raises TypeError for anything else: what is stored is closed on purpose.
    """
    return json.loads(canonical(value))


def canonical(value: Any) -> str:
    """The canonical JSON text of a model object; equal objects give equal text.

    Written straight to text, since every object of a project is fingerprinted at every start.
    Raises TypeError for what to_json() refuses.
    """
    cls = type(value)
    if cls is str:
        return _quoted(value)
    if cls is int:
        return str(value)
    if cls in _LAYOUT:
        return _object(value)
    if cls is tuple:
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    return _scalar(value)


def _object(value: Any) -> str:
    head, layout = _LAYOUT[type(value)]
    text = head
    for name, key, default in layout:
        held = getattr(value, name)
        if held is default and default is not MISSING:
            continue
        if default is MISSING or held != default or type(held) is not type(default):
            text += key + canonical(held)
    return text + "}"


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return _atom("decimal", _digits(value))
    if isinstance(value, float):
        return _atom("float", (value + 0.0).hex())  # -0.0 equals 0.0
    if isinstance(value, date):
        return _atom("date", value.isoformat())
    if isinstance(value, bytes):
        return _atom("bytes", value.hex())
    raise TypeError(f"{type(value).__name__} has no canonical JSON")


def _atom(tag: str, text: str) -> str:
    return f'{{"$":"{tag}","text":"{text}"}}'


def _digits(value: Decimal) -> str:
    """Equal decimals have equal text, whatever zeros they were written with."""
    digits = f"{value:f}"
    trimmed = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if trimmed == "-0" else trimmed


_ATOMS: Mapping[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "float": float.fromhex,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
}


def from_json(value: Any) -> Any:
    """The object that to_json() encoded. Raises ValueError for JSON that it can't have written."""
    if isinstance(value, list):
        return tuple(from_json(item) for item in value)
    if not isinstance(value, dict):
        return value
    tag = str(value.get("$"))
    if tag in _ATOMS:
        return _ATOMS[tag](value["text"])
    if tag not in _CLASSES:
        raise ValueError(f"unknown object {tag!r} in canonical JSON")
    decoded = {name: from_json(item) for name, item in value.items() if name != "$"}
    try:
        return _CLASSES[tag](**decoded)
    except TypeError as error:
        raise ValueError(f"{tag} in canonical JSON: {error}") from error


def from_canonical(text: str) -> Any:
    """The object that canonical() encoded. Raises ValueError for any other text."""
    return from_json(json.loads(text))


def digest(content: str | bytes) -> str:
    """SHA-256 of text (as UTF-8) or bytes, in hex: fingerprints, definitions and plan ids."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()
