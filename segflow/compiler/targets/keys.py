"""Keys in SQL: how columns of keys are read, and what a key is compared with."""

from typing import Any

from sqlalchemy import Select, func, select

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.targets.values import stored_table
from segflow.model.keys import Key, KeyType
from segflow.model.types import STRING
from segflow.ports import KeyColumn


def key_of(column: Expression, type_: KeyType, dialect: Dialect) -> Expression:
    """A column of keys, or of ids, of that type as values: equal ones are the same key."""
    return dialect.stored(column, STRING) if type_ == "string" else dialect.whole(column)


def constant_key(key: Key, dialect: Dialect) -> Expression:
    """A key as a parameter."""
    return dialect.text(key) if isinstance(key, str) else dialect.key(key)


def has_key(column: Expression, key: Key, dialect: Dialect) -> Condition:
    """The column of a table holds the key. Integers are compared as they are stored, so that an
    index serves."""
    held = key_of(column, "string", dialect) if isinstance(key, str) else column
    return held == constant_key(key, dialect)


def repeated_keys(of: KeyColumn, dialect: Dialect) -> Select[Any]:
    """How many keys have more than one row in a table, and the least of them."""
    column: Expression = stored_table(of.table, [of.column]).c[of.column]
    keys = select(key_of(column, of.type, dialect).label("key")).where(column.is_not(None))
    return repeated(keys)


def repeated(keys: Select[Any]) -> Select[Any]:
    """How many keys a query of one column `key` gives more than once, and the least of them."""
    given = keys.subquery("given").c.key
    several = (
        select(given.label("key")).group_by(given).having(func.count() > 1).subquery("repeated")
    )
    count: Expression = func.count()
    return select(count, func.min(several.c.key))
