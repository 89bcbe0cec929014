"""Spark's part of StorageDialect. Lists are arrays.

Of JSON that is read, every text gets a mark behind it and every number one before it in quotes, so
that a node, which Spark gives as a text, tells what it was, and a number stays as it is written.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    Double,
    Integer,
    Numeric,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    try_cast,
)
from sqlalchemy.types import TypeEngine

from segflow.compiler import versions
from segflow.compiler.cells import DATE, LONGEST_NUMBER, TIMESTAMP_TEXT, WHOLE_FLOATS
from segflow.compiler.dialects.base import UTC_TIMESTAMP
from segflow.compiler.dialects.standard import UPPER
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.model.types import INTEGER, ValueType

_MARK = "#"
_SCALAR = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)'
"""A text or a number of JSON. Possessive, since Java remembers each step that it could take back,
and has no room for those of a long text."""

_MARKED = f'"$1{_MARK}$2"'
_NUMBER_AS_KEY = rf'"{_MARK}[-+.0-9eE]+"\s*:'
"""What a number in the place of a key, which is no JSON, became."""

_ITEMS: Expression = literal_column("'ARRAY<STRING>'", String)
_MEMBERS: Expression = literal_column("'MAP<STRING, STRING>'", String)
_ONE: Expression = literal_column("one", String)
_MEMBER: Expression = literal_column("(name, held)")
_NAME: Expression = literal_column("name", String)
_FIRST, _LAST = literal_column("1", Integer), literal_column("-1", Integer)
_PRECISE = (15, 16)
"""So many digits behind the point of a double's mantissa are enough, or not."""

_TYPES: dict[str, TypeEngine[Any]] = {"string": String(), "integer": BigInteger()}


