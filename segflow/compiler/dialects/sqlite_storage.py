"""SQLite's part of StorageDialect, by the functions in engines/sqlite_storage.py.

Lists are arrays of JSON as text, nodes of JSON their text; an array of the engine's own is one of
JSON, since SQLite has no other.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Double, String, case, func, literal, type_coerce
from sqlalchemy.types import TypeEngine

from segflow.compiler.dialects.base import UTC_TIMESTAMP
from segflow.compiler.dialects.exact import Exact
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.model.types import INTEGER, STRING, VERSION, ValueType


class SqliteStorage:
    """See StorageDialect."""

    def version(self, text: Expression) -> Expression:
        """See StorageDialect."""
        return _read(text, VERSION)

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        return _read(text, type_, encoding="text")

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """See StorageDialect."""
        return _read(units, type_, encoding=f"minor_units({digits})")

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """See StorageDialect. SQLite itself does not find keys that are written with escapes."""
        steps = "".join(["$", *(f'."{part}"' for part in path)])
        node = column.op("->")(literal(steps, String))
        escaped = func.segflow_json(column, literal(json.dumps(list(path)), String))
        found = case((func.instr(column, "\\") == 0, node), else_=escaped)
        return type_coerce(case((func.json_valid(column) == 1, found)), String())

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        return _read(node, type_, encoding="json")

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """See StorageDialect."""
        return _read(node, _list_of(element), items=path)

    def array(self, column: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return self.json_list(column, (), element)

    def split(self, text: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return _read(text, _list_of(element), encoding="delimited")

    def gathered(self, element: Expression) -> Expression:
        """See StorageDialect."""
        every = func.json_group_array(element, type_=String).filter(element.is_not(None))
        return func.nullif(every, "[]", type_=String)

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """See StorageDialect."""
        return func.segflow_has(found, func.json_array(*wanted), every, type_=Boolean) == 1

    def size(self, found: Expression) -> Expression:
        """See StorageDialect."""
        return func.json_array_length(found, type_=BigInteger)

    def folded_list(self, found: Expression) -> Expression:
        """See StorageDialect. Escapes of JSON are in small letters already."""
        return func.lower(found, type_=String)

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return func.segflow_list_order(found)

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """See StorageDialect."""
        count = func.segflow_count_elements(found, type_=BigInteger)
        return count if where is None else count.filter(where)


def _list_of(element: ValueType) -> ValueType:
    return ValueType(name=element.name, is_list=True)


def _read(
    cell: Expression,
    type_: ValueType,
    encoding: str | None = None,
    items: Sequence[str] | None = None,
) -> Expression:
    """The value of a cell that is stored so."""
    described = json.dumps([str(type_), encoding, None if items is None else list(items)])
    return func.segflow_read(cell, literal(described, String), type_=_kept_as(type_))


def _kept_as(type_: ValueType) -> TypeEngine[Any]:
    if type_.is_list or type_ in (STRING, VERSION):
        return String()
    if type_ == INTEGER:
        return BigInteger()
    match type_.name:
        case "decimal":
            return Exact(type_.scale or 0)
        case "float":
            return Double()
        case "boolean":
            return Boolean()
        case "date":
            return Date()
        case _:
            return UTC_TIMESTAMP
