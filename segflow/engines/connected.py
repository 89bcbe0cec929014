"""What engines share that are asked over a connection of SQLAlchemy.

A subclass says how it connects, how it takes a set of keys or texts, and what its errors mean.
"""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from pyroaring import BitMap64
from sqlalchemy import Connection, column, inspect, select
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.sql import Select

from segflow.compiler.dialects import dialect_of
from segflow.compiler.targets.keys import repeated_keys
from segflow.compiler.targets.newest import select_newest
from segflow.compiler.values import text_matches
from segflow.errors import SegflowError, UnusableDataError
from segflow.model.catalog import Source
from segflow.model.instant import Instant, instant_of
from segflow.ports import (
    MASK_BITS,
    KeyColumn,
    Keys,
    Reached,
    Selection,
    Statement,
    Volume,
    as_select,
)

_ROWS = 100_000
"""Keys that are fetched at a time."""

MISSING = "a table or column is missing, or has another type than the catalog says"
UNFIT = "a value does not fit the type that the catalog gives its column"
NEGATIVE = "keys are integers from 0 on; leave such rows out by a view"
TOO_LARGE = "make the segment of smaller ones that are static, or asked for with `as: snapshot`"
NO_INTEGERS = "the key of an entity is a column of integers"
NO_TEXTS = "the key of such an entity is a column of texts"


def first_line(message: object) -> str:
    """What an error says first; more is for who knows the engine."""
    return str(message).strip().partition("\n")[0]


