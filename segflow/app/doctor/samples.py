"""What is read of a table to judge its rows: never more than SAMPLE of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, TableClause, func, select

from segflow.app.doctor.subject import columns_of
from segflow.app.structure import SAMPLE
from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.targets.events import is_of_event
from segflow.compiler.targets.values import stored_table
from segflow.model.catalog import Event


def rows_of(event: Event) -> TableClause:
    """The table of an event, with its columns_of()."""
    return stored_table(event.at.table, columns_of(event))


def some(
    event: Event, table: TableClause, values: Sequence[Expression], dialect: Dialect
) -> Select[Any]:
    """Values of rows of the event, of whichever the source gives first."""
    return select(*values).where(*is_of_event(event, table, dialect)).limit(SAMPLE)


def newest(
    event: Event, table: TableClause, values: Sequence[Expression], dialect: Dialect
) -> Select[Any]:
    """Values of the newest rows of the event. An index on the time serves."""
    time = table.c[event.at.time]
    found = some(event, table, values, dialect)
    return found.where(time.is_not(None)).order_by(time.desc())


def highest(
    table: TableClause, column: str, value: Expression, *, among: Sequence[Condition] = ()
) -> Select[Any]:
    """The values, as `key`, of the rows with the greatest ones in a column, so that equal ones are
    together. An index on the column serves."""
    stored = table.c[column]
    found = select(value.label("key")).where(stored.is_not(None), *among)
    return found.order_by(stored.desc()).limit(SAMPLE)


def without(sample: Select[Any], columns: Sequence[str]) -> Select[Any]:
    """How many rows the sample has (`rows`), and in how many each of its columns is missing, by the
    columns' places: `missing_0` and so on."""
    rows = sample.subquery("sample")
    missing = (
        (func.count() - func.count(rows.c[name])).label(f"missing_{place}")
        for place, name in enumerate(columns)
    )
    counts: list[Expression] = [func.count().label("rows"), *missing]
    return select(*counts)
