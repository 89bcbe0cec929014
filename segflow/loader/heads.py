"""Shapes that are chosen by a key: unions told apart by a head key, and shapes with a name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from segflow.loader.findings import Findings
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, shorten
from segflow.loader.records import Record
from segflow.loader.shapes import Json, Shape, defined, taken_for
from segflow.loader.suggest import nearest
from segflow.model.address import is_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Headed(Shape[T]):
    """A mapping with exactly one of the head keys, which says what shape it has.

    `instead` are for words that people bring from elsewhere: the head that is meant, or the fix.
    `beside` is the fix where a second head has a number or a duration, `plain` for a name that
    stands where a head should. With a `name` the schema of each head is kept once under it.
    """

    what: str
    heads: Mapping[str, Shape[T]]
    example: str
    instead: Mapping[str, str] = field(default_factory=dict)
    beside: str | None = None
    plain: str | None = None
    name: str | None = None
    stand_in: T | None = None

    def read(self, node: Node, found: Findings) -> T | None:
        if type(node) is not MapNode:
            self._not_a_mapping(node, found)
            return None
        present = [name for name in node.entries if name in self.heads]
        if len(present) == 1:
            return self.heads[present[0]].read(node, found)
        if present:
            self._two_heads(present[0], present[1], node, found)
            return None
        return self._no_head(node, found)

    def _two_heads(self, first: str, second: str, node: MapNode, found: Findings) -> None:
        summary = f"{self.what} has one head key; `{first}` and `{second}` both stand here"
        help = "keep one"
        key, value = node.entries[second]
        if self.beside is not None and isinstance(value, Scalar) and value.text[:1].isdigit():
            help = self.beside
        elif "all" in self.heads:
            help = f"let both hold with all: [{{{first}: …}}, {{{second}: …}}]"
        found.error("KEY005", summary, key, help=help)

    def _not_a_mapping(self, node: Node, found: Findings) -> None:
        help = f"for example {self.example}"
        if isinstance(node, ListNode) and "all" in self.heads:
            help = "say how the items combine: all: […], any: […] or none: […]"
        found.wrong_shape(node, f"{self.what}, which is a mapping", help=help)

    def _no_head(self, node: MapNode, found: Findings) -> T | None:
        beside = {head: set(keys_of(shape)) for head, shape in self.heads.items()}
        foreign = [name for name in node.entries if not any(name in of for of in beside.values())]
        for name in foreign:
            meant, help = self._meant(name)
            if help is not None:
                key = node.entries[name][0]
                found.error("KEY006", f"`{name}` does not begin {self.what}", key, help=help)
                return self._take(name, meant, node, found)
        if not node.whole:
            return None  # it may be among what was refused
        summary = f"{self.what} needs a head key"
        at: Node = next(iter(node.entries.values()))[0] if node.entries else node
        fitting = [head for head, of in beside.items() if of >= node.entries.keys()]
        help = f"one of these must stand: {', '.join(fitting or self.heads)}"
        if foreign:
            summary = f"`{shorten(foreign[0])}` does not begin {self.what}"
            at = node.entries[foreign[0]][0]
            if self.plain is not None and is_name(foreign[0]):
                help = f"{self.plain.format(foreign[0])}; {help}"
        found.error("KEY006", summary, at, help=help)
        return None

    def _meant(self, name: str) -> tuple[str, str | None]:
        """The head that a key was taken for, or "", and the fix; None where it is like no head."""
        meant = self.instead.get(name)
        if meant is not None:
            return (meant, f"write `{meant}`") if meant in self.heads else ("", meant)
        head, colon, _ = name.partition(":")
        if colon and head in self.heads:
            return "", f"write a space after the colon of `{head}`"
        leaves = [head for head, shape in self.heads.items() if keys_of(shape)]
        near = nearest(name, leaves)
        return (near, f"did you mean `{near}`?") if near else ("", None)

    def _take(self, name: str, meant: str, node: MapNode, found: Findings) -> T | None:
        """Judge what stands beside a misspelt head as what stands beside the one that is meant."""
        if meant not in self.heads:
            return None
        read = taken_for(self.heads[meant], node.with_key(name, meant), found)
        if read is not None:
            found.taken[name] = meant
        return read

    def schema(self, defs: Json) -> Json:
        shapes = {head: shape.schema(defs) for head, shape in self.heads.items()}
        if self.name is not None:
            for head, schema in shapes.items():
                shapes[head] = defined(f"{self.name}_{head}", schema, defs)
        return choice_by_key(shapes)


def choice_by_key(shapes: Mapping[str, Json]) -> Json:
    """Nested if/then/else over the keys: an editor then offers the keys of one shape only."""
    schema: Json = {
        "type": "object",
        "properties": dict.fromkeys(shapes, True),
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in shapes],
    }
    for name, shape in reversed(list(shapes.items())):
        condition = {"type": "object", "required": [name]}
        schema = {"if": condition, "then": shape, "else": schema}
    return schema


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IfKey(Shape[T]):
    """One shape for mappings that have the key (with this value, where one is given), another for
    those that have not."""

    key: str
    then: Shape[T]
    otherwise: Shape[T]
    value: str | None = None

    def read(self, node: Node, found: Findings) -> T | None:
        return (self.then if self._has_key(node) else self.otherwise).read(node, found)

    def _has_key(self, node: Node) -> bool:
        if type(node) is not MapNode or self.key not in node.entries:
            return False
        held = node.entries[self.key][1]
        return self.value is None or (type(held) is Scalar and held.text == self.value)

    @property
    def stand_in(self) -> T | None:
        return self.otherwise.stand_in

    def schema(self, defs: Json) -> Json:
        condition: Json = {"type": "object", "required": [self.key]}
        if self.value is not None:
            condition["properties"] = {self.key: {"const": self.value}}
        return {
            "if": condition,
            "then": self.then.schema(defs),
            "else": self.otherwise.schema(defs),
        }


def keys_of(shape: Shape[Any]) -> Iterable[str]:
    """The keys of the mappings that a shape may be."""
    match shape:
        case Record():
            return shape.keys
        case IfKey():
            return (*keys_of(shape.then), *keys_of(shape.otherwise))
        case _:
            return ()


class Named(Shape[T]):
    """A shape that has a name in the schema and may refer to itself; made when first needed."""

    __slots__ = ("_make", "_shape", "name")

    def __init__(self, name: str, make: Callable[[], Shape[T]]) -> None:
        self.name = name
        self._make = make
        self._shape: Shape[T] | None = None

    @property
    def shape(self) -> Shape[T]:
        """What stands under the name."""
        if self._shape is None:
            self._shape = self._make()
        return self._shape

    def read(self, node: Node, found: Findings) -> T | None:
        return (self._shape or self.shape).read(node, found)

    @property
    def stand_in(self) -> T | None:
        return self.shape.stand_in

    def schema(self, defs: Json) -> Json:
        if self.name in defs:
            return defined(self.name, defs[self.name], defs)
        defs[self.name] = {}  # holds the place while a shape refers to itself
        return defined(self.name, self.shape.schema(defs), defs)
