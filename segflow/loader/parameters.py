"""The parameters of blueprints: their types, and what may be given for them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from segflow.loader.findings import Findings
from segflow.loader.heads import IfKey
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, shorten
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import Checked, ListOf, Misfit, Shape, Slot
from segflow.loader.slots import BOOLEAN, LITERAL, NAME, TEXT, choice, decimal, integer
from segflow.loader.suggest import did_you_mean
from segflow.loader.times import CLOCK, DURATION, MOMENT, longest
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.scalar import DatePoint, InstantPoint


def _string(node: Scalar) -> str:
    return node.text


def _date(node: Scalar) -> date:
    moment = MOMENT.parse(node)
    if isinstance(moment, DatePoint):
        return moment.date
    raise Misfit(f"`{shorten(node.text)}` is not a date", help=f"write {node.text[:10]}")


def _timestamp(node: Scalar) -> Instant:
    moment = MOMENT.parse(node)
    if isinstance(moment, InstantPoint):
        return moment.instant
    raise Misfit(f"`{node.text}` has no time", help=f"write {node.text}T00:00:00Z")


_MOST = 2**63 - 1
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE = {"type": "string", "pattern": f"^{_DAY}$"}
_OFFSET = "(Z|[+-][0-9]{2}:[0-9]{2})"
_TIMESTAMP = {"type": "string", "pattern": f"^{_DAY}[Tt ]{CLOCK}{_OFFSET}$"}
_STRING = Slot("text", _string, LITERAL.json)
_INTEGER = integer(-_MOST, _MOST)
_SLOTS: Mapping[str, Shape[Any]] = {
    "string": _STRING,
    "name": NAME,
    "integer": _INTEGER,
    "decimal": decimal(),
    "boolean": BOOLEAN,
    "duration": DURATION,
    "date": Slot("a date such as 2026-01-31", _date, _DATE),
    "timestamp": Slot("a time such as 2026-01-31T09:00:00Z", _timestamp, _TIMESTAMP),
    "list<string>": ListOf("texts", _STRING),
    "list<integer>": ListOf("whole numbers", _INTEGER),
}
TYPES = tuple(_SLOTS)
_AS_TEXT = frozenset(("string", "name", "list<string>"))
_ORDERED = frozenset(("integer", "decimal", "duration", "date", "timestamp"))


@dataclass(frozen=True, slots=True)
class Given:
    """A value that was given for a parameter, and the node that says it."""

    value: Any
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter as declared; `default` stands where none is given."""

    type: str
    least: Given | None = None
    most: Given | None = None
    one_of: tuple[Given, ...] = ()
    default: Given | None = None

    @property
    def is_list(self) -> bool:
        """True where its values are lists, which stand in no text."""
        return self.type.startswith("list")

    def is_sound(self, node: Node, found: Findings) -> bool:
        """True where the node may be given for it; else an error is noted."""
        before = len(found.errors)
        value = _SLOTS[self.type].read(node, found)
        if value is not None and len(found.errors) == before:
            self.check(Given(value, node), found)
        return len(found.errors) == before

    def as_node(self, node: Node, at: Node) -> Node:
        """The value as it stands in the place of `at`: what is text is so without quotes, too."""
        quoted = self.type in _AS_TEXT
        match node:
            case Scalar(text=text):
                return Scalar(text, quoted, at.start, at.end)
            case ListNode(items=items):
                copies: list[Node] = [self.as_node(item, item) for item in items]
                return ListNode(copies, in_brackets=True, start=at.start, end=at.end)
            case MapNode():
                return MapNode(node.entries, in_brackets=True, start=at.start, end=at.end)

    def check(self, given: Given, found: Findings) -> None:
        """Note a value that is out of range, or is none of those that are allowed."""
        if self.least is not None and _order(given) < _order(self.least):
            _out_of_range(given, "at least", self.least, found)
        elif self.most is not None and _order(given) > _order(self.most):
            _out_of_range(given, "at most", self.most, found)
        elif self.one_of and given.value not in [one.value for one in self.one_of]:
            words = [_words(one) for one in self.one_of]
            summary = f"`{_words(given)}` is not one of {', '.join(words)}"
            help = did_you_mean(_words(given), words) or "or add it to one_of of the parameter"
            found.error("TYP003", summary, given.node, help=help)


def _order(given: Given) -> Any:
    """By what values are ordered: a month counts as 31 days."""
    return longest(given.value) if isinstance(given.value, Duration) else given.value


def _out_of_range(given: Given, bound: str, limit: Given, found: Findings) -> None:
    summary = f"{_words(given)} is out of range: {bound} {_words(limit)}"
    help = f"the parameter declares so in line {limit.node.start.line + 1}"
    found.error("VAL004", summary, given.node, help=help)


def _words(given: Given) -> str:
    return shorten(written(given.node))


def written(node: Node) -> str:
    """A value as one writes it."""
    match node:
        case Scalar(text=text):
            return text
        case ListNode(items=items):
            return f"[{', '.join(written(item) for item in items)}]"
        case MapNode():
            return "{…}"


# --- their grammar ---------------------------------------------------------------------------


def _given(value: Any, node: Node, found: Findings) -> Given:
    return Given(value, node)


def _parameter(type_: str, values: Values, node: MapNode, found: Findings) -> Parameter | None:
    least, most = values.get("min"), values.get("max")
    if least is not None and most is not None and _order(most) < _order(least):
        summary = f"no value is from {_words(least)} to {_words(most)}"
        found.error("VAL002", summary, most.node, help="swap min and max")
        return None
    bounds = Parameter(type=type_, least=least, most=most)
    for one in values.get("one_of", ()):
        bounds.check(one, found)
    default = values.get("default")
    parameter = replace(bounds, one_of=values.get("one_of", ()), default=default)
    if default is not None:
        parameter.check(default, found)
    return parameter


def _record(type_: str) -> Shape[Parameter]:
    slot: Shape[Any] = Checked(_SLOTS[type_], _given)
    keys = {
        "type": Key(choice(*TYPES), required=True, doc="What its values are"),
        "description": Key(TEXT, doc="For people"),
        "default": Key(slot, doc="Its value where for_each gives none"),
        "one_of": Key(ListOf("values", slot), doc="Only these may be given"),
    }
    if type_ in _ORDERED:
        keys["min"] = Key(slot, doc="The least value that may be given")
        keys["max"] = Key(slot, doc="The greatest value that may be given")
    return Record(
        what=f"a parameter of type {type_}",
        keys=keys,
        build=partial(_parameter, type_),
        hints=dict.fromkeys(("min", "max"), "only numbers, durations and times have bounds"),
        example=f"{{type: {type_}}}",
        name=f"parameter_{type_.replace('<', '_').replace('>', '')}",
    )


def _any_type() -> Shape[Parameter]:
    shape: Shape[Parameter] = Record(
        what="a parameter",
        keys={
            "type": Key(choice(*TYPES), required=True),
            **dict.fromkeys(("description", "default", "one_of", "min", "max"), Key(_ANY)),
        },
        build=lambda values, node, found: None,
        example="{type: integer, min: 1}",
    )
    for type_ in reversed(TYPES):
        shape = IfKey("type", then=_record(type_), otherwise=shape, value=type_)
    return shape


class _Any(Shape[Node]):
    """Whatever stands there."""

    def read(self, node: Node, found: Findings) -> Node:
        return node

    def schema(self, defs: dict[str, Any]) -> dict[str, Any]:
        return {}


_ANY = _Any()
PARAMETER = _any_type()