class SparkStorage:
    """See StorageDialect."""

    def version(self, text: Expression) -> Expression:
        """See StorageDialect."""
        made: Expression = func.regexp_replace(text, versions.ZEROS_AT_END, "")
        for pattern, replacement in versions.PADDING:
            made = func.regexp_replace(made, pattern, replacement.replace("\\", "$"), type_=String)
        return case((_is(text, versions.VERSION), made))

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        if type_.name == "integer":
            return _integer(text)
        short = func.length(text) <= LONGEST_NUMBER
        return case((and_(short, _is(text, r"-?[0-9]+(\.[0-9]+)?")), _decimal(text, type_)))

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """See StorageDialect."""
        one = cast(literal(Decimal(1).scaleb(-digits), Numeric(19, digits)), Numeric(19, digits))
        return _decimal(cast(units, Numeric(19, 0)) * one, type_)

    # --- JSON ---

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """See StorageDialect."""
        marked = func.regexp_replace(cast(column, String), _SCALAR, _MARKED, type_=String)
        # Spark reads the first thing that there is and forgets the rest: no rest closes both.
        in_array = func.from_json(func.concat("[", marked, "]"), _ITEMS)
        in_object = func.get_json_object(func.concat('{"it":', marked, "}"), "$.it")
        is_json = and_(
            func.size(in_array) == 1,
            in_object.is_not(None),
            ~_has(marked, _NUMBER_AS_KEY),
        )
        return _at(case((is_json, marked)), path)

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        if type_.name == "boolean":
            return case((node.in_(["true", "false"]), node == "true"))
        is_text = func.endswith(node, _MARK, type_=Boolean)
        if type_.is_number:
            is_number = and_(func.startswith(node, _MARK, type_=Boolean), ~is_text)
            text = func.substring(node, literal_column("2"), type_=String)
            return case((is_number, _number(text, type_)))
        length = func.length(node, type_=Integer) - _FIRST
        text = func.substring(node, _FIRST, length, type_=String)
        return case((is_text, self._of_text(text, type_)))

    def _of_text(self, text: Expression, type_: ValueType) -> Expression:
        match type_.name:
            case "date":
                return case((_is(text, DATE), _day(text)))
            case "timestamp":
                date = func.substring(text, _FIRST, literal_column("10"), type_=String)
                short = func.regexp_replace(text, r"(\.[0-9]{3})[0-9]+", "$1", type_=String)
                is_moment = and_(_is(text, TIMESTAMP_TEXT), _day(date).is_not(None))
                return case((is_moment, try_cast(short, UTC_TIMESTAMP)))
            case "version":
                return self.version(text)
            case _:
                return text

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """See StorageDialect."""
        items = func.from_json(case((func.endswith(node, "]"), node)), _ITEMS)
        return _listed(_mapped(self.json_value(_at(_ONE, path), element), items), element)

    # --- lists ---

    def array(self, column: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return _listed(cast(column, ARRAY(_TYPES[element.name])), element)

    def split(self, text: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        kept = _integer(_ONE) if element == INTEGER else func.nullif(_ONE, "")
        return _listed(_mapped(kept, func.split(text, ",")), element)

    def gathered(self, element: Expression) -> Expression:
        """See StorageDialect."""
        return _unless_empty(func.collect_list(element), element.type)

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """See StorageDialect."""
        asked = func.array(*wanted)
        if every:
            return func.size(func.array_except(asked, found)) == 0
        return func.arrays_overlap(found, asked, type_=Boolean)

    def size(self, found: Expression) -> Expression:
        """See StorageDialect."""
        return cast(func.size(found), BigInteger)

    def folded_list(self, found: Expression) -> Expression:
        """See StorageDialect."""
        folded = func.translate(_ONE, UPPER, UPPER.lower())
        return func.transform(found, _ONE.op("->")(folded), type_=ARRAY(String()))

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return found

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """See StorageDialect."""
        lists = func.collect_list(found)
        every = func.flatten(lists if where is None else lists.filter(where))
        return cast(func.size(func.array_distinct(every)), BigInteger)


# --- lists -----------------------------------------------------------------------------------


def _mapped(element: Expression, items: Expression) -> Expression:
    """The array of what becomes of each item, which the element calls _ONE."""
    return func.transform(items, _ONE.op("->")(element))


def _listed(items: Expression, element: ValueType) -> Expression:
    """The array without missing elements; missing where none is left."""
    present = func.filter(items, _ONE.op("->")(_ONE.is_not(None)))
    return _unless_empty(present, _TYPES[element.name])


def _unless_empty(items: Expression, element: TypeEngine[Any]) -> Expression:
    type_: TypeEngine[Any] = ARRAY(element)
    return func.nullif(items, cast(func.array(), type_), type_=type_)


# --- JSON ------------------------------------------------------------------------------------


def _at(node: Expression, path: Sequence[str]) -> Expression:
    """What a path leads to, in marked JSON; of members with one name the last."""
    for part in path:
        members = func.from_json(case((func.endswith(node, "}"), node)), _MEMBERS)
        is_named = _NAME.__eq__(f"{part}{_MARK}")
        named = func.map_filter(members, _MEMBER.op("->")(is_named))
        node = func.try_element_at(func.map_values(named), _LAST, type_=String)
    return node


def _day(text: Expression) -> Expression:
    """The date that a text of ten characters is; there is no year 0."""
    return case((~func.startswith(text, "0000", type_=Boolean), try_cast(text, Date())))


# --- numbers ---------------------------------------------------------------------------------


def _has(text: Expression, pattern: str) -> Condition:
    """The expression matches somewhere."""
    return func.regexp_like(text, pattern, type_=Boolean)


def _is(text: Expression, pattern: str) -> Condition:
    """The expression matches the whole text."""
    return _has(text, rf"\A(?:{pattern})\z")


def _integer(text: Expression) -> Expression:
    short = func.length(text) <= LONGEST_NUMBER
    return case((and_(short, _is(text, "-?[0-9]+")), try_cast(text, BigInteger())))


def _decimal(number: Expression, type_: ValueType) -> Expression:
    """An exact number, or the text of one, as a decimal of the type, halves away from zero; missing
    beyond its digits."""
    return try_cast(number, Numeric(type_.precision, type_.scale))


def _number(text: Expression, type_: ValueType) -> Expression:
    """A number of JSON: whole ones are exact, such with a point or an exponent are doubles."""
    whole = _is(text, "-?[0-9]+")
    double: Expression = try_cast(text, Double())
    finite = func.abs(double) < cast(literal("Infinity"), Double)
    match type_.name:
        case "integer":
            small = and_(func.abs(double) < WHOLE_FLOATS, func.rint(double) == double)
            of_double = case((small, cast(double, BigInteger)))
            return case((whole, _integer(text)), else_=of_double)
        case "decimal":
            short = func.length(text) <= LONGEST_NUMBER
            exact = case((and_(whole, short), _decimal(text, type_)))
            shortest = case((finite, _decimal(_shortest(double), type_)))
            return case((whole, exact), else_=shortest)
        case _:
            return case((finite, double))


def _shortest(double: Expression) -> Expression:
    """The fewest digits that stand for a finite double: Java before 19 writes one too many of some
    large and small ones."""
    text = cast(double, String)
    mantissa, exponent = (
        func.split_part(text, literal_column("'E'"), literal_column(part)) for part in ("1", "2")
    )
    exact = cast(mantissa, Numeric(20, 18))
    shorter = [
        func.concat(func.round(exact, literal_column(str(digits))), "E", exponent, type_=String)
        for digits in _PRECISE
    ]
    found = ((try_cast(one, Double()) == double, one) for one in shorter)
    short = case(*found, else_=text)
    return case((func.contains(text, "E", type_=Boolean), short), else_=text)
