"""PostgreSQL's part of StorageDialect. Lists are arrays, nodes of JSON are of its type json, which
keeps numbers as they are written. Text that is no JSON at all is an error here: PostgreSQL has no
cast that may fail."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Date,
    Double,
    Integer,
    Numeric,
    String,
    Text,
    and_,
    case,
    cast,
    collate,
    column,
    distinct,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.types import TypeEngine

from segflow.compiler import versions
from segflow.compiler.cells import DATE, LONGEST_NUMBER, TIMESTAMP_TEXT, WHOLE_FLOATS
from segflow.compiler.dialects.base import UTC_TIMESTAMP
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.model.types import INTEGER, ValueType

_TYPES: dict[str, TypeEngine[Any]] = {"string": Text(), "integer": BigInteger()}
_INT64 = (Decimal(-(2**63)), Decimal(2**63 - 1))
# What is as large, or as small, is no double but zero, or nearer to none than to one.
_NO_DOUBLE = Decimal(2**1024 - 2**970)
_NOTHING = Decimal(f"{5**1075}e-1075")
_WHOLE = "^-?[0-9]+$"
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_EXTREME = "[eE][+-]?0*[1-9][0-9]{4,}$"
_ZERO = r"^-?[0.]+[eE]|[eE]-"


class PostgresStorage:
    """See StorageDialect."""

    def version(self, text: Expression) -> Expression:
        """See StorageDialect."""
        made: Expression = func.regexp_replace(text, versions.ZEROS_AT_END, "")
        for pattern, replacement in versions.PADDING:
            made = func.regexp_replace(made, pattern, replacement, "g", type_=String)
        return case((_matches(text, f"^({versions.VERSION})$"), collate(made, "C")))

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        pattern = _WHOLE if type_ == INTEGER else _NUMBER
        written = and_(func.length(text) <= LONGEST_NUMBER, _matches(text, pattern))
        return case((written, _within(cast(text, Numeric()), type_)))

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """See StorageDialect."""
        one = cast(literal(Decimal(1).scaleb(-digits), Numeric()), Numeric())
        return _within(cast(units, Numeric()) * one, type_)

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """See StorageDialect."""
        node: Expression = cast(cast(column, String), JSON())
        for part in path:
            node = _step(node, part)
        return node

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        kind = func.json_typeof(node, type_=String)
        text = node.op("#>>", return_type=String())(cast([], ARRAY(Text)))
        if type_.is_number:
            return case((kind == "number", _json_number(text, type_)))
        if type_.name == "boolean":
            return case((kind == "boolean", cast(text, Boolean)))
        return case((kind == "string", self._of_text(text, type_)))

    def _of_text(self, text: Expression, type_: ValueType) -> Expression:
        match type_.name:
            case "date":
                return case(
                    (_matches(text, f"^{DATE}$"), case((_is_day(text), cast(text, Date()))))
                )
            case "timestamp":
                short = func.regexp_replace(text, r"(\.[0-9]{3})[0-9]+", r"\1")
                read = case((_is_day(text), cast(short, UTC_TIMESTAMP)))
                return case((_matches(text, f"^{TIMESTAMP_TEXT}$"), read))
            case "version":
                return self.version(text)
            case _:
                return collate(text, "C")

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """See StorageDialect."""
        is_array = func.json_typeof(node, type_=String) == "array"
        items = case((is_array, node), else_=cast(literal("[]", String), JSON()))

        def value(one: Expression) -> Expression:
            found = one
            for part in path:
                found = _step(found, part)
            return self.json_value(found, element)

        return _collected(func.json_array_elements(items), JSON(), value)

    def array(self, column: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        kind = ARRAY(_TYPES[element.name])
        return func.nullif(func.array_remove(cast(column, kind), None), cast([], kind), type_=kind)

    def split(self, text: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        parts = func.string_to_array(text, ",", type_=ARRAY(Text))
        if element == INTEGER:
            return _collected(
                func.unnest(parts), Text(), lambda one: self.written_number(one, INTEGER)
            )
        kind = ARRAY(Text)
        return func.nullif(func.array_remove(parts, ""), cast([], kind), type_=kind)

    def gathered(self, element: Expression) -> Expression:
        """See StorageDialect."""
        kind = BigInteger() if isinstance(element.type, BigInteger) else Text()
        every = func.array_agg(cast(element, kind), type_=ARRAY(kind))
        return every.filter(element.is_not(None))

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """See StorageDialect."""
        return found.op("@>" if every else "&&", is_comparison=True)(_array_of(wanted, found))

    def size(self, found: Expression) -> Expression:
        """See StorageDialect."""
        return func.cardinality(found, type_=Integer)

    def folded_list(self, found: Expression) -> Expression:
        """See StorageDialect."""
        upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

        def folded(one: Expression) -> Expression:
            return func.translate(one, upper, upper.lower(), type_=String)

        return _collected(func.unnest(found), Text(), folded)

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return found if element == INTEGER else collate(type_coerce(found, Text()), "C")

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """See StorageDialect."""
        lists = func.jsonb_agg(func.to_jsonb(found), type_=JSONB)
        every = lists.filter(and_(found.is_not(None), *([] if where is None else [where])))
        one = func.jsonb_array_elements(every).table_valued("value", name="lists")
        element = func.jsonb_array_elements(one.c.value).table_valued("value", name="elements")
        count = func.count(distinct(element.c.value))
        pairs = one.join(element, true())
        return select(count).select_from(pairs).correlate_except(one, element).scalar_subquery()


def _matches(text: Expression, pattern: str) -> Condition:
    return text.op("~", is_comparison=True)(literal(pattern, String))


def _step(node: Expression, part: str) -> Expression:
    """The value of a key. A position in an array is a number here, so that no key is one."""
    return node.op("->", return_type=JSON())(cast(literal(part, String), String))


def _within(number: Expression, type_: ValueType) -> Expression:
    """An exact number as one of the type; missing beyond it."""
    if type_ == INTEGER:
        return case((number.between(*_INT64), cast(number, BigInteger)))
    scale = type_.scale or 0
    rounded = func.round(number, scale, type_=Numeric())
    limit = Decimal(1).scaleb((type_.precision or 0) - scale)
    return case((func.abs(rounded) < limit, cast(rounded, Numeric(type_.precision, scale))))


def _json_number(text: Expression, type_: ValueType) -> Expression:
    """A number of JSON: whole ones are exact, such with a point or an exponent are doubles. No
    numeric has an exponent of five digits, and all doubles by far have less."""
    extreme = case((_matches(text, _ZERO), "0"))
    text = case((_matches(text, _EXTREME), extreme), else_=text)
    exact = cast(text, Numeric())
    size = func.abs(exact)
    double: Expression = case(
        (size <= _NOTHING, cast(0, Double())), (size < _NO_DOUBLE, cast(text, Double()))
    )
    whole = _matches(text, _WHOLE)
    match type_.name:
        case "integer":
            small = and_(func.abs(double) < WHOLE_FLOATS, func.trunc(double) == double)
            return case((whole, _within(exact, type_)), (small, cast(double, BigInteger)))
        case "decimal":
            shortest = cast(cast(double, String), Numeric())
            return case((whole, _within(exact, type_)), else_=_within(shortest, type_))
        case _:
            return double


def _is_day(text: Expression) -> Condition:
    """The date at the start of a text, of digits in their places, is one of the calendar."""
    year, month, day = (
        cast(func.substr(text, start, length), Integer)
        for start, length in ((1, 4), (6, 2), (9, 2))
    )
    first = func.make_date(year, month, 1, type_=Date)
    last = first + literal_column("INTERVAL '1 month - 1 day'")
    days = case((and_(year >= 1, month.between(1, 12)), func.date_part("day", last)), else_=0)
    return and_(day >= 1, day <= days)


def _collected(
    function: Any, type_: TypeEngine[Any], value: Callable[[Expression], Expression]
) -> Expression:
    """The list of what the rows of a function become, in their order; missing where none is."""
    rows = function.table_valued(
        column("one", type_), with_ordinality="place", name="rows"
    ).render_derived()
    made = value(rows.c.one)
    kind = ARRAY(BigInteger if isinstance(made.type, BigInteger) else Text)
    order = func.array_agg(made, type_=kind).aggregate_order_by(rows.c.place)
    kept = order.filter(made.is_not(None))
    return select(kept).select_from(rows).correlate_except(rows).scalar_subquery()


def _array_of(wanted: Sequence[Expression], found: Expression) -> Expression:
    item: Any = getattr(found.type, "item_type", None)
    return cast(array(wanted), ARRAY(BigInteger if isinstance(item, BigInteger) else Text))
