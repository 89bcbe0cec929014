"""The slots: what one scalar may say, read from its source text and never by YAML's own types."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TypeVar

from segflow.loader.nodes import Scalar, shorten
from segflow.loader.shapes import ByNode, ListOf, Mapped, Misfit, Shape, Slot
from segflow.loader.suggest import did_you_mean
from segflow.model.address import is_name
from segflow.model.channel import Rate
from segflow.model.scalar import Const, Text
from segflow.model.types import UNREAD, ValueType, parse_type

T = TypeVar("T")

_ANY_SCALAR = {"type": ["string", "number", "boolean"]}


def text_slot(
    name: str,
    expected: str,
    parse: Callable[[str], T],
    pattern: str | None = None,
    stand_in: T | None = None,
) -> Slot[T]:
    """A slot that does not care for quotes."""
    json = {"type": "string", "pattern": pattern} if pattern else _ANY_SCALAR
    return Slot(expected, lambda node: parse(node.text), json, name, stand_in=stand_in)


def matching(name: str, pattern: str, expected: str) -> Slot[str]:
    """A slot of text that fits a pattern as a whole."""
    compiled = re.compile(pattern.removeprefix("^").removesuffix("$"), re.ASCII)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise Misfit(f"`{shorten(text)}` is not {expected}")
        return text

    return text_slot(name, expected, parse, pattern, stand_in="")


# --- text ------------------------------------------------------------------------------------


def _not_blank(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise Misfit("the text is empty")
    return stripped


TEXT = Slot(
    "text",
    lambda node: _not_blank(node.text),
    {**_ANY_SCALAR, "pattern": r"\S"},
    "text",
    stand_in="",
)
LITERAL: Slot[Text | Const] = Slot(
    "a value",
    lambda node: Text(text=node.text, quoted=node.quoted),
    _ANY_SCALAR,
    "literal",
    if_missing='ask for a missing value with exists: false; the word itself is "null" in quotes',
    stand_in=Const(type=UNREAD, value=""),
)
PATTERN = text_slot("literal", "text to look for", str)

_NAME_PATTERN = "^[a-z][a-z0-9_]*$"


def name_like(text: str) -> str | None:
    """The name that the text becomes by small letters and underscores; None where it becomes none,
    or is one."""
    made = re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")
    return made if is_name(made) and made != text else None


def _name(node: Scalar) -> str:
    text = node.text
    if is_name(text) and (node.quoted or text not in ("true", "false")):
        return text
    made = name_like(text)
    help = f"write `{made}`" if made else "for example `big_spenders`"
    rule = "a name is a lower-case letter, then lower-case letters, digits and underscores"
    raise Misfit(f"`{shorten(text)}` is not a name: {rule}", help=help, code="NAM001")


NAME: Slot[str] = Slot(
    "a name", _name, {"type": "string", "pattern": _NAME_PATTERN}, "name", stand_in=""
)


def choice(*options: str) -> Slot[str]:
    """One of a few words."""
    listed = ", ".join(options)
    allowed = frozenset(options)

    def parse(text: str) -> str:
        if text in allowed:
            return text
        among = f"one of {listed}" if len(options) > 1 else f"`{listed}`"
        raise Misfit(f"`{shorten(text)}` is not {among}", help=did_you_mean(text, options))

    expected = f"one of {listed}" if len(options) > 1 else f"`{listed}`"
    return Slot(expected, lambda node: parse(node.text), {"enum": list(options)}, stand_in="")


# --- numbers and booleans --------------------------------------------------------------------

QUOTES = "remove the quotes"
_INTEGER = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_DECIMAL = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?\Z", re.ASCII)
_MAX_INTEGER = 2**63 - 1


def _unquoted(node: Scalar, what: str) -> str:
    if node.quoted:
        raise Misfit(f"{what} was expected, and quotes make text", help=QUOTES)
    return node.text


def integer(least: int = 0, most: int = _MAX_INTEGER) -> Slot[int]:
    """A whole number within bounds."""

    def parse(node: Scalar) -> int:
        text = _unquoted(node, "a whole number")
        if not _INTEGER.match(text) or len(text) > 30:
            raise Misfit(f"`{shorten(text)}` is not a whole number", help="write digits only")
        number = int(text)
        if not least <= number <= most:
            bounds = f"at least {least}" if number < least else f"at most {most}"
            raise Misfit(f"{number} is out of range: {bounds}", code="VAL004")
        return number

    json = {"type": "integer", "minimum": least, "maximum": most}
    return Slot("a whole number", parse, json, stand_in=least)


def decimal(least: str | None = None, above: str | None = None) -> Slot[Decimal]:
    """An exact decimal number, at least `least`, or greater than `above`."""

    def parse(node: Scalar) -> Decimal:
        text = _unquoted(node, "a number")
        if not _DECIMAL.match(text):
            raise Misfit(f"`{shorten(text)}` is not a number", help="for example 1.25")
        number = Decimal(text)
        if least is not None and number < Decimal(least):
            raise Misfit(f"{text} is out of range: at least {least}", code="VAL004")
        if above is not None and number <= Decimal(above):
            raise Misfit(f"{text} is out of range: more than {above}", code="VAL004")
        return number

    json: dict[str, object] = {"type": "number"}
    if least is not None:
        json["minimum"] = float(least)
    if above is not None:
        json["exclusiveMinimum"] = float(above)
    return Slot("a number", parse, json)


def _percent(node: Scalar) -> Decimal:
    text = node.text
    if _DECIMAL.match(text):
        help = f"write {text}%"
        if 0 < (number := Decimal(text)) < 1:
            help = f"write {(number * 100).normalize():f}%, or {text}% if so little is meant"
        raise Misfit(f"`{text}` has no percent sign", help=help)
    if not text.endswith("%") or not _DECIMAL.match(text[:-1]):
        spaced = re.fullmatch(r"([0-9.]+) +%", text)
        help = f"write {spaced[1]}%" if spaced else "for example 10%"
        raise Misfit(f"`{shorten(text)}` is not a percentage", help=help)
    number = Decimal(text[:-1])
    if not 0 <= number <= 100:
        raise Misfit(f"{text} is out of range: 0% to 100%", code="VAL004")
    return number


_PERCENT_PATTERN = r"^\+?(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$"
PERCENT = Slot(
    "a percentage such as 10%",
    _percent,
    {"type": "string", "pattern": _PERCENT_PATTERN},
    "percent",
)

_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


def _boolean(node: Scalar) -> bool:
    text = _unquoted(node, "true or false")
    if text not in _BOOLEANS:
        raise Misfit(f"`{shorten(text)}` is neither true nor false", help="write true or false")
    return _BOOLEANS[text]


BOOLEAN = Slot("true or false", _boolean, {"type": "boolean"})


def _only_true(node: Scalar) -> bool:
    if not _boolean(node):
        raise Misfit("only true has a meaning here", help="write true, or remove the key")
    return True


TRUE = Slot("true", _only_true, {"const": True}, stand_in=True)

# --- of the catalog and channels -------------------------------------------------------------


_CALLED_ELSEWHERE = {
    **dict.fromkeys(("varchar", "text", "str", "char", "uuid"), "string"),
    **dict.fromkeys(("int", "bigint", "smallint", "long", "int64", "number"), "integer"),
    **dict.fromkeys(("double", "real", "float64"), "float"),
    **dict.fromkeys(("bool", "bit"), "boolean"),
    **dict.fromkeys(("datetime", "timestamptz", "time", "instant"), "timestamp"),
    **dict.fromkeys(("numeric", "money", "decimal"), '"decimal(18,2)"'),
    **dict.fromkeys(("list", "array"), "list<string> or list<integer>"),
}


def _type(text: str) -> ValueType:
    try:
        return parse_type(text)
    except ValueError as error:
        names = ("string", "integer", "decimal(18,2)", "float", "boolean", "date", "timestamp")
        known = (*names, "version", "list<string>", "list<integer>")
        help = None if text.startswith("decimal") else did_you_mean(text, known)
        if text.startswith("decimal(") and not text.endswith(")"):
            help = 'inside of braces it needs quotes: "decimal(18,2)"'
        elif (meant := _CALLED_ELSEWHERE.get(text.lower())) is not None:
            help = f"write {meant}"
        raise Misfit(str(error), help=help) from error


_SIMPLE_TYPES = "string|integer|float|boolean|date|timestamp|version|list<string>|list<integer>"
TYPE = text_slot(
    "type",
    "a type such as integer or decimal(18,2)",
    _type,
    rf"^({_SIMPLE_TYPES}|decimal\( *[0-9]+ *, *[0-9]+ *\))$",
    stand_in=UNREAD,
)
ENCODING = matching(
    "encoding",
    r"^(json|array|delimited|child_table|text|minor_units\([0-9]{1,2}\))$",
    "json, array, delimited, child_table, text or minor_units(2)",
)

JSON_PATH: Shape[tuple[str, ...]] = ByNode(
    "a path such as [properties, plan]",
    scalar=Mapped(TEXT, lambda part: (part,)),
    items=ListOf("path parts", TEXT),
    stand_in=(),
)

_RATE = re.compile(r"([0-9]{1,12})/(s|min|h|d)\Z", re.ASCII)


def _rate(text: str) -> Rate:
    match = _RATE.match(text)
    if match is None or int(match[1]) == 0:
        raise Misfit(
            f"`{shorten(text)}` is not a rate", help="for example 500/min, per s, min, h or d"
        )
    return Rate(count=int(match[1]), per=match[2])  # type: ignore[arg-type]


RATE = text_slot("rate", "a rate such as 500/min", _rate, "^0*[1-9][0-9]*/(s|min|h|d)$")


def _relative_path(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
        raise Misfit(
            f"`{shorten(text)}` leads out of the project",
            help="name a file inside of the project, relative to its folder",
            code="LST002",
        )
    if not path.parts:
        raise Misfit(f"`{shorten(text)}` is not a file")
    return str(path)


PROJECT_PATH = text_slot("project_path", "the path of a file in the project", _relative_path)
