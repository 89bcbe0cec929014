"""Numbers that are written as texts, in MySQL and MariaDB: what they are worth, or that they are
none of their type. A cast that does not fit would be an error, so digits are counted before."""

from decimal import Decimal

from sqlalchemy import (
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
    or_,
)

from segflow.compiler.cells import LONGEST_NUMBER, WHOLE_FLOATS
from segflow.compiler.dialects.mysql_types import WHOLE, matches
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.model.types import INTEGER, ValueType

_LEAST = literal(Decimal(-(2**63)), WHOLE)
_GREATEST = literal(Decimal(2**63 - 1), WHOLE)
_INT64_DIGITS = 19

_NO_DOUBLE = str(2**1024 - 2**970)
"""The least whole number that is nearer to what doubles have no room for than to a double."""

_SHORT = 300
"""So many characters without an exponent are within the range of doubles, whatever the digits."""

_EXPONENT_DIGITS = 6
_LARGE_EXPONENT = "9" * _EXPONENT_DIGITS


def exact_number(text: Expression, type_: ValueType) -> Expression:
    """The integer or decimal that is written as digits, perhaps after a minus, perhaps with a point
    among them; missing where it is none, or beyond the type."""
    if type_ == INTEGER:
        number = cast(text, WHOLE)
        read: Expression = case((number.between(_LEAST, _GREATEST), number))
        pattern = f"-?0*[0-9]{{1,{_INT64_DIGITS}}}"
    else:
        places, room = _places(type_)
        # One more place than the type has tells which way the cast is to round.
        cut = func.concat(_whole(text), ".", func.left(_fraction(text), places + 1))
        read = as_decimal(cast(cut, Numeric(room + places + 1, places)), type_)
        pattern = rf"-?(?=[0-9])0*[0-9]{{0,{room}}}(\.[0-9]+)?"
    short = func.char_length(text) <= LONGEST_NUMBER
    return case((and_(short, matches(text, pattern)), read))


def json_number(text: Expression, type_: ValueType) -> Expression:
    """A number of JSON: whole ones are exact, such with a point or an exponent are doubles."""
    double: Expression = cast(text, Double)
    match type_.name:
        case "integer":
            small = and_(func.abs(double) < WHOLE_FLOATS, func.floor(double) == double)
            of_double: Expression = case((small, cast(double, WHOLE)))
        case "decimal":
            of_double = _rounded(double, type_)
        case _:
            return case((_is_finite(text), double))
    of_finite = case((_is_finite(text), of_double))
    return case((matches(text, "-?[0-9]+"), exact_number(text, type_)), else_=of_finite)


def as_decimal(number: Expression, type_: ValueType) -> Expression:
    """An exact number with no more places than the decimal type; missing beyond its digits."""
    _, room = _places(type_)
    fits = func.abs(number) < literal_column(str(10**room))
    return case((fits, cast(number, Numeric(type_.precision, type_.scale))))


def _rounded(double: Expression, type_: ValueType) -> Expression:
    """The decimal that the shortest digits of a finite double are, rounded."""
    places, room = _places(type_)
    size = func.abs(double)
    exact = Numeric(room + places + 1, places)
    return case(
        (size < literal_column(f"1e-{places + 2}"), cast(0, exact)),
        (size <= literal_column(f"1e{room}"), as_decimal(cast(cast(double, String), exact), type_)),
    )


def _is_finite(text: Expression) -> Condition:
    """A number of JSON is within the range of doubles, by its digits and where its point is."""
    lower = func.lower(text)
    size = func.substring_index(func.trim(literal_column("LEADING '-'").op("FROM")(lower)), "e", 1)
    digits = func.replace(size, ".", "")
    significant = _without_zeros(digits)
    zeros = func.char_length(digits) - func.char_length(significant)
    power = func.char_length(_whole(size)) - zeros + _exponent(lower)
    short = and_(func.locate("e", lower) == 0, func.char_length(text) <= _SHORT)
    at_the_end = and_(power == len(_NO_DOUBLE), significant < literal(_NO_DOUBLE, String))
    return or_(short, significant == "", power < len(_NO_DOUBLE), at_the_end)


def _exponent(lower: Expression) -> Expression:
    """The power of ten behind the e; of many digits a large one."""
    written = func.substring_index(func.concat(lower, "e0"), "e", 2)
    signed = func.substring_index(written, "e", -1)
    digits = _without_zeros(func.replace(func.replace(signed, "-", ""), "+", ""))
    few = case((func.char_length(digits) <= _EXPONENT_DIGITS, digits), else_=_LARGE_EXPONENT)
    sign = case((func.left(signed, 1) == "-", "-"), else_="")
    return cast(func.concat(sign, "0", few), Integer)


def _whole(text: Expression) -> Expression:
    return func.substring_index(text, ".", 1)


def _fraction(text: Expression) -> Expression:
    """The digits behind the point, of which there may be none."""
    return func.substring_index(func.substring_index(func.concat(text, "."), ".", 2), ".", -1)


def _without_zeros(digits: Expression) -> Expression:
    return func.trim(literal_column("LEADING '0'").op("FROM")(digits))


def _places(type_: ValueType) -> tuple[int, int]:
    """How many digits a decimal type has behind the point, and before it."""
    places = type_.scale or 0
    return places, (type_.precision or 0) - places
