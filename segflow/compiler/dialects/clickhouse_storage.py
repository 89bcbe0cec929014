"""ClickHouse's part of StorageDialect.

An array can't be missing there, so a list is the JSON of its elements at work. Of JSON that is
read, every text gets a mark behind it and every number one before it in quotes, since the
functions of JSON turn what is beyond 64 bits into a text, and give up on what is beyond doubles.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    Double,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from segflow.compiler import versions
from segflow.compiler.cells import DATE, LONGEST_NUMBER, TIMESTAMP_TEXT, WHOLE_FLOATS
from segflow.compiler.dialects.base import UTC_TIMESTAMP
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.model.types import INTEGER, ValueType

_MARK = "#"
_SCALAR = r'"((?:[^"\\]|\\.)*)"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)'
_MARKED = rf'"\1{_MARK}\2"'
_NUMBER_AS_KEY = rf'"{_MARK}[-+.0-9eE]+"\s*:'
"""What a number in the place of a key, which is no JSON, became."""

_WIDEST = 76
_ONE: Expression = literal_column("one", String)
_NONE: Expression = literal_column("'[]'", String)


class Listed(TypeDecorator[tuple[Any, ...]]):
    """A list as the JSON of its elements; none is empty."""

    impl = String
    cache_ok = True

    def __init__(self, element: ValueType) -> None:
        super().__init__()
        self.element = element

    def process_result_value(
        self, value: Any, dialect: sqlalchemy.Dialect
    ) -> tuple[Any, ...] | None:
        """See TypeDecorator."""
        return None if value is None else tuple(json.loads(value))


class ClickHouseStorage:
    """See StorageDialect."""

    def version(self, text: Expression) -> Expression:
        """See StorageDialect."""
        made: Expression = func.replaceRegexpOne(text, versions.ZEROS_AT_END, "")
        for pattern, replacement in versions.PADDING:
            made = func.replaceRegexpAll(made, pattern, replacement, type_=String)
        return case((_is(text, versions.VERSION), made))

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        if type_.name == "integer":
            return _integer(text)
        pattern = r"-?[0-9]+(\.[0-9]+)?"
        short = func.length(text) <= LONGEST_NUMBER
        return case((and_(short, _is(text, pattern)), as_decimal(exact(text, type_), type_)))

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """See StorageDialect."""
        one = literal(Decimal(1).scaleb(-digits), Numeric(_WIDEST, digits))
        return as_decimal(cast(units, Numeric(_WIDEST, 0)) * one, type_)

    # --- JSON ---

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """See StorageDialect."""
        marked = func.replaceRegexpAll(cast(column, String), _SCALAR, _MARKED, type_=String)
        is_json = and_(func.isValidJSON(marked), ~func.match(marked, _NUMBER_AS_KEY))
        document = case((is_json, marked))
        return _at(document, path) if path else document

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        if type_.name == "boolean":
            return case((node.in_(["true", "false"]), cast(node == "true", Boolean)))
        marked = func.JSONExtractString(node, type_=String)
        is_text = func.endsWith(marked, _MARK)
        if type_.is_number:
            is_number = and_(func.startsWith(marked, _MARK), ~is_text)
            return case((is_number, _number(func.substring(marked, 2, type_=String), type_)))
        text = func.substring(marked, 1, func.length(marked) - 1, type_=String)
        return case((is_text, self._of_text(text, type_)))

    def _of_text(self, text: Expression, type_: ValueType) -> Expression:
        match type_.name:
            case "date":
                return case((_is(text, DATE), _day(text)))
            case "timestamp":
                return case((_is(text, TIMESTAMP_TEXT), _moment(text)))
            case "version":
                return self.version(text)
            case _:
                return text

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """See StorageDialect. What is no array has no items."""
        items = func.JSONExtractArrayRaw(func.ifNull(node, ""))
        item = _at(_ONE, path) if path else _ONE
        return _listed(_mapped(self.json_value(item, element), items), element)

    # --- lists ---

    def array(self, column: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return _listed(column, element)

    def split(self, text: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        parts = func.splitByChar(",", func.ifNull(text, ""))
        kept = _integer(_ONE) if element == INTEGER else func.nullIf(_ONE, "")
        return _listed(_mapped(kept, parts), element)

    def gathered(self, element: Expression) -> Expression:
        """See StorageDialect."""
        of = ValueType(name="string") if isinstance(element.type, String) else INTEGER
        return _written(func.groupArray(element), of)

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """See StorageDialect."""
        test = func.hasAll if every else func.hasAny
        return test(_elements(found), func.array(*wanted), type_=Boolean)

    def size(self, found: Expression) -> Expression:
        """See StorageDialect."""
        return case((found.is_not(None), cast(func.length(_elements(found)), BigInteger)))

    def folded_list(self, found: Expression) -> Expression:
        """See StorageDialect. No escape of JSON has a large letter that counts."""
        return func.lower(found, type_=found.type)

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """See StorageDialect. A text that may be missing: digits of equal width for integers, those
        of the bytes of texts, with a space between elements, which is less than any digit."""
        written: Expression = func.hex(_ONE)
        if element == INTEGER:
            above = func.toInt128(_ONE) + literal_column("9223372036854775808")
            written = func.leftPad(func.toString(above), literal_column("20"), "0")
        every = func.arrayStringConcat(_mapped(written, _elements(found)), " ", type_=String)
        return case((found.is_not(None), every))

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """See StorageDialect."""
        counted = func.uniqExactArray(_elements(found), type_=Integer)
        return cast(counted if where is None else counted.filter(where), BigInteger)


# --- lists -----------------------------------------------------------------------------------


def _mapped(element: Expression, items: Expression) -> Expression:
    """The array of what becomes of each item, which the element calls _ONE."""
    return func.arrayMap(_ONE.op("->")(element), items)


def _listed(items: Expression, element: ValueType) -> Expression:
    """The list of an array's elements without missing ones; missing where none is left."""
    present = func.arrayFilter(_ONE.op("->")(func.isNotNull(_ONE)), items)
    type_: TypeEngine[Any] = BigInteger() if element == INTEGER else String()
    return _written(cast(present, ARRAY(type_)), element)


