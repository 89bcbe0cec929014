"""Sources that can be asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add, sub
from typing import Any, Protocol

from sqlalchemy.sql import Select

from segflow.model.instant import Instant
from segflow.model.keys import KeyType
from segflow.model.operator import TextMatch
from segflow.ports.documents import Documents
from segflow.ports.keys import KeyColumn, Keys

Statement = Select[Any] | Documents
"""What an engine is asked: a statement of SQL, or sets of keys out of documents."""


def as_select(statement: Statement) -> Select[Any]:
    """The statement, for an engine that speaks SQL."""
    assert not isinstance(statement, Documents), "the engine of the source has tables"
    return statement


def as_documents(statement: Statement) -> Documents:
    """The sets of keys, for an engine that reads documents."""
    assert isinstance(statement, Documents), "the engine of the source has documents"
    return statement


MASK_BITS = 62
"""So many segments share one column of a query for several; numbers of 64 bits with a sign hold
them in every engine."""


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
    Engine.values() with more columns behind it. `key_type` is the type of the keys.

    `statement` is SQLAlchemy Core with bound parameters. It refers to the id sets named in `sets`
    as tables of one column `key`, and to those of `splits` as tables of one column `value`; the
    engine provides both (the names of id sets are made by segment_set(), list_set() and their like
    in model/compiled.py). For an engine that reads documents it is the sets of keys that these
    make, one per segment. Sets that are the answer to a query of their own stand in `made`, too,
    with that query, which may be one of another source. Each table of `merged` is made of the
    answers to several queries, whose columns are the same: `key`, and numbers whose bits tell
    something of it. It has the rows of the first query, in which each key stands once, with all
    bits that any of them tells of the key; only engines whose dialect has Traits.marks are given
    any. `source` names the catalog's source. `one_row` are the columns in which a key may stand
    once only.
    """

    source: str
    statement: Statement
    key_type: KeyType = "integer"
    sets: tuple[str, ...] = ()
    made: "Mapping[str, Selection]" = field(default_factory=dict)
    splits: tuple[Split, ...] = ()
    merged: Mapping[str, Sequence[Select[Any]]] = field(default_factory=dict)
    one_row: tuple[KeyColumn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far the data of a source go. All that was committed up to the instant `until` is there;
    None: all that there is. A copy that follows another server (`follows`) lies so many
    milliseconds `behind` it, by the clocks of the two."""

    until: Instant | None = None
    behind: int = 0
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How much a source has read, of its own rows and bytes; None where it does not say."""

    rows: int | None = None
    bytes: int | None = None

    def __add__(self, more: "Volume") -> "Volume":
        """Both together."""
        return Volume(
            rows=_where_known(add, self.rows, more.rows),
            bytes=_where_known(add, self.bytes, more.bytes),
        )

    def __sub__(self, before: "Volume") -> "Volume":
        """What was read since it was so much."""
        return Volume(
            rows=_where_known(sub, self.rows, before.rows),
            bytes=_where_known(sub, self.bytes, before.bytes),
        )


def _where_known(of: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else of(one, other)


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
        """The keys of so many segments in one query. Behind the key the selection has a column of
        numbers per MASK_BITS segments, whose bit i says whether the key belongs to the i-th of
        them. Raises as members() does."""

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows of a small query as plain Python values; timestamps as aware UTC datetimes.

        Raises SourceUnavailableError.
        """

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """The rows of a selection of more columns than the key, as rows() gives them. `sets` holds
        every set that it names; raises as members() does."""

    def reached(self) -> Reached:
        """How far the data go now; they never go back. What a source does not tell is not known
        here: other engines than PostgreSQL are taken for no copies.

        Raises SourceUnavailableError, also where a copy can't tell how far it has come.
        """

    def newest(self, table: str, column: str) -> Instant | None:
        """The latest of the instants in a column of a table; None where there is none.

        Raises SourceUnavailableError and UnusableDataError.
        """

    def read_so_far(self) -> Volume:
        """How much the source has read for all that it answered since it was opened, as itself
        counts it; what it only estimates is not known. Nobody is asked for it."""

    def render(self, statement: Statement) -> str:
        """The statement in the engine's language for a person to read, with its parameters filled
        in."""

    def close(self) -> None:
        """Let go of the connection; harmless when done twice."""
