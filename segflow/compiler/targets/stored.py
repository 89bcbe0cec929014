"""Values in SQL as they are stored: the column of a field or property, read as its storage says."""

import json
from typing import Any

from sqlalchemy import FromClause, select
from sqlalchemy.sql import Select

from segflow.compiler.dialects.base import Dialect, Expression
from segflow.compiler.storage import Storage, storage_of_property
from segflow.compiler.versions import written_version
from segflow.model.catalog import Property
from segflow.model.types import INTEGER, STRING, ValueType


def property_value(prop: Property, source: FromClause, dialect: Dialect) -> Expression:
    """The value of a property in the rows of its event's table."""
    return value_in(source, storage_of_property(prop), dialect)


def value_in(source: FromClause, storage: Storage, dialect: Dialect) -> Expression:
    """The value in each row of a table; of a list in a child table, the element."""
    column: Expression = source.c[storage.column]
    if storage.in_json:
        return _in_json(dialect.json(column, storage.path), storage, dialect)
    match storage.form:
        case "text" | "delimited":
            return _of_text(dialect.stored(column, STRING), storage, dialect)
        case "minor":
            units = dialect.stored(column, INTEGER)
            return dialect.minor_units(units, storage.minor_digits, storage.type)
        case "rows":
            return dialect.stored(column, storage.type.element)
        case _:
            return dialect.stored(column, storage.type)


def _in_json(node: Expression, storage: Storage, dialect: Dialect) -> Expression:
    match storage.form:
        case "document":
            return dialect.json_list(node, storage.items or (), storage.type.element)
        case "text" | "delimited":
            return _of_text(dialect.json_value(node, STRING), storage, dialect)
        case "minor":
            units = dialect.json_value(node, INTEGER)
            return dialect.minor_units(units, storage.minor_digits, storage.type)
        case _:
            return dialect.json_value(node, storage.type)


def _of_text(text: Expression, storage: Storage, dialect: Dialect) -> Expression:
    if storage.form == "text":
        return dialect.written_number(text, storage.type)
    return dialect.split(text, storage.type.element)


def gathered(
    source: FromClause, key: Expression, storage: Storage, dialect: Dialect
) -> Select[Any]:
    """One row per key with the list that the rows of a child table make; `key` and `elements`."""
    elements = dialect.gathered(value_in(source, storage, dialect))
    return select(key.label("key"), elements.label("elements")).group_by(key)


def read_back(value: Any, type_: ValueType) -> Any:
    """What an engine gave for a value of the type, as the value is written: a version without the
    zeros by which it sorts, a list as a tuple."""
    if value is None:
        return None
    if type_.is_list:
        return tuple(json.loads(value) if isinstance(value, str) else value)
    return written_version(value) if type_.name == "version" else value
