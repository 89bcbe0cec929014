"""Values that are open by nature (settings of channels) and references to secrets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """`${NAME}`: filled from the environment at the moment of use, never stored or shown."""

    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingMap:
    """A mapping with text keys, in the order written."""

    items: "tuple[tuple[str, Setting], ...]"

    def get(self, key: str) -> "Setting | None":
        """The value under `key`, or None."""
        return dict(self.items).get(key)


Setting = Union[str, int, bool, None, SecretRef, "tuple[Setting, ...]", SettingMap]
"""A JSON-like value; fractions stay text."""


def plain(settings: SettingMap, fill: Callable[[SecretRef], object]) -> dict[str, Any]:
    """Settings as mappings, lists, text and numbers. `fill` says what stands for a secret."""
    return {key: _plain(value, fill) for key, value in settings.items}


def _plain(value: Setting, fill: Callable[[SecretRef], object]) -> Any:
    match value:
        case SettingMap():
            return plain(value, fill)
        case tuple():
            return [_plain(item, fill) for item in value]
        case SecretRef():
            return fill(value)
        case str() | int() | bool() | None:
            return value
