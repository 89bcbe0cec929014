"""DuckDB's part of StorageDialect. Lists are arrays, nodes of JSON are of its type JSON."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    TIMESTAMP,
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
    collate,
    func,
    literal,
    literal_column,
    try_cast,
)
from sqlalchemy.types import TypeEngine

from segflow.compiler import versions
from segflow.compiler.cells import DATE, LONGEST_NUMBER, TIMESTAMP_TEXT, WHOLE_FLOATS
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.model.types import INTEGER, ValueType

_NUMBERS = ("BIGINT", "UBIGINT", "DOUBLE")
_TYPES: dict[str, TypeEngine[Any]] = {"string": String(), "integer": BigInteger()}
_PRESENT: Expression = literal_column("lambda one: one IS NOT NULL")
_FILLED: Expression = literal_column("lambda one: one <> ''")
_FOLDED: Expression = literal_column(
    "lambda one: translate(one, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
)
_ELEMENTS: dict[str, Expression] = {
    "string": literal_column(
        "lambda one: CASE WHEN json_type(one) = 'VARCHAR' THEN json_extract_string(one, '$') END"
    ),
    "integer": literal_column(
        "lambda one: CASE WHEN json_type(one) NOT IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN NULL"
        " WHEN regexp_full_match(json_extract_string(one, '$'), '-?[0-9]+')"
        " THEN TRY_CAST(json_extract_string(one, '$') AS BIGINT)"
        " WHEN abs(TRY_CAST(json_extract_string(one, '$') AS DOUBLE)) < 9007199254740992"
        " AND trunc(CAST(json_extract_string(one, '$') AS DOUBLE))"
        " = CAST(json_extract_string(one, '$') AS DOUBLE)"
        " THEN CAST(CAST(json_extract_string(one, '$') AS DOUBLE) AS BIGINT) END"
    ),
}
_INTEGERS: Expression = literal_column(
    "lambda one: CASE WHEN regexp_full_match(one, '-?[0-9]+') THEN TRY_CAST(one AS BIGINT) END"
)


class DuckDbStorage:
    """See StorageDialect."""

    def version(self, text: Expression) -> Expression:
        """See StorageDialect."""
        made: Expression = func.regexp_replace(text, versions.ZEROS_AT_END, "")
        for pattern, replacement in versions.PADDING:
            made = func.regexp_replace(made, pattern, replacement, "g", type_=String)
        return case((func.regexp_full_match(text, versions.VERSION), collate(made, "C")))

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        exact: TypeEngine[Any] = Numeric(type_.precision, type_.scale)
        whole = type_.name == "integer"
        number = try_cast(text, BigInteger() if whole else exact)
        pattern = "-?[0-9]+" if whole else r"-?[0-9]+(\.[0-9]+)?"
        short = func.length(text) <= LONGEST_NUMBER
        return case((and_(short, func.regexp_full_match(text, pattern)), number))

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """See StorageDialect."""
        one = cast(literal(Decimal(1).scaleb(-digits), Numeric(19, digits)), Numeric(19, digits))
        return try_cast(cast(units, Numeric(19, 0)) * one, Numeric(type_.precision, type_.scale))

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """See StorageDialect. Structs, maps and lists are read as the JSON that they make."""
        document = try_cast(column, JSON())
        if not path:
            return document
        return func.json_extract(document, "".join(["$", *map(_step, path)]), type_=JSON())

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        kind = func.json_type(node)
        text = func.json_extract_string(node, "$", type_=String())
        if type_.is_number:
            return case((kind.in_(_NUMBERS), _number(text, type_)))
        if type_.name == "boolean":
            return case((kind == "BOOLEAN", cast(text, Boolean)))
        return case((kind == "VARCHAR", self._of_text(text, type_)))

    def _of_text(self, text: Expression, type_: ValueType) -> Expression:
        match type_.name:
            case "date":
                return case((func.regexp_full_match(text, DATE), try_cast(text, Date())))
            case "timestamp":
                short = func.regexp_replace(text, r"(\.[0-9]{3})[0-9]+", r"\1")
                instant = try_cast(short, TIMESTAMP(timezone=True))
                return case((func.regexp_full_match(text, TIMESTAMP_TEXT), instant))
            case "version":
                return self.version(text)
            case _:
                return collate(text, "C")

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """See StorageDialect."""
        # The cast says what there is no sign of where the node is known to be missing.
        found = func.json_extract(node, "".join(["$[*]", *map(_step, path)]))
        items = cast(found, ARRAY(JSON()))
        return self._kept(func.list_transform(items, _ELEMENTS[element.name]), _PRESENT, element)

    def array(self, column: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return self._kept(cast(column, ARRAY(_TYPES[element.name])), _PRESENT, element)

    def split(self, text: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        parts = cast(func.string_split(text, ","), ARRAY(String))
        if element == INTEGER:
            return self._kept(func.list_transform(parts, _INTEGERS), _PRESENT, element)
        return self._kept(parts, _FILLED, element)

    def _kept(self, found: Expression, test: Expression, element: ValueType) -> Expression:
        kept = func.list_filter(found, test, type_=ARRAY(_TYPES[element.name]))
        return case((func.len(kept) > 0, kept))

    def gathered(self, element: Expression) -> Expression:
        """See StorageDialect."""
        # Elements of lists have no collation of their own.
        type_ = String() if isinstance(element.type, String) else element.type
        return func.list(element, type_=ARRAY(type_)).filter(element.is_not(None))

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """See StorageDialect."""
        test = func.list_has_all if every else func.list_has_any
        return test(found, func.list_value(*wanted))

    def size(self, found: Expression) -> Expression:
        """See StorageDialect."""
        return func.len(found)

    def folded_list(self, found: Expression) -> Expression:
        """See StorageDialect."""
        return func.list_transform(found, _FOLDED, type_=ARRAY(String))

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        return found

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """See StorageDialect."""
        lists = func.list(found)
        every = func.flatten(lists if where is None else lists.filter(where))
        return func.len(func.list_distinct(every))


def _step(part: str) -> str:
    """A key of a path. The pass `storage` lets no quotes into it."""
    return f'."{part}"'


def _number(text: Expression, type_: ValueType) -> Expression:
    """A number of JSON: whole ones are exact, such with a point or an exponent are doubles."""
    whole = func.regexp_full_match(text, "-?[0-9]+")
    double: Expression = try_cast(text, Double())
    finite = func.isfinite(double)
    match type_.name:
        case "integer":
            small = and_(func.abs(double) < WHOLE_FLOATS, func.trunc(double) == double)
            return case((whole, try_cast(text, BigInteger())), (small, cast(double, BigInteger)))
        case "decimal":
            exact = Numeric(type_.precision, type_.scale)
            shortest = _without_exponent(cast(double, String))
            return case((whole, try_cast(text, exact)), (finite, try_cast(shortest, exact)))
        case _:
            return case((finite, double))


def _without_exponent(number: Expression) -> Expression:
    """The text of a double with zeros in place of its exponent. With one, DuckDB wants room for a
    digit before the point, which not every decimal has, and takes more digits than there are."""
    digits = func.regexp_replace(func.split_part(number, "e", 1), "[-.]", "", "g")
    power = func.abs(try_cast(func.split_part(number, "e", 2), BigInteger()))
    sign = case((func.starts_with(number, "-"), "-"), else_="")
    small = func.concat(sign, "0.", func.repeat("0", power - 1), digits)
    large = func.concat(sign, func.rpad(digits, cast(power + 1, Integer), "0"))
    return case(
        (func.contains(number, "e-"), small), (func.contains(number, "e+"), large), else_=number
    )
