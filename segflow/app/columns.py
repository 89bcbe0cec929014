"""Whether a column can hold what the catalog says is in it, by the engine's word for its type."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from segflow.compiler.targets.elastic_mapping import mapped_as
from segflow.model.types import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    STRING,
    TIMESTAMP,
    ValueType,
    decimal_type,
)

_Family = tuple[str | None, int]
"""The family of a column type, and the scale of a decimal one; None for one that is not known."""

_ACCEPTED: Mapping[str, frozenset[str]] = {
    "string": frozenset({"text", "whole", "small"}),
    "integer": frozenset({"whole", "small"}),
    "decimal": frozenset({"whole", "small", "decimal", "float"}),
    "float": frozenset({"whole", "small", "decimal", "float"}),
    "boolean": frozenset({"boolean", "small"}),
    "date": frozenset({"date"}),
    "timestamp": frozenset({"timestamp", "date"}),
    "version": frozenset({"text", "whole", "small"}),
    "list": frozenset({"text"}),
}
"""Families of column types that hold values of a declared type, none of them rounded or cut; where
there are no arrays, lists are JSON."""

_WITH_ARRAYS = ("duckdb", "postgres", "clickhouse")

_ACCEPTED_IN_SQLITE: Mapping[str, frozenset[str]] = {
    "string": frozenset({"text", "whole"}),
    "integer": frozenset({"whole", "numeric"}),
    "decimal": frozenset({"whole", "text"}),
    "float": frozenset({"whole", "float", "numeric"}),
    "boolean": frozenset({"whole", "numeric"}),
    "date": frozenset({"text", "numeric"}),
    "timestamp": frozenset({"text", "whole", "numeric"}),
    "version": frozenset({"text", "whole"}),
    "list": frozenset({"text"}),
}
"""Of what a column does to values that are put into it: one of numbers turns the text of a decimal
into a double, which is no longer that decimal, and leaves the text of a date alone."""


def fits(engine: str, word: str, declared: ValueType) -> bool:
    """Whether every value of a column of that type is one of the declared type.

    A type that is not known here fits: the engine judges it when it reads; of Elasticsearch all are
    known. Decimals may be stored as doubles, which stand for the nearest decimal of the declared
    scale, but not in SQLite.
    """
    if engine == "elasticsearch":
        return word in mapped_as(declared)
    family, scale = _FAMILIES[engine](word)
    if declared.is_list and engine in _WITH_ARRAYS:
        return family is None or (
            family == "array" and fits(engine, _element(word), declared.element)
        )
    if family is None:
        return True
    if family == "decimal" and declared.name in ("decimal", "integer"):
        return scale <= (declared.scale or 0)
    accepted = _ACCEPTED_IN_SQLITE if engine == "sqlite" else _ACCEPTED
    return family in accepted["list" if declared.is_list else declared.name]


def _element(array: str) -> str:
    """The type of the elements: of Array(Int64), or of bigint[]."""
    return array[len("Array(") : -1] if array.startswith("Array(") else array[: array.rindex("[")]


def holds_doubles(engine: str, word: str) -> bool:
    """Whether a column of that type holds doubles or narrower floats."""
    return _FAMILIES[engine](word)[0] == "float"


def declared_type(engine: str, word: str) -> ValueType | None:
    """The type to declare for a column of that type, so that it fits; None where there is none, or
    where the type leaves open how many digits there are."""
    family, scale = _FAMILIES[engine](word)
    if family == "array":
        element = declared_type(engine, _element(word))
        listed = element in (STRING, INTEGER)
        return replace(element, is_list=True) if element is not None and listed else None
    if family == "decimal":
        digits = int(re.search(r"\d+", word)[0])  # type: ignore[index]  # the family has read them
        return decimal_type(digits, scale) if scale <= digits <= _MOST_DIGITS else None
    if family == "small":  # of MySQL's kind
        return BOOLEAN if word == "tinyint(1)" else INTEGER
    if engine == "sqlite" and family in ("numeric", "text"):
        return _declared_in_sqlite(word.upper(), family)
    return _DECLARED.get(family or "")


def _declared_in_sqlite(word: str, family: str) -> ValueType:
    """What the names of types say that are nothing to SQLite itself."""
    if "TIME" in word:
        return TIMESTAMP
    if "DATE" in word:
        return DATE
    if "BOOL" in word:
        return BOOLEAN
    return STRING if family == "text" else FLOAT


_MOST_DIGITS = 38

_DECLARED: Mapping[str, ValueType] = {
    "text": STRING,
    "whole": INTEGER,
    "float": FLOAT,
    "boolean": BOOLEAN,
    "date": DATE,
    "timestamp": TIMESTAMP,
}


def holds_json(engine: str, word: str) -> bool:
    """Whether a column of that type may hold JSON: as text, or as what has parts. Of documents it
    is nested ones."""
    if engine == "elasticsearch":
        return word == "nested"
    return _FAMILIES[engine](word)[0] in (None, "text", "array")


def orders_rows(engine: str, word: str) -> bool:
    """Whether the values of a column of that type have one order everywhere, so that they can say
    which of two rows is newer. Floats have none, and text none that does not hang on a collation;
    but in SQLite instants are texts."""
    if engine == "elasticsearch":
        return word in (*mapped_as(INTEGER), *mapped_as(TIMESTAMP))
    family, _ = _FAMILIES[engine](word)
    if engine == "sqlite":
        return family in (None, "whole", "text", "numeric")
    return family in (None, "whole", "small", "decimal", "timestamp", "date")


# --- DuckDB ----------------------------------------------------------------------------------

_WHOLE = {
    f"{sign}{size}"
    for sign in ("", "U")
    for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}
_TEXTS = {"VARCHAR", "UUID", "JSON"}
_DECIMAL = re.compile(r"(?:DECIMAL|decimal|numeric)\((\d+),(\d+)\)\Z")


def _of_duckdb(word: str) -> _Family:
    if decimal := _DECIMAL.match(word):
        return "decimal", int(decimal[2])
    if word.endswith("]"):
        return "array", 0
    if word in _WHOLE:
        return "whole", 0
    if word in _TEXTS or word.startswith("ENUM("):
        return "text", 0
    if word in ("FLOAT", "DOUBLE"):
        return "float", 0
    if word.startswith("TIMESTAMP"):
        return "timestamp", 0
    return {"BOOLEAN": "boolean", "DATE": "date"}.get(word), 0


# --- SQLite ----------------------------------------------------------------------------------


def _of_sqlite(word: str) -> _Family:
    """By the rules of https://www.sqlite.org/datatype3.html#determination_of_column_affinity."""
    upper = word.upper()
    if "INT" in upper:
        return "whole", 0
    if any(part in upper for part in ("CHAR", "CLOB", "TEXT")):
        return "text", 0
    if upper in ("", "ANY") or "BLOB" in upper:
        return None, 0
    if any(part in upper for part in ("REAL", "FLOA", "DOUB")):
        return "float", 0
    return "numeric", 0


