"""Tables that are written for an engine that runs in this process, read once and thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass

from segflow.model.scalar import Stored
from segflow.model.types import ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; one without a type holds keys that are unsigned 64-bit integers."""

    name: str
    type: ValueType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedTable:
    """A table with all its rows. What a row does not name is missing; instants are milliseconds."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Stored | None], ...]
