"""The functions of ours that SQLite is given to read what is not stored plainly."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from segflow.compiler.cells import cell_value, node_text
from segflow.compiler.dialects.exact import encode
from segflow.compiler.storage import Storage
from segflow.compiler.values import version
from segflow.compiler.versions import sorted_text
from segflow.model.scalar import Stored
from segflow.model.types import parse_type

_KEPT = 4_096


def read(cell: Any, described: str) -> int | float | str | None:
    """The value of a cell as SQLite has it at work; `described` is JSON: type, encoding, items."""
    storage = _storage(described)
    found = cell_value(cell, storage)
    if isinstance(found, str) and storage.type.name == "version":
        known = version(found)
        return None if known is None else sorted_text(known)
    return _kept(found)


@lru_cache(maxsize=_KEPT)
def _storage(described: str) -> Storage:
    type_, encoding, items = json.loads(described)
    inside = None if items is None else tuple(items)
    return Storage(type=parse_type(type_), column="", encoding=encoding, items=inside)


def _kept(found: Stored | None) -> int | float | str | None:
    match found:
        case tuple():
            return json.dumps(found, ensure_ascii=False)
        case Decimal():
            return encode(found)
        case date():
            return found.isoformat()
        case _:
            return found


def has(found: str | None, wanted: str, every: int) -> bool | None:
    """Whether every wanted one, or at least one, is among the elements."""
    if found is None:
        return None
    elements, asked = _elements(found), _elements(wanted)
    return asked <= elements if every else not asked.isdisjoint(elements)


@lru_cache(maxsize=_KEPT)
def _elements(text: str) -> frozenset[str | int]:
    return frozenset(json.loads(text))


def order(found: str | None) -> bytes | None:
    """Bytes that sort as lists do, element by element."""
    if found is None:
        return None
    return b"".join(_sortable(one) for one in json.loads(found))


def _sortable(element: str | int) -> bytes:
    if isinstance(element, int):
        return f"{element + 2**63:020d}".encode()
    # What ends an element is below all that may stand in one.
    escaped = element.encode().replace(b"\1", b"\1\2").replace(b"\0", b"\1\1")
    return escaped + b"\0"


class CountElements:
    """How many different elements there are in lists."""

    def __init__(self) -> None:
        self._seen: set[str | int] = set()

    def step(self, found: str | None) -> None:
        """Add a list."""
        if found is not None:
            self._seen |= _elements(found)

    def finalize(self) -> int:
        """The number."""
        return len(self._seen)


def node(cell: str | None, path: str) -> str | None:
    """The text of what a path of keys leads to in a document."""
    return None if cell is None else node_text(cell, json.loads(path))


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "segflow_read": (2, read),
    "segflow_json": (2, node),
    "segflow_has": (3, has),
    "segflow_list_order": (1, order),
}
"""By name, with the number of arguments; all are deterministic."""
