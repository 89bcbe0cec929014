"""What differs between SQL engines in how values are stored: a part of every Dialect."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement

from segflow.model.types import ValueType

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]


class StorageDialect(Protocol):
    """How an engine reads what is not stored as a column of the declared type. What each gives is
    said by compiler/cells.py; lists are whatever the engine handles best."""

    def version(self, text: Expression) -> Expression:
        """A text that sorts as the version does which the text is: see compiler/versions.py.
        Missing where it is none."""

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """The integer or decimal that is written as digits, before them perhaps a minus and among
        them perhaps a point. Decimals are rounded to the scale, halves away from zero. Missing
        where the text is no such number, or beyond the type."""

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """An integer as so many units of 10 ** -digits; missing beyond the digits of the type."""

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """The node that a path of keys leads to in a column of JSON; missing where there is none,
        and where the column holds no JSON."""

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """A node as a value of a type that is no list; missing where it is of another."""

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """The list of what each item of an array has at the path, without what is missing or no
        element. Here and in the next three an empty list is missing."""

    def array(self, column: Expression, element: ValueType) -> Expression:
        """The list that an array of the engine's own is, without missing elements."""

    def split(self, text: Expression, element: ValueType) -> Expression:
        """The list of what stands between commas, without empty parts and what is no element."""

    def gathered(self, element: Expression) -> Expression:
        """An aggregate: the list of the values of several rows, without missing ones."""

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """Every one, or at least one, of some values is an element of the list."""

    def size(self, found: Expression) -> Expression:
        """How many elements a list has."""

    def folded_list(self, found: Expression) -> Expression:
        """A list of texts, each with A-Z as a-z."""

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """What lists are sorted by: element by element, texts by code points."""

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """An aggregate: how many different elements the lists of the rows have."""
