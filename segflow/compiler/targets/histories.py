"""Histories of fields in SQL: what a value was at an instant, and how it went."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, Integer, Select, case, func, literal, null, select

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.targets.events import KEY, TIME, sorted_value
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.values import floored, not_later, stored_table
from segflow.model.catalog import Field, History
from segflow.model.instant import Instant
from segflow.model.keys import KeyType
from segflow.model.types import TIMESTAMP

VALUE = "value"
_PLACE = "place"


def value_then(field: Field, key_type: KeyType, at: Instant, dialect: Dialect, name: str) -> CTE:
    """One row for each key that the history knows at all, with the value at the instant, missing
    where its first row is later."""
    rows = _Rows(field, key_type, dialect)
    known = not_later(rows.time, at)
    later = case((known, literal(0, Integer)), else_=literal(1, Integer))
    value = case((known, rows.value), else_=null())
    return rows.first((rows.key,), (later, *rows.newest), value, rows.time.is_not(None)).cte(name)


def steps(field: Field, key_type: KeyType, until: Instant, dialect: Dialect, name: str) -> CTE:
    """Every value of the field up to an instant with the instant since when, one row for a key and
    an instant: of several the greatest value."""
    rows = _Rows(field, key_type, dialect)
    per = (rows.key, dialect.floored(rows.time))
    return rows.first(per, rows.newest, rows.value, not_later(rows.time, until)).cte(name)


class _Rows:
    """The rows of a field's history, with their columns as values of ours."""

    def __init__(self, field: Field, key_type: KeyType, dialect: Dialect) -> None:
        history = history_of(field)
        source = stored_table(history.table, (history.key, history.time, history.column))
        value = dialect.stored(source.c[history.column], field.type)
        self._dialect = dialect
        self.key = key_of(source.c[history.key], key_type, dialect)
        self.time = dialect.stored(source.c[history.time], TIMESTAMP)
        self.value = floored(value, field.type, dialect)
        self._sorted = sorted_value(value, field.type, dialect)

    @property
    def newest(self) -> Sequence[Expression]:
        """From the last row on; of those at one instant from the greatest value on."""
        order, dialect = self._dialect.in_order, self._dialect
        since = order(dialect.floored(self.time), descending=True)
        return (*since, *order(self._sorted, descending=True))

    def first(
        self,
        per: Sequence[Expression],
        order: Sequence[Expression],
        value: Expression,
        where: Condition,
    ) -> Select[Any]:
        """The first row of each part in that order, with key, time and value."""
        place = func.row_number().over(partition_by=per, order_by=order)
        every = select(
            self.key.label(KEY),
            self._dialect.floored(self.time).label(TIME),
            value.label(VALUE),
            place.label(_PLACE),
        ).where(self.key.is_not(None), where)
        ranked = every.subquery()
        kept = (ranked.c[column] for column in (KEY, TIME, VALUE))
        return select(*kept).where(ranked.c[_PLACE] == 1)


def history_of(field: Field) -> History:
    """Where the field's changes are; the pass `typecheck` has seen to it that it is declared."""
    if field.history is None:
        raise AssertionError(f"field {field.name} has no history")
    return field.history
