"""The latest instant in a column, by which a source tells how far it was loaded."""

from typing import Any

from sqlalchemy import Select, select

from segflow.compiler.dialects.base import Dialect
from segflow.compiler.targets.values import stored_table
from segflow.model.types import TIMESTAMP


def select_newest(table: str, column: str, dialect: Dialect) -> Select[Any]:
    """One row with the instant, called `newest`; none where the column has no values. An index on
    the column serves, but in SQLite: there texts of one instant are written in many ways."""
    of = stored_table(table, [column]).c[column]
    instant = dialect.floored(dialect.stored(of, TIMESTAMP))
    order = of if dialect.traits.instants_in_order else instant
    newest = select(instant.label("newest")).where(instant.is_not(None))
    return newest.order_by(order.desc()).limit(1)