def _written(items: Expression, element: ValueType) -> Expression:
    return func.nullIf(func.toJSONString(items), _NONE, type_=Listed(element))


def _elements(found: Expression) -> Expression:
    """The elements of a list as an array, of none where it is missing."""
    kind = found.type
    assert isinstance(kind, Listed)
    name = "Int64" if kind.element == INTEGER else "String"
    return func.JSONExtract(func.ifNull(found, _NONE), literal_column(f"'Array({name})'"))


# --- JSON ------------------------------------------------------------------------------------


def _at(node: Expression, path: Sequence[str]) -> Expression:
    """What a path leads to, in marked JSON."""
    keys = (f"{part}{_MARK}" for part in path)
    return func.nullIf(func.JSONExtractRaw(node, *keys), "", type_=String)


def _day(text: Expression) -> Expression:
    """The date that a text of ten characters is; others become a day near by, or the first."""
    day: Expression = func.toDate32OrNull(text, type_=Date)
    return case((cast(day, String) == text, day))


def _moment(text: Expression) -> Expression:
    """The instant of a text of date and time, in whole milliseconds."""
    short = func.replaceRegexpOne(text, r"(\.[0-9]{3})[0-9]+", r"\1")
    zoned = case((_is(text, ".*(Z|[+-][0-9]{2}:[0-9]{2})"), short), else_=func.concat(short, "Z"))
    read = func.parseDateTime64BestEffortOrNull(
        zoned, literal_column("6"), literal_column("'UTC'"), type_=UTC_TIMESTAMP
    )
    return case((_day(func.substring(text, 1, 10)).is_not(None), read))


# --- numbers ---------------------------------------------------------------------------------


def _is(text: Expression, pattern: str) -> Condition:
    """The expression matches the whole text."""
    return func.match(text, rf"\A(?:{pattern})\z", type_=Boolean)


def _integer(text: Expression) -> Expression:
    short = func.length(text) <= LONGEST_NUMBER
    number = func.toInt64OrNull(text, type_=BigInteger)
    return case((and_(short, _is(text, "-?[0-9]+")), number))


def exact(text: Expression, type_: ValueType) -> Expression:
    """The number that is written in a text, with one place more than the type has, which tells how
    the last one is rounded; what follows is cut off."""
    scale = (type_.scale or 0) + 1
    return func.toDecimal256OrNull(text, literal_column(str(scale)), type_=Numeric(_WIDEST, scale))


def as_decimal(number: Expression, type_: ValueType) -> Expression:
    """An exact number as a decimal of the type, halves away from zero; missing beyond its
    digits."""
    scale = type_.scale or 0
    rounded = func.round(number, literal_column(str(scale)), type_=number.type)
    limit = Decimal(10) ** ((type_.precision or 0) - scale)
    fits = func.abs(rounded) < cast(literal(limit, Numeric(_WIDEST, 0)), Numeric(_WIDEST, 0))
    return case((fits, cast(rounded, Numeric(type_.precision, type_.scale))))


def _number(text: Expression, type_: ValueType) -> Expression:
    """A number of JSON: whole ones are exact, such with a point or an exponent are doubles."""
    whole = _is(text, "-?[0-9]+")
    double = func.toFloat64OrNull(text, type_=Double)
    finite = func.isFinite(double)
    match type_.name:
        case "integer":
            small = and_(func.abs(double) < WHOLE_FLOATS, func.trunc(double) == double)
            of_double = case((small, cast(double, BigInteger)))
            return case((whole, _integer(text)), else_=of_double)
        case "decimal":
            short = func.length(text) <= LONGEST_NUMBER
            digits = case((and_(whole, short), text), (and_(~whole, finite), cast(double, String)))
            return as_decimal(exact(digits, type_), type_)
        case _:
            return case((finite, double))
