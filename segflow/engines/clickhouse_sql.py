"""SQLAlchemy Core in the words of ClickHouse, with parameters that are bound by ClickHouse itself.

Each parameter stands in the text as {name:Type}, so that ClickHouse reads its value as that type;
a list of values is one parameter, an array.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, types
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql import Select
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer, SQLCompiler
from sqlalchemy.types import TypeEngine

Parameters = Mapping[str, str | list[str] | list[int] | None]
"""The values by name: as texts that ClickHouse reads as their types; those of arrays one by one."""

_SIGNED = range(-(2**63), 2**63)
_UNSIGNED = range(2**64)
_DIGITS = 76
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query and what is bound in it."""

    text: str
    parameters: Parameters


def query_of(statement: Select[Any]) -> Query:
    """The statement as ClickHouse is asked for it."""
    compiled = statement.compile(dialect=CLICKHOUSE_SQL)
    assert isinstance(compiled, _Compiler)
    values = compiled.construct_params()
    bound = {place: _written(values[name]) for name, place in compiled.places.items()}
    return Query(text=str(compiled), parameters=bound)


def rendered(statement: Select[Any]) -> str:
    """The statement for a person to read, with its values in their places."""
    return str(statement.compile(dialect=CLICKHOUSE_SQL, compile_kwargs={"literal_binds": True}))


def escaped(value: str | list[str] | list[int] | None) -> str:
    """A value of Parameters as the text that ClickHouse takes for it."""
    match value:
        case None:
            return "\\N"
        case str():
            return value.translate(_ESCAPES)
        case _:
            return f"[{','.join(map(_element, value))}]"


