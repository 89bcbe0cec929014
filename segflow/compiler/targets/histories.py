"""Histories of fields in SQL: what a value was at an instant, and how it went."""

from sqlalchemy import CTE, FromClause, TableClause, case, func, select

from segflow.compiler.dialects.base import Dialect, Expression
from segflow.compiler.targets.events import KEY, TIME
from segflow.compiler.targets.values import not_later, stored_table
from segflow.model.catalog import Field, History
from segflow.model.instant import Instant
from segflow.model.types import TIMESTAMP

VALUE = "value"
_PLACE = "place"


def value_then(field: Field, at: Instant, dialect: Dialect, name: str) -> CTE:
    """One row for each key that the history knows at all, with the value at the instant, missing
    where its first row is later."""
    source, key, time, value = _columns(field, dialect)
    newest = [
        *dialect.in_order(dialect.floored(time), descending=True),
        *dialect.in_order(value, descending=True),
    ]
    known = not_later(time, at)
    # Rows after the instant are kept, last, so that their keys are known to have a history.
    order = [case((known, 0), else_=1), *newest]
    place = func.row_number().over(partition_by=key, order_by=order)
    then = case((known, value))
    rows = select(key.label(KEY), then.label(VALUE), place.label(_PLACE)).select_from(source)
    every = rows.where(key.is_not(None), time.is_not(None)).subquery()
    return select(every.c[KEY], every.c[VALUE]).where(every.c[_PLACE] == 1).cte(name)


def steps(field: Field, until: Instant, dialect: Dialect, name: str) -> CTE:
    """Every value of the field up to an instant with the instant since when, one row for a key and
    an instant: of several the greatest value."""
    source, key, time, value = _columns(field, dialect)
    since = dialect.floored(time)
    greatest = dialect.in_order(value, descending=True)
    place = func.row_number().over(partition_by=(key, since), order_by=greatest)
    rows = select(
        key.label(KEY), since.label(TIME), value.label(VALUE), place.label(_PLACE)
    ).select_from(source)
    every = rows.where(key.is_not(None), not_later(time, until)).subquery()
    kept = select(every.c[KEY], every.c[TIME], every.c[VALUE]).where(every.c[_PLACE] == 1)
    return kept.cte(name)


def _columns(
    field: Field, dialect: Dialect
) -> tuple[FromClause, Expression, Expression, Expression]:
    history = history_of(field)
    source: TableClause = stored_table(history.table, (history.key, history.time, history.column))
    value = dialect.stored(source.c[history.column], field.type)
    if field.type == TIMESTAMP:
        value = dialect.floored(value)
    time = dialect.stored(source.c[history.time], TIMESTAMP)
    return source, dialect.whole(source.c[history.key]), time, value


def history_of(field: Field) -> History:
    """Where the field's changes are; the pass `typecheck` has seen to it that it is declared."""
    if field.history is None:
        raise AssertionError(f"field {field.name} has no history")
    return field.history