# --- PostgreSQL ------------------------------------------------------------------------------

_POSTGRES = {
    "smallint": "whole",
    "integer": "whole",
    "bigint": "whole",
    "real": "float",
    "double precision": "float",
    "text": "text",
    "uuid": "text",
    "citext": "text",
    "name": "text",
    "boolean": "boolean",
    "date": "date",
}


def _of_postgres(word: str) -> _Family:
    if decimal := _DECIMAL.match(word):
        return "decimal", int(decimal[2])
    if word.endswith("]"):
        return "array", 0
    if word.startswith("timestamp"):
        return "timestamp", 0
    if word.startswith("character"):
        return "text", 0
    return _POSTGRES.get(word), 0


# --- MySQL and MariaDB -----------------------------------------------------------------------

_MYSQL = {
    "smallint": "whole",
    "mediumint": "whole",
    "int": "whole",
    "bigint": "whole",
    "year": "whole",
    "float": "float",
    "double": "float",
    "varchar": "text",
    "char": "text",
    "tinytext": "text",
    "text": "text",
    "mediumtext": "text",
    "longtext": "text",
    "enum": "text",
    "uuid": "text",
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
}


def _of_mysql(word: str) -> _Family:
    """A boolean there is a small integer, or a bit."""
    if decimal := _DECIMAL.match(word.removesuffix(" unsigned")):
        return "decimal", int(decimal[2])
    name = re.split(r"[ (]", word, maxsplit=1)[0]
    if name == "tinyint":
        return "small", 0
    return ("boolean" if word == "bit(1)" else _MYSQL.get(name)), 0


# --- ClickHouse ------------------------------------------------------------------------------

_CLICKHOUSE = {
    "String": "text",
    "UUID": "text",
    "JSON": "text",
    "Float32": "float",
    "Float64": "float",
    "Bool": "boolean",
    "Date": "date",
    "Date32": "date",
}
_AROUND = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)\Z")


def _of_clickhouse(word: str) -> _Family:
    """A boolean there may be a small integer."""
    if around := _AROUND.match(word):
        return _of_clickhouse(around[1])
    if decimal := re.match(r"Decimal\((\d+), (\d+)\)\Z", word):
        return "decimal", int(decimal[2])
    if word.startswith("Array("):
        return "array", 0
    if word.startswith("DateTime"):
        return "timestamp", 0
    if word.startswith(("FixedString(", "Enum")):
        return "text", 0
    if word == "UInt8":
        return "small", 0
    whole = re.match(r"U?Int\d+\Z", word)
    return ("whole" if whole else _CLICKHOUSE.get(word)), 0


_FAMILIES: Mapping[str, Callable[[str], _Family]] = {
    "duckdb": _of_duckdb,
    "sqlite": _of_sqlite,
    "postgres": _of_postgres,
    "mysql": _of_mysql,
    "clickhouse": _of_clickhouse,
}
