"""The tables of a source as a draft sees them: columns with the types to declare, and which column
tells the rows apart."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import distinct, func, select

from segflow.app.columns import declared_type
from segflow.app.structure import SAMPLE, UNKNOWN, traits_of
from segflow.compiler.dialects.base import Expression
from segflow.compiler.targets.values import stored_table
from segflow.model.catalog import Source
from segflow.model.types import INTEGER, STRING, ValueType
from segflow.ports import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `word` is the engine's for its type, `type` what to declare, None where nothing
    fits."""

    name: str
    word: str
    type: ValueType | None

    @property
    def may_be_key(self) -> bool:
        """Whether keys can be in it."""
        return self.type in (INTEGER, STRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table. `unique` is the column that alone tells its rows apart, None where none does;
    `sampled` where that is only what some rows show."""

    name: str
    columns: tuple[Column, ...]
    unique: Column | None = None
    sampled: bool = False


def read_table(source: Source, engine: Engine, name: str) -> Table | None:
    """A table as it is in the source, None where there is none of that name.

    Raises as Engine.rows() does.
    """
    words = engine.columns(name)
    if words is None:
        return None
    columns = tuple(
        Column(name=column, word=word, type=declared_type(source.engine, word))
        for column, word in words.items()
    )
    traits = traits_of(source, engine, name)
    for column in columns:
        if column.may_be_key and traits.get(column.name.lower(), UNKNOWN).unique:
            return Table(name=name, columns=columns, unique=column)
    for column in _likely(name, columns):
        if _is_unique(engine, name, column.name):
            return Table(name=name, columns=columns, unique=column, sampled=True)
    return Table(name=name, columns=columns)


def singular(name: str) -> str:
    """One of what a table has the name of, for English as tables are named in it."""
    if name.lower().endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.lower().endswith("s") and not name.lower().endswith("ss") else name


def _likely(table: str, columns: tuple[Column, ...]) -> Iterator[Column]:
    """The column with the name of a key of the table, if it has one."""
    keys = [column for column in columns if column.may_be_key]
    for wanted in (f"{singular(table)}_id", "id", "_id"):
        for column in keys:
            name = column.name.lower()
            if name == wanted.lower() or (wanted == "_id" and name.endswith(wanted)):
                yield column
                return


def _is_unique(engine: Engine, table: str, column: str) -> bool:
    """Whether some rows of the table have each a value of its own there."""
    value = stored_table(table, [column]).c[column]
    sample = select(value.label("value")).limit(SAMPLE).subquery("sample")
    counts: list[Expression] = [
        func.count().label("rows"),
        func.count(distinct(sample.c.value)).label("values"),
    ]
    (found,) = engine.rows(select(*counts).select_from(sample))
    return 0 < int(found["rows"]) == int(found["values"])
