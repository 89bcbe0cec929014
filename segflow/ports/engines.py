"""Sources that can be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyroaring import BitMap64
from sqlalchemy.sql import Select

from segflow.model.operator import TextMatch


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
    Engine.values() with more columns behind it.

    `statement` is SQLAlchemy Core with bound parameters. It refers to the id sets named in `sets`
    as tables of one column `key`, and to those of `splits` as tables of one column `value`; the
    engine provides both (the names of id sets are made by segment_set() and list_set() in
    model/compiled.py). `source` names the catalog's source. `one_row` are pairs of table and key
    column in which a key may stand once only.
    """

    source: str
    statement: Select[Any]
    sets: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()
    one_row: tuple[tuple[str, str], ...] = ()


class Engine(Protocol):
    """One source that can be asked. Reads only; the connection can't write or reach other files."""

    def columns(self, table: str) -> Mapping[str, str] | None:
        """The columns of a table with their types in the engine's words; None: no such table.

        Raises SourceUnavailableError.
        """

    def members(self, selection: Selection, sets: Mapping[str, BitMap64]) -> BitMap64:
        """The keys that the selection gives. `sets` holds every set that it names.

        Raises SourceUnavailableError, and UnusableDataError for keys that are negative or no
        integers and for two rows of one key in a table of `one_row`.
        """

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows of a small query as plain Python values; timestamps as aware UTC datetimes.

        Raises SourceUnavailableError.
        """

    def values(
        self, selection: Selection, sets: Mapping[str, BitMap64]
    ) -> Sequence[Mapping[str, Any]]:
        """The rows of a selection of more columns than the key, as rows() gives them. `sets` holds
        every set that it names; raises as members() does."""

    def render(self, statement: Select[Any]) -> str:
        """The statement in the engine's SQL for a person to read, with its parameters filled in."""

    def close(self) -> None:
        """Let go of the connection; harmless when done twice."""
