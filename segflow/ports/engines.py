"""Sources that can be asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from pyroaring import BitMap64
from sqlalchemy.sql import Select

from segflow.model.keys import Key, KeyType
from segflow.model.operator import TextMatch

MASK_BITS = 62
"""So many segments share one column of a query for several; numbers of 64 bits with a sign hold
them in every engine."""

Keys = BitMap64 | frozenset[str]
"""A set of keys of one entity: of integers as their own ordinals, or of texts."""


def keys_of(type_: KeyType, keys: Iterable[Key]) -> Keys:
    """The set of the keys. Raises ValueError where one is not of that type."""
    integers: list[int] = []
    texts: list[str] = []
    for key in keys:
        if isinstance(key, str):
            texts.append(key)
        else:
            integers.append(key)
    if texts if type_ == "integer" else integers:
        raise ValueError(f"keys of this entity are of type {type_}")
    return BitMap64(integers) if type_ == "integer" else frozenset(texts)


def is_among(key: Key, keys: Keys) -> bool:
    """Whether the key is in the set."""
    if isinstance(keys, frozenset):
        return key in keys
    return isinstance(key, int) and key in keys


class KeyColumn(NamedTuple):
    """A column of a table that holds keys of that type."""

    table: str
    column: str
    type: KeyType = "integer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A test that the engine's SQL can't make: `values` gives the distinct texts that there are, in
    one column `value`, and the statement asks whether a text is in the set `name` of those for
    which the test holds. The engine asks for the values and makes the test, all of one state of
    its data.
    """

    name: str
    values: Select[Any]
    test: TextMatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A query for the keys of one segment at one instant: one column, `key`, each key once; for
    Engine.values() with more columns behind it. The keys are of the type `key_type`: texts are
    what strings of the catalog are to the engine.

    `statement` is SQLAlchemy Core with bound parameters. It refers to the id sets named in `sets`
    as tables of one column `key`, and to those of `splits` as tables of one column `value`; the
    engine provides both (the names of id sets are made by segment_set(), list_set() and their like
    in model/compiled.py). Sets that are the answer to a query of their own stand in `made`, too,
    with that query, which may be one of another source. `source` names the catalog's source.
    `one_row` are the columns in which a key may stand once only.
    """

    source: str
    statement: Select[Any]
    key_type: KeyType = "integer"
    sets: tuple[str, ...] = ()
    made: "Mapping[str, Selection]" = field(default_factory=dict)
    splits: tuple[Split, ...] = ()
    one_row: tuple[KeyColumn, ...] = ()


class Engine(Protocol):
    """One source that can be asked. Reads only; the connection can't write or reach other files."""

    def columns(self, table: str) -> Mapping[str, str] | None:
        """The columns of a table with their types in the engine's words; None: no such table.

        Raises SourceUnavailableError.
        """

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """The keys that the selection gives. `sets` holds every set that it names.

        Raises SourceUnavailableError, and UnusableDataError for keys that are negative or not of
        their type and for two rows of one key in a column of `one_row`.
        """

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """The keys of so many segments in one query. Behind the key, in order of which the rows
        come, the selection has a column of numbers per MASK_BITS segments, whose bit i says whether
        the key belongs to the i-th of them. Raises as members() does."""

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows of a small query as plain Python values; timestamps as aware UTC datetimes.

        Raises SourceUnavailableError.
        """

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """The rows of a selection of more columns than the key, as rows() gives them. `sets` holds
        every set that it names; raises as members() does."""

    def render(self, statement: Select[Any]) -> str:
        """The statement in the engine's SQL for a person to read, with its parameters filled in."""

    def close(self) -> None:
        """Let go of the connection; harmless when done twice."""
