"""Shapes that are chosen by a key: unions told apart by a head key, and shapes with a name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from segflow.loader.findings import Findings
from segflow.loader.nodes import ListNode, MapNode, Node
from segflow.loader.shapes import Json, Shape, defined
from segflow.loader.suggest import nearest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Headed(Shape[T]):
    """A mapping with exactly one of the head keys, which says what shape it has.

    `instead` are fixes for words that people bring from elsewhere. With a `name` the schema of
    each head is kept once under it.
    """

    what: str
    heads: Mapping[str, Shape[T]]
    example: str
    instead: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def read(self, node: Node, found: Findings) -> T | None:
        if type(node) is not MapNode:
            self._not_a_mapping(node, found)
            return None
        present = [name for name in node.entries if name in self.heads]
        if len(present) == 1:
            return self.heads[present[0]].read(node, found)
        if present:
            first, second = present[:2]
            summary = f"{self.what} has one head key; `{first}` and `{second}` both stand here"
            help = "keep one"
            if "all" in self.heads:
                help = f"let both hold with all: [{{{first}: …}}, {{{second}: …}}]"
            found.error("KEY005", summary, node.entries[second][0], help=help)
        else:
            self._no_head(node, found)
        return None

    def _not_a_mapping(self, node: Node, found: Findings) -> None:
        help = f"for example {self.example}"
        if isinstance(node, ListNode) and "all" in self.heads:
            help = "say how the items combine: all: […], any: […] or none: […]"
        found.wrong_shape(node, f"{self.what}, which is a mapping", help=help)

    def _no_head(self, node: MapNode, found: Findings) -> None:
        for name, (key, _) in node.entries.items():
            help = self.instead.get(name)
            if help is None and (near := nearest(name, self.heads)):
                help = f"did you mean `{near}`?"
            if help is not None:
                found.error("KEY006", f"`{name}` does not begin {self.what}", key, help=help)
                return
        at: Node = next(iter(node.entries.values()))[0] if node.entries else node
        help = "one of these must stand: " + ", ".join(self.heads)
        found.error("KEY006", f"{self.what} needs a head key", at, help=help)

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
    """One shape for mappings that have the key, another for those that have not."""

    key: str
    then: Shape[T]
    otherwise: Shape[T]

    def read(self, node: Node, found: Findings) -> T | None:
        has_key = type(node) is MapNode and self.key in node.entries
        return (self.then if has_key else self.otherwise).read(node, found)

    def schema(self, defs: Json) -> Json:
        return {
            "if": {"type": "object", "required": [self.key]},
            "then": self.then.schema(defs),
            "else": self.otherwise.schema(defs),
        }


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

    def schema(self, defs: Json) -> Json:
        if self.name in defs:
            return defined(self.name, defs[self.name], defs)
        defs[self.name] = {}  # holds the place while a shape refers to itself
        return defined(self.name, self.shape.schema(defs), defs)
