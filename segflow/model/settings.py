"""Values that are open by nature (settings of channels) and references to secrets."""

from dataclasses import dataclass
from typing import Union


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
