"""SQLAlchemy Core in the words of Spark, with parameters that are bound by Spark itself.

Each parameter is bound as a text and stands in the query as CAST(:p1 AS TYPE), which Spark works
out once: of values of Python it would choose the types itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import TryCast, types
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import Select
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer, SQLCompiler
from sqlalchemy.types import TypeEngine

from segflow.engines.parameters import SIGNED, type_of, written

_DIGITS = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query and the texts that are bound in it."""

    text: str
    parameters: Mapping[str, str]


def query_of(statement: Select[Any]) -> Query:
    """The statement as Spark is asked for it."""
    compiled = statement.compile(dialect=SPARK_SQL)
    assert isinstance(compiled, _Compiler)
    return Query(text=str(compiled), parameters=compiled.bound)


def rendered(statement: Select[Any]) -> str:
    """The statement for a person to read, with its values in their places."""
    return str(statement.compile(dialect=SPARK_SQL, compile_kwargs={"literal_binds": True}))


def quoted(name: str) -> str:
    """A name as it stands in a query."""
    return "`" + name.replace("`", "``") + "`"


class _Types(GenericTypeCompiler):
    """The names of types."""

    def visit_BIGINT(self, type_: Any, **kw: Any) -> str:
        return "BIGINT"

    visit_INTEGER = visit_BIGINT

    def visit_DOUBLE(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"

    visit_FLOAT = visit_DOUBLE

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:
        return f"DECIMAL({type_.precision or _DIGITS}, {type_.scale or 0})"

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return "STRING"

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:
        return "TIMESTAMP"

    def visit_ARRAY(self, type_: Any, **kw: Any) -> str:
        return f"ARRAY<{self.process(type_.item_type, **kw)}>"


class _Names(IdentifierPreparer):
    """Every name is quoted: a keyword may be one, and a name may have any letters."""

    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect, initial_quote="`", escape_quote="`")

    def _requires_quotes(self, value: str) -> bool:
        return True

    def _escape_identifier(self, value: str) -> str:
        return str(value).replace("`", "``")


class _Compiler(SQLCompiler):
    """`bound` are the texts of parameters by their names."""

    bound: dict[str, str]
    _places: dict[str, str]

    def __init__(self, *given: Any, **more: Any) -> None:
        self.bound = {}
        self._places = {}
        super().__init__(*given, **more)

    def bindparam_string(self, name: str, *given: Any, **more: Any) -> str:
        if name not in self._places:
            parameter = self.binds[name]
            several: Sequence[Any] = (
                list(parameter.value or ()) if parameter.expanding else [parameter.value]
            )
            places = ", ".join(self._bound(one, parameter.type) for one in several)
            self._places[name] = places or "SELECT NULL WHERE FALSE"
        return self._places[name]

    def _bound(self, value: Any, of: TypeEngine[Any]) -> str:
        type_ = self._type_of(value, of)
        if value is None:
            return f"CAST(NULL AS {type_})"
        place = f"p{len(self.bound) + 1}"
        self.bound[place] = written(value)
        return f":{place}" if type_ == "STRING" else f"CAST(:{place} AS {type_})"

    def _type_of(self, value: Any, of: TypeEngine[Any]) -> str:
        is_exact = isinstance(of, types.Numeric)
        if isinstance(value, int) and value not in SIGNED and not is_exact:
            of = types.Numeric(_DIGITS, 0)
        return self.dialect.type_compiler_instance.process(type_of(value, of, _DIGITS))

    # --- what has another name, or another meaning ---

    def limit_clause(self, select: Any, **kw: Any) -> str:
        """A limit is a number of 32 bits, which no cast gives."""
        return f"\n LIMIT {int(select._limit)}"

    def visit_frame_clause(self, frameclause: Any, **kw: Any) -> str:
        """Likewise."""
        kw["literal_binds"] = True
        frame: str = super().visit_frame_clause(frameclause, **kw)  # type: ignore[no-untyped-call]
        return frame

    def render_literal_value(self, value: Any, type_: TypeEngine[Any]) -> str:
        if value is None:
            return "NULL"
        text = written(value)
        if isinstance(value, str | date):
            return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
        return text


class SparkSql(DefaultDialect):
    """The dialect of SQLAlchemy. It writes statements and connects to nothing."""

    name = "spark"
    statement_compiler = _Compiler
    type_compiler_cls = _Types
    preparer = _Names  # type: ignore[assignment]
    supports_statement_cache = False
    supports_native_boolean = True
    supports_native_decimal = True
    div_is_floordiv = False
    default_paramstyle = "named"


SPARK_SQL = SparkSql()


@compiles(TryCast, SparkSql.name)
def _try_cast(element: TryCast[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"TRY_{compiler.visit_cast(element, **kw)}"  # type: ignore[no-untyped-call]
