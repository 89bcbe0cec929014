"""What sources say of their own tables beyond the names and types of columns: which tables there
are, what may be missing, what is unique, and how texts compare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Select,
    String,
    and_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    or_,
    select,
    table,
    true,
)

from segflow.model.catalog import Source
from segflow.ports import Engine

SAMPLE = 10_000
"""So many rows of a table are looked at by one question where a source does not say it itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """What is known of a column. `may_be_missing` is None where that is not known, as of files and
    views; `loose` where its collation takes different texts for equal."""

    may_be_missing: bool | None = None
    unique: bool = False
    loose: bool = False


UNKNOWN = Trait()
"""Of a column of which nothing is known."""


def tables_of(source: Source, engine: Engine) -> tuple[str, ...]:
    """The tables and views of a source, in order of their names, those of the server left out.

    Raises as Engine.rows() does.
    """
    if source.tables:
        return tuple(sorted(name for name, _ in source.tables))
    asking = _ASKING[source.engine]
    return tuple(sorted(str(row["name"]) for row in engine.rows(asking.tables())))


def traits_of(source: Source, engine: Engine, name: str) -> Mapping[str, Trait]:
    """What a source says of the columns of a table, by their names in lower case.

    Raises as Engine.rows() does.
    """
    if source.tables:  # files promise nothing
        return {}
    asking = _ASKING[source.engine]
    unique = {str(row["name"]).lower() for row in engine.rows(asking.unique(name))}
    return {
        str(row["name"]).lower(): Trait(
            may_be_missing=None if row["nullable"] is None else bool(row["nullable"]),
            unique=str(row["name"]).lower() in unique,
            loose=bool(row["loose"]),
        )
        for row in engine.rows(asking.columns(name))
    }


@dataclass(frozen=True, slots=True)
class _Asking:
    """The questions to one engine. `tables` gives `name`; `columns` gives `name`, `nullable` and
    `loose` for each column of a table; `unique` gives `name` for each that alone is a key of it."""

    tables: Callable[[], Select[Any]]
    columns: Callable[[str], Select[Any]]
    unique: Callable[[str], Select[Any]]


def _table(name: str, *columns: str, schema: str | None = None) -> Any:
    return table(name, *(column(one) for one in columns), schema=schema)


# --- the standard's information schema, as DuckDB and MySQL have it --------------------------

_TABLES = _table(
    "tables", "table_schema", "table_name", "table_type", schema="information_schema"
).alias("t")
_COLUMNS = _table(
    "columns",
    "table_schema",
    "table_name",
    "column_name",
    "is_nullable",
    "collation_name",
    schema="information_schema",
).alias("c")
_SAME_TABLE = and_(
    _COLUMNS.c.table_schema == _TABLES.c.table_schema,
    _COLUMNS.c.table_name == _TABLES.c.table_name,
)
_NULLABLE = case((_TABLES.c.table_type == "BASE TABLE", _COLUMNS.c.is_nullable == "YES"))


# --- DuckDB ----------------------------------------------------------------------------------


def _duckdb_tables() -> Select[Any]:
    return select(_TABLES.c.table_name.label("name")).distinct()


def _duckdb_columns(name: str) -> Select[Any]:
    """A view that is put before a table whose times are finer than ours has its name."""
    return (
        select(
            _COLUMNS.c.column_name.label("name"),
            _NULLABLE.label("nullable"),
            literal(value=False).label("loose"),
        )
        .select_from(_COLUMNS.join(_TABLES, _SAME_TABLE))
        .where(func.lower(_TABLES.c.table_name) == name.lower())
        .order_by(_TABLES.c.table_type.desc())  # what a base table says comes last, and counts
    )


def _duckdb_unique(name: str) -> Select[Any]:
    of = func.duckdb_constraints().table_valued(
        "table_name", "constraint_type", "constraint_column_names"
    )
    names = of.c.constraint_column_names
    return select(func.list_extract(names, 1).label("name")).where(
        func.lower(of.c.table_name) == name.lower(),
        of.c.constraint_type.in_(("PRIMARY KEY", "UNIQUE")),
        func.len(names) == 1,
    )


# --- SQLite ----------------------------------------------------------------------------------