def _element(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    quoted = value.translate(_ESCAPES).replace("'", "\\'")
    return f"'{quoted}'"


def _written(value: Any) -> str | list[str] | list[int] | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            moment = value.astimezone(UTC) if value.tzinfo else value
            return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case list() | tuple():
            return _each(value)
        case _:
            return str(value)


def _each(values: Sequence[Any]) -> list[str] | list[int]:
    if all(isinstance(one, int) for one in values):
        return list(values)
    return [str(_written(one)) for one in values]


class _Types(GenericTypeCompiler):
    """The names of types. Casts keep a missing value missing, by a setting of the session."""

    def visit_BIGINT(self, type_: Any, **kw: Any) -> str:
        return "Int64"

    visit_INTEGER = visit_BIGINT

    def visit_DOUBLE(self, type_: Any, **kw: Any) -> str:
        return "Float64"

    visit_FLOAT = visit_DOUBLE

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:
        return f"Decimal({type_.precision or _DIGITS}, {type_.scale or 0})"

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return "String"

    def visit_BOOLEAN(self, type_: Any, **kw: Any) -> str:
        return "Bool"

    def visit_DATE(self, type_: Any, **kw: Any) -> str:
        return "Date32"

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:
        return "DateTime64(6, 'UTC')"

    def visit_ARRAY(self, type_: Any, **kw: Any) -> str:
        return f"Array({self.process(type_.item_type, **kw)})"


class _Names(IdentifierPreparer):
    """Every name is quoted: a keyword may be one, and letters count."""

    def _requires_quotes(self, value: str) -> bool:
        return True

    def _escape_identifier(self, value: str) -> str:
        return str(value).replace("\\", "\\\\").replace('"', '\\"')


class _Compiler(SQLCompiler):
    """`places` are the names of parameters by what SQLAlchemy calls them."""

    places: dict[str, str]

    def __init__(self, *given: Any, **more: Any) -> None:
        self.places = {}
        super().__init__(*given, **more)

    def bindparam_string(self, name: str, *given: Any, **more: Any) -> str:
        place = self.places.setdefault(name, f"p{len(self.places) + 1}")
        return f"{{{place}:{self._type_of(self.binds[name])}}}"

    def _type_of(self, bound: BindParameter[Any]) -> str:
        value, type_ = bound.value, bound.type
        if bound.expanding:
            return f"Array({self._named(type_, max(value or (), default=None, key=_width))})"
        named = self._named(type_, value)
        return f"Nullable({named})" if value is None else named

    def _named(self, type_: TypeEngine[Any], value: Any) -> str:
        match value:
            case bool():
                return "Bool"
            case int() if not isinstance(type_, types.Numeric) and value not in _SIGNED:
                return "UInt64" if value in _UNSIGNED else "Int256"
            case int() | str() if isinstance(type_, types.NullType):
                return "Int64" if isinstance(value, int) else "String"
            case Decimal() if not isinstance(type_, types.Numeric) or type_.precision is None:
                return f"Decimal({_DIGITS}, {max(0, -int(value.as_tuple().exponent))})"
        return self.dialect.type_compiler_instance.process(type_)

    # --- what has another name, or another meaning ---

    def visit_count_func(self, called: Any, bare: bool = False, **kw: Any) -> str:
        """Counts have no sign there, and no type in common with numbers that have one."""
        written = f"count{self.function_argspec(called, **kw)}"
        return written if bare else f"toInt64({written})"

    def visit_funcfilter(self, funcfilter: Any, **kw: Any) -> str:
        bare = kw.pop("bare", False)
        written = super().visit_funcfilter(funcfilter, bare=True, **kw)  # type: ignore[no-untyped-call]
        return f"toInt64({written})" if _counts(funcfilter.func) and not bare else written

    def visit_over(self, over: Any, **kw: Any) -> str:
        written = super().visit_over(over, bare=True, **kw)  # type: ignore[no-untyped-call]
        return f"toInt64({written})" if _counts(over.element) else written

    def visit_lag_func(self, called: Any, **kw: Any) -> str:
        """What has nobody before it has the default of its type, unless it may be missing."""
        (value,) = called.clauses
        return f"lag(toNullable({self.process(value, **kw)}))"

    def visit_bit_or_func(self, called: Any, **kw: Any) -> str:
        return f"groupBitOr{self.function_argspec(called, **kw)}"

    def visit_xor_func(self, called: Any, **kw: Any) -> str:
        """Else it is that of conditions."""
        return f"bitXor{self.function_argspec(called, **kw)}"

    def render_literal_value(self, value: Any, type_: TypeEngine[Any]) -> str:
        match _written(value):
            case None:
                return "NULL"
            case str(text) if isinstance(value, datetime):
                return f"toDateTime64('{text}', 6, 'UTC')"
            case str(text) if isinstance(value, str | date):
                return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
            case str(text) if isinstance(value, Decimal):
                return f"'{text}'"
            case list(several):
                return f"[{', '.join(map(_element, several))}]"
            case written:
                return str(written)


def _counts(called: Any) -> bool:
    return getattr(called, "name", "") in ("count", "row_number")


def _width(value: Any) -> int:
    return abs(value) if isinstance(value, int) else 0


class ClickHouseSql(DefaultDialect):
    """The dialect of SQLAlchemy. It writes statements and connects to nothing."""

    name = "clickhouse"
    statement_compiler = _Compiler
    type_compiler_cls = _Types
    preparer = _Names
    supports_statement_cache = False
    supports_native_boolean = True
    supports_native_decimal = True
    default_paramstyle = "named"


CLICKHOUSE_SQL = ClickHouseSql()


def value_of(value: Any, type_: TypeEngine[Any]) -> Any:
    """A value of a column of that type, as Arrow gives it, as the plain value that it is."""
    if value is None:
        return None
    if isinstance(type_, types.TypeDecorator):
        return type_.process_result_value(value, CLICKHOUSE_SQL)
    return bool(value) if isinstance(type_, types.Boolean) else value


def columns_of(statement: Select[Any]) -> Sequence[TypeEngine[Any]]:
    """The types of the columns that a statement gives."""
    return [column.type for column in statement.selected_columns]
