"""The part of StorageDialect of MySQL and MariaDB.

JSON is read by JSON_TABLE, which leaves numbers as they are written and finds keys that are written
with escapes. Lists are bytes, see Listed. There is no cast that may fail: whether a text can be
read is tried by expressions before.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
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
    select,
    type_coerce,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.selectable import TableValuedAlias

from segflow.compiler import versions
from segflow.compiler.cells import DATE, TIMESTAMP_TEXT
from segflow.compiler.dialects.base import UTC_TIMESTAMP
from segflow.compiler.dialects.mysql_numbers import as_decimal, exact_number, json_number
from segflow.compiler.dialects.mysql_types import (
    BYTES,
    SEPARATOR,
    Bytes,
    Listed,
    after_first,
    characters,
    element_bytes,
    element_of,
    failing,
    folded_bytes,
    joined,
    listed,
    matches,
    since_first,
)
from segflow.compiler.dialects.storage import Condition, Expression
from segflow.compiler.values import DIGITS
from segflow.model.types import INTEGER, STRING, ValueType

_NUMBERS = ("INTEGER", "UNSIGNED INTEGER", "DOUBLE", "DECIMAL")
"""What JSON_TYPE says of numbers. Which of them it says differs; the text itself tells."""

_LEVELS = 32
"""MariaDB takes JSON with so many levels, and more, for none."""

_ZERO: Expression = literal_column("x'00'")
_ONE: Expression = literal_column("x'01'")
# What bytes become where something else is to take their place.
_OF_ZERO: Expression = literal_column("x'0101'")
_OF_ONE: Expression = literal_column("x'0102'")
_FREED: Sequence[tuple[Expression, Expression]] = (
    (_ONE, _OF_ONE),
    (SEPARATOR, literal_column("x'0103'")),
    (literal_column("'\"'"), literal_column("x'0104'")),
    (literal_column("'~'"), literal_column("x'0105'")),
    (literal_column("x'5C'"), literal_column("x'0106'")),  # a backslash
)


class MySqlStorage:
    """See StorageDialect."""

    def version(self, text: Expression) -> Expression:
        """See StorageDialect. Filled up without references to groups, which the two servers write
        in two ways."""
        read = characters(text)
        zeros = "0" * DIGITS
        bare = func.regexp_replace(read, versions.ZEROS_AT_END, "")
        filled = func.concat(zeros, func.replace(bare, ".", f".{zeros}"))
        made = func.regexp_replace(filled, rf"(?<![0-9])0+(?=[0-9]{{{DIGITS}}})", "")
        return case((matches(read, versions.VERSION), cast(made, BYTES)))

    def written_number(self, text: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        return exact_number(characters(text), type_)

    def minor_units(self, units: Expression, digits: int, type_: ValueType) -> Expression:
        """See StorageDialect."""
        one: Expression = literal_column(format(Decimal(1).scaleb(-digits), "f"))
        return as_decimal(type_coerce(units * one, Numeric(65, digits)), type_)

    def json(self, column: Expression, path: Sequence[str]) -> Expression:
        """See StorageDialect."""
        document = _document(characters(column))
        return _each(node_table(document, "$", path), lambda node: node) if path else document

    def json_value(self, node: Expression, type_: ValueType) -> Expression:
        """See StorageDialect."""
        return _each(node_table(node, "$", ()), lambda one: self._value(one, type_))

    def _value(self, node: Expression, type_: ValueType) -> Expression:
        kind = func.json_type(node)
        text = func.json_unquote(node, type_=String)
        if type_.is_number:
            return case((kind.in_(_NUMBERS), json_number(text, type_)))
        if type_.name == "boolean":
            return case((kind == "BOOLEAN", type_coerce(text == "true", Boolean)))
        return case((kind == "STRING", self._of_text(text, type_)))

    def _of_text(self, text: Expression, type_: ValueType) -> Expression:
        match type_.name:
            case "date":
                day = cast(func.left(text, 10), Date)
                return case((matches(text, DATE), case((_is_day(text), day))))
            case "timestamp":
                moment = case((_is_day(text), _moment(text)))
                return case((matches(text, TIMESTAMP_TEXT), moment))
            case "version":
                return self.version(text)
            case _:
                return cast(text, BYTES)

    def json_list(self, node: Expression, path: Sequence[str], element: ValueType) -> Expression:
        """See StorageDialect. What is no array has no items."""
        items = node_table(node, "$[*]", path)
        value = self._value(items.c.node, element)
        return _each(items, lambda _: listed(value, element, items.c.place))

    def array(self, column: Expression, element: ValueType) -> Expression:
        """See StorageDialect. There are no arrays but those of JSON."""
        return self.json_list(self.json(column, ()), (), element)

    def split(self, text: Expression, element: ValueType) -> Expression:
        """See StorageDialect."""
        read = characters(text)
        if element == INTEGER:
            quoted = func.replace(func.json_quote(read), ",", '","')
            parts = node_table(func.concat("[", quoted, "]"), "$[*]", ())
            number = exact_number(func.json_unquote(parts.c.node), INTEGER)
            return _each(parts, lambda _: listed(number, INTEGER, parts.c.place))
        filled = func.regexp_replace(read, r"\A,+|,+\z|,+(?=,)", "")
        bare = func.nullif(cast(filled, BYTES), "")
        return func.replace(bare, ",", SEPARATOR, type_=Listed(STRING))

    def gathered(self, element: Expression) -> Expression:
        """See StorageDialect."""
        return listed(element, STRING if isinstance(element.type, Bytes) else INTEGER)

    def has(self, found: Expression, wanted: Sequence[Expression], *, every: bool) -> Condition:
        """See StorageDialect."""
        closed = _closed(found)
        parts = (_closed(element_bytes(one, element_of(found))) for one in wanted)
        return (and_ if every else or_)(*(func.locate(part, closed) > 0 for part in parts))

    def size(self, found: Expression) -> Expression:
        """See StorageDialect. One more than there are separators, of one byte each."""
        rest = func.octet_length(func.replace(found, SEPARATOR, ""))
        return type_coerce(func.octet_length(found) - rest + 1, Integer)

    def folded_list(self, found: Expression) -> Expression:
        """See StorageDialect. No separator is a part of a letter."""
        return type_coerce(folded_bytes(found), found.type)

    def sorted_list(self, found: Expression, element: ValueType) -> Expression:
        """See StorageDialect. The separator becomes the least byte; what was it is another."""
        freed = func.replace(func.replace(found, _ONE, _OF_ONE), _ZERO, _OF_ZERO)
        return func.replace(freed, SEPARATOR, _ZERO, type_=BYTES)

    def count_elements(self, found: Expression, where: Condition | None) -> Expression:
        """See StorageDialect. As the keys of an object of JSON, each of which counts once. MariaDB
        does not see that empty keys are equal, nor such with escapes: none is, and none has."""
        parts = joined(found if where is None else case((where, found)))
        for byte, freed in _FREED:
            parts = func.replace(parts, byte, freed)
        quoted = func.json_quote(func.concat("k", characters(parts)))
        keys = func.replace(func.replace(quoted, "\\", "~"), "~u0001~u0003", '":0,"k')
        return func.json_length(func.json_keys(func.concat("{", keys, ":0}")), type_=Integer)


def _document(text: Expression) -> Expression:
    """The text, if it is JSON. What is so deep that the server may not know fails."""
    opened = func.replace(func.replace(text, "[", ""), "{", "")
    deep = func.char_length(text) - func.char_length(opened) >= _LEVELS
    unknown = and_(deep, text.op("REGEXP")(literal(r"[\]}]\s*\z", String)))
    unfit = cast(failing(text.is_not(None)), String)
    return case((func.json_valid(text) == 1, text), (unknown, unfit))


def node_table(document: Expression, rows: str, path: Sequence[str]) -> TableValuedAlias:
    """The rows that a path leads to in a document, as a table of `place`, from 1 on, and `node`,
    what another path leads to from there."""
    steps = "".join(["$", *(f'."{part}"' for part in path)])
    columns = literal_column("place FOR ORDINALITY, node JSON").op("PATH")(literal(steps, String))
    argument = literal(rows, String).op("COLUMNS")(Grouping(columns))
    return func.json_table(document, argument).table_valued("place", "node", name="nodes")


def _each(rows: TableValuedAlias, value: Callable[[Expression], Expression]) -> Expression:
    """What the node of the one row of a table is worth, or what an aggregate of its rows is."""
    made = select(value(rows.c.node)).select_from(rows)
    return made.correlate_except(rows).scalar_subquery()


def _closed(part: Expression) -> Expression:
    """Elements, with a separator at each end."""
    return func.concat(SEPARATOR, part, SEPARATOR)


# --- times -----------------------------------------------------------------------------------


def _is_day(text: Expression) -> Condition:
    """The date at the start of a text, of digits in their places, is one of the calendar."""
    year, month, day = (
        cast(func.substr(text, start, length), Integer)
        for start, length in ((1, 4), (6, 2), (9, 2))
    )
    last = func.dayofmonth(func.last_day(func.concat(func.left(text, 8), "01")))
    days = case((and_(year >= 1, month.between(1, 12)), last), else_=0)
    return and_(day >= 1, day <= days)


def _moment(text: Expression) -> Expression:
    """The instant of a text of date and time, in whole milliseconds."""
    fraction = func.left(func.regexp_substr(text, r"\.[0-9]+"), 4)
    written = func.concat(func.left(text, 10), " ", func.substr(text, 12, 8), fraction)
    zone = func.regexp_substr(text, r"[+-][0-9]{2}:[0-9]{2}\z")
    hours, minutes = (cast(func.substr(zone, at, 2), BigInteger) for at in (2, 5))
    ahead = 60 * hours + minutes
    shift = case((func.left(zone, 1) == "+", ahead), (func.left(zone, 1) == "-", -ahead), else_=0)
    shown = since_first(cast(written, UTC_TIMESTAMP))
    return after_first(shown - shift * 60_000_000)