def _sqlite_tables() -> Select[Any]:
    schema = _table("sqlite_master", "name", "type")
    return select(schema.c.name).where(
        schema.c.type.in_(("table", "view")), schema.c.name.not_like("sqlite!_%", escape="!")
    )


def _sqlite_columns(name: str) -> Select[Any]:
    """Every column but an INTEGER PRIMARY KEY may be missing unless it is NOT NULL."""
    schema = _table("sqlite_master", "name", "type")
    of = func.pragma_table_xinfo(name).table_valued("name", "type", "notnull", "pk")
    is_rowid = and_(of.c.pk == 1, func.upper(of.c.type) == "INTEGER")
    is_table = (
        select(schema.c.name)
        .where(schema.c.type == "table", func.lower(schema.c.name) == name.lower())
        .exists()
    )
    nullable = case((is_table, and_(of.c.notnull == 0, ~is_rowid)))
    return select(of.c.name, nullable.label("nullable"), literal(0).label("loose"))


def _sqlite_unique(name: str) -> Select[Any]:
    """An INTEGER PRIMARY KEY has no index."""
    columns = func.pragma_table_xinfo(name).table_valued("name", "pk")
    keys = select(func.min(columns.c.name).label("name")).where(columns.c.pk > 0)
    index = func.pragma_index_list(name).table_valued("name", "unique", "partial")
    parts = func.pragma_index_info(index.c.name).table_valued("name")
    indexed = (
        select(func.min(parts.c.name).label("name"))
        .select_from(index.join(parts, true()))
        .where(index.c.unique == 1, index.c.partial == 0)
        .group_by(index.c.name)
        .having(func.count() == 1)
    )
    found = keys.having(func.count() == 1).union(indexed).subquery("found")
    return select(found.c.name)


# --- PostgreSQL ------------------------------------------------------------------------------

_CLASS = _table(
    "pg_class", "oid", "relname", "relnamespace", "relkind", "relispartition", schema="pg_catalog"
).alias("c")
_ATTRIBUTE = _table(
    "pg_attribute",
    "attrelid",
    "attname",
    "attnum",
    "attnotnull",
    "attisdropped",
    "attcollation",
    "atttypid",
    "atttypmod",
    schema="pg_catalog",
).alias("a")


def _postgres_tables() -> Select[Any]:
    space = _table("pg_namespace", "oid", "nspname", schema="pg_catalog").alias("n")
    return (
        select(_CLASS.c.relname.label("name"))
        .select_from(_CLASS.join(space, space.c.oid == _CLASS.c.relnamespace))
        .where(
            cast(_CLASS.c.relkind, String).in_(("r", "p", "v", "m", "f")),
            ~_CLASS.c.relispartition,
            func.pg_table_is_visible(_CLASS.c.oid),
            space.c.nspname != "information_schema",
            space.c.nspname.not_like("pg!_%", escape="!"),
        )
    )


def _found(name: str) -> Any:
    return func.to_regclass(func.quote_ident(name))


def _postgres_columns(name: str) -> Select[Any]:
    """Of a view nobody knows what may be missing. Texts of two types compare loosely whatever
    their collation: `citext`, and `character(n)`, which is filled up with spaces."""
    kinds = _table("pg_collation", "oid", "collisdeterministic", schema="pg_catalog").alias("k")
    word = func.format_type(_ATTRIBUTE.c.atttypid, _ATTRIBUTE.c.atttypmod)
    exact = func.coalesce(kinds.c.collisdeterministic, literal(value=True))
    is_table = cast(_CLASS.c.relkind, String).in_(("r", "p"))
    return (
        select(
            _ATTRIBUTE.c.attname.label("name"),
            case((is_table, ~_ATTRIBUTE.c.attnotnull)).label("nullable"),
            or_(~exact, word == "citext", word.like("character(%")).label("loose"),
        )
        .select_from(
            _ATTRIBUTE.join(_CLASS, _CLASS.c.oid == _ATTRIBUTE.c.attrelid).outerjoin(
                kinds, kinds.c.oid == _ATTRIBUTE.c.attcollation
            )
        )
        .where(
            _ATTRIBUTE.c.attrelid == _found(name),
            _ATTRIBUTE.c.attnum > 0,
            ~_ATTRIBUTE.c.attisdropped,
        )
    )