class ConnectedEngine(ABC):
    """One source behind a connection, asked question by question, each in a transaction of its own.

    `engine` connects when it is first asked; its connections can only read, and their time zone is
    UTC.
    """

    def __init__(self, source: Source, engine: sqlalchemy.Engine) -> None:
        self._source = source.name
        self._dialect = dialect_of(source.engine)
        self._engine = engine
        self._unique: set[KeyColumn] = set()

    # --- the port ---

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        with self._asking() as connection:
            return self._columns(connection, table)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        with self._asking() as connection:
            statement = self._prepared(connection, selection, sets)
            if selection.key_type == "integer":
                return self._keys(connection, statement)
            with self._streamed(connection, statement) as rows:
                return frozenset(text_of(key, self._source) for (key,) in rows)

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        integers = [array("Q") for _ in range(count)]
        texts: list[set[str]] = [set() for _ in range(count)]
        with self._asking() as connection:
            statement = self._prepared(connection, selection, sets)
            with self._streamed(connection, statement) as rows:
                for key, *masks in rows:
                    for number in _set_bits(masks):
                        if selection.key_type == "integer":
                            self._extend(integers[number], (key,))
                        else:
                            texts[number].add(text_of(key, self._source))
        if selection.key_type == "integer":
            return tuple(map(BitMap64, integers))
        return tuple(map(frozenset, texts))

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._asking() as connection:
            return self._rows(connection, self._prepared(connection, selection, sets))

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._asking() as connection:
            return self._rows(connection, statement)

    def reached(self) -> Reached:
        """See Engine."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        return newest_of(self.rows(select_newest(table, column, self._dialect)))

    def read_so_far(self) -> Volume:
        """See Engine. Rows that were read are counted by none of these for one question."""
        return Volume()

    def render(self, statement: Statement) -> str:
        """See Engine."""
        compiled = as_select(statement).compile(
            dialect=self._engine.dialect, compile_kwargs={"literal_binds": True}
        )
        return str(compiled)

    def close(self) -> None:
        """See Engine."""
        self._engine.dispose()

    # --- what an engine says of itself ---

    @abstractmethod
    def _columns(self, connection: Connection, table: str) -> Mapping[str, str] | None:
        """See Engine.columns."""

    @abstractmethod
    def _given_keys(self, connection: Connection, keys: BitMap64) -> Select[Any]:
        """A query that gives the keys in one column `key`; they are given to the
        connection first, or are a parameter of it."""

    @abstractmethod
    def _given_texts(self, connection: Connection, texts: Sequence[str]) -> Select[Any]:
        """A query that gives the texts in one column `value`; they are given to the
        connection first, or are a parameter of it."""

    @abstractmethod
    def _error(self, error: DBAPIError, told: str) -> SegflowError:
        """What an error of the driver means; `told` is its message with the source's name."""

    # --- asking ---

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """A connection for one question; the driver's errors as ours."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            line = first_line(error.orig)
            raise self._error(error, f"source {self._source}: {line}") from error

    def _prepared(
        self, connection: Connection, selection: Selection, sets: Mapping[str, Keys]
    ) -> Select[Any]:
        """The statement with the sets that it names, after what it rests on was checked."""
        for of in selection.one_row:
            self._check_one_row(connection, of)
        statement = as_select(selection.statement)
        for wanted in selection.sets:
            given = self._given(connection, sets[wanted])
            statement = statement.add_cte(given.cte(wanted))
        for split in selection.splits:
            found = connection.scalars(split.values)
            passing = [text for text in found if text_matches(split.test.op, text, split.test.text)]
            statement = statement.add_cte(self._given_texts(connection, passing).cte(split.name))
        return statement

    def _rows(self, connection: Connection, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        return [dict(row) for row in connection.execute(statement).mappings()]

    def _given(self, connection: Connection, keys: Keys) -> Select[Any]:
        """A query that gives the keys in one column `key`."""
        if isinstance(keys, BitMap64):
            return self._given_keys(connection, keys)
        texts = self._given_texts(connection, sorted(keys)).subquery("texts")
        return select(column("value").label("key")).select_from(texts)

    @contextmanager
    def _streamed(
        self, connection: Connection, statement: Select[Any]
    ) -> Iterator[Iterable[Sequence[Any]]]:
        """The rows, of which few are held at a time."""
        streaming = connection.execution_options(yield_per=_ROWS)
        with streaming.execute(statement) as found:
            yield (row for part in found.partitions() for row in part)

    def _keys(self, connection: Connection, statement: Select[Any]) -> BitMap64:
        """Keys that are integers."""
        keys = array("Q")
        with self._streamed(connection, statement) as rows:
            self._extend(keys, (key for (key,) in rows))
        return BitMap64(keys)

    def _extend(self, keys: "array[int]", found: Iterable[Any]) -> None:
        """Add keys as the driver gives them. Raises UnusableDataError."""
        extend(keys, found, self._source)

    def _check_one_row(self, connection: Connection, of: KeyColumn) -> None:
        """Refuse a table of fields in which a key has two rows."""
        if of in self._unique:
            return
        if self._is_unique(connection, of):
            self._unique.add(of)
            return
        count, example = connection.execute(repeated_keys(of, self._dialect)).one()
        if count:
            raise repeated_error(self._source, of, count, example)

    def _is_unique(self, connection: Connection, of: KeyColumn) -> bool:
        """Whether the table itself promises one row per key."""
        try:
            promised = inspect(connection).get_pk_constraint(of.table)["constrained_columns"]
        except NoSuchTableError:
            return False
        return [one.lower() for one in promised] == [of.column.lower()]


def newest_of(rows: Sequence[Mapping[str, Any]]) -> Instant | None:
    """The instant that select_newest() gives, where there is one."""
    return instant_of(rows[0]["newest"]) if rows else None


def text_of(key: Any, source: str) -> str:
    """A key that is a text. Raises UnusableDataError, as extend() does."""
    if not isinstance(key, str):
        raise UnusableDataError(f"source {source}: keys are not texts", hint=NO_TEXTS)
    return key


def extend(keys: "array[int]", found: Iterable[Any], source: str) -> None:
    """Add keys that are integers."""
    try:
        keys.extend(found)
    except OverflowError as error:
        raise UnusableDataError(
            f"source {source}: a key is negative, or beyond 64 bits", hint=NEGATIVE
        ) from error
    except TypeError as error:
        raise UnusableDataError(
            f"source {source}: keys are not integers: {error}", hint=NO_INTEGERS
        ) from error


def repeated_error(source: str, of: KeyColumn, count: int, example: Any) -> UnusableDataError:
    """What is said of a table in which so many keys have more than one row."""
    return UnusableDataError(
        f"source {source}: in table {of.table}, {count} keys have more than one row,"
        f" {of.column} {example} for example",
        hint="a field has one value per key: bring the table to one row each by a view",
    )


def _set_bits(masks: Iterable[int]) -> Iterator[int]:
    """The numbers of the segments whose bits are set, MASK_BITS to a mask."""
    for start, mask in enumerate(masks):
        left = int(mask)
        while left:
            lowest = left & -left
            yield start * MASK_BITS + lowest.bit_length() - 1
            left ^= lowest