def _postgres_unique(name: str) -> Select[Any]:
    index = _table(
        "pg_index",
        "indrelid",
        "indisunique",
        "indnkeyatts",
        "indkey",
        "indpred",
        schema="pg_catalog",
    ).alias("i")
    return (
        select(_ATTRIBUTE.c.attname.label("name"))
        .select_from(
            index.join(
                _ATTRIBUTE,
                and_(
                    _ATTRIBUTE.c.attrelid == index.c.indrelid,
                    cast(_ATTRIBUTE.c.attnum, String)
                    == func.split_part(cast(index.c.indkey, String), " ", 1),
                ),
            )
        )
        .where(
            index.c.indrelid == _found(name),
            index.c.indisunique,
            index.c.indnkeyatts == 1,
            index.c.indpred.is_(None),
        )
    )


# --- MySQL and MariaDB -----------------------------------------------------------------------


def _mysql_tables() -> Select[Any]:
    return select(_TABLES.c.table_name.label("name")).where(
        _TABLES.c.table_schema == func.database(),
        _TABLES.c.table_type.in_(("BASE TABLE", "VIEW")),
    )


def _mysql_columns(name: str) -> Select[Any]:
    """Collations there ignore case or accents, or spaces at the end, unless they are named binary
    and without padding."""
    collation = _COLUMNS.c.collation_name
    unpadded = or_(
        collation.like("%nopad%"), collation.like("%!_0900!_%", escape="!"), collation == "binary"
    )
    exact = and_(unpadded, or_(collation.like("%!_bin", escape="!"), collation == "binary"))
    return (
        select(
            _COLUMNS.c.column_name.label("name"),
            _NULLABLE.label("nullable"),
            and_(collation.is_not(None), ~exact).label("loose"),
        )
        .select_from(_COLUMNS.join(_TABLES, _SAME_TABLE))
        .where(_TABLES.c.table_schema == func.database(), _TABLES.c.table_name == name)
    )


def _mysql_unique(name: str) -> Select[Any]:
    of = _table(
        "statistics",
        "table_schema",
        "table_name",
        "index_name",
        "non_unique",
        "column_name",
        schema="information_schema",
    )
    return (
        select(func.min(of.c.column_name).label("name"))
        .where(of.c.table_schema == func.database(), of.c.table_name == name, of.c.non_unique == 0)
        .group_by(of.c.index_name)
        .having(func.count() == 1)
    )


# --- ClickHouse ------------------------------------------------------------------------------


def _clickhouse_tables() -> Select[Any]:
    """Without those in which views keep what they gather."""
    of = _table("tables", "database", "name", "is_temporary", schema="system")
    return select(of.c.name).where(
        of.c.database == func.currentDatabase(),
        of.c.is_temporary == 0,
        ~func.startsWith(of.c.name, ".inner"),
    )


def _clickhouse_columns(name: str) -> Select[Any]:
    """The type says what may be missing, also of views; texts compare by their bytes."""
    of = _table("columns", "database", "table", "name", "type", schema="system")
    word = of.c.type
    nullable = or_(word.like("Nullable(%"), word.like("LowCardinality(Nullable(%"))
    is_any = or_(word.like("Variant(%"), word.like("Dynamic%"))
    return select(
        of.c.name, case((~is_any, nullable)).label("nullable"), literal(value=False).label("loose")
    ).where(of.c.database == func.currentDatabase(), of.c.table == name)


def _clickhouse_unique(name: str) -> Select[Any]:
    """No table there keeps a key from repeating: of these names there are none."""
    of = _table("columns", "name", schema="system")
    return select(of.c.name).where(false())


_ASKING: Mapping[str, _Asking] = {
    "duckdb": _Asking(_duckdb_tables, _duckdb_columns, _duckdb_unique),
    "sqlite": _Asking(_sqlite_tables, _sqlite_columns, _sqlite_unique),
    "postgres": _Asking(_postgres_tables, _postgres_columns, _postgres_unique),
    "mysql": _Asking(_mysql_tables, _mysql_columns, _mysql_unique),
    "clickhouse": _Asking(_clickhouse_tables, _clickhouse_columns, _clickhouse_unique),
}
