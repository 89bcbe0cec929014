"""The combinators that a grammar is written in. Each reads a node and gives its JSON Schema.

`read` returns None exactly where it has noted an error, so that all errors come at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from segflow.loader.findings import Findings
from segflow.loader.nodes import NULLS, ListNode, MapNode, Node, Scalar, shorten

T = TypeVar("T", covariant=True)
U = TypeVar("U")
Json = dict[str, Any]


class Misfit(ValueError):
    """A scalar that does not fit its slot: what is wrong, and the fix."""

    def __init__(self, summary: str, *, help: str | None = None, code: str = "TYP003") -> None:
        super().__init__(summary)
        self.help = help
        self.code = code


def defined(name: str, schema: Json, defs: Json) -> Json:
    """A reference to a schema that is kept once among the definitions."""
    defs[name] = schema
    return {"$ref": f"#/$defs/{name}"}


class Shape(ABC, Generic[T]):
    """What may stand at a place of a document."""

    @abstractmethod
    def read(self, node: Node, found: Findings) -> T | None:
        """The value. Where errors were noted: what can be known of it, or None for nothing."""

    @property
    def stand_in(self) -> T | None:
        """What stands for a value that can't be read, so that all around it can be judged; None
        where nothing can. Whoever judges says nothing of it: a name or word of this kind is empty,
        a predicate is `everyone`, and a member without a name tells that there may be more."""
        return None

    @abstractmethod
    def schema(self, defs: Json) -> Json:
        """The JSON Schema; named shapes are added to `defs`."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slot(Shape[T]):
    """One scalar. `parse` may raise ValueError, or Misfit where it knows the fix.

    With a `name` its schema is kept once under it. `if_missing` is the fix where no value stands.
    """

    expected: str
    parse: Callable[[Scalar], T]
    json: Json
    name: str | None = None
    if_missing: str | None = None
    stand_in: T | None = None

    def read(self, node: Node, found: Findings) -> T | None:
        if type(node) is not Scalar or (node.text in NULLS and not node.quoted):
            is_missing = type(node) is Scalar
            found.wrong_shape(node, self.expected, help=self.if_missing if is_missing else None)
            return None
        if "${" in node.text:
            summary = "a secret may not stand here"
            help = "secrets fill the url of a source or replica and the settings of a channel"
            found.error("SEC002", summary, node, help=help)
            return None
        try:
            return self.parse(node)
        except Misfit as error:
            found.error(error.code, str(error), node, help=error.help)
        except ValueError as error:
            found.error("TYP003", str(error), node, help=f"write {self.expected}")
        return None

    def schema(self, defs: Json) -> Json:
        return dict(self.json) if self.name is None else defined(self.name, self.json, defs)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mapped(Shape[T], Generic[U, T]):
    """Another shape, whose value is turned into something else."""

    shape: Shape[U]
    turn: Callable[[U], T]

    def read(self, node: Node, found: Findings) -> T | None:
        value = self.shape.read(node, found)
        return None if value is None else self.turn(value)

    @property
    def stand_in(self) -> T | None:
        value = self.shape.stand_in
        return None if value is None else self.turn(value)

    def schema(self, defs: Json) -> Json:
        return self.shape.schema(defs)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Checked(Shape[T], Generic[U, T]):
    """Another shape, whose value is checked, or made into something else, with its node at hand."""

    shape: Shape[U]
    check: Callable[[U, Node, Findings], T | None]

    def read(self, node: Node, found: Findings) -> T | None:
        value = self.shape.read(node, found)
        return None if value is None else self.check(value, node, found)

    def schema(self, defs: Json) -> Json:
        return self.shape.schema(defs)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ListOf(Shape[tuple[T, ...]]):
    """A list of at least `least` items and at most `most`."""

    what: str
    item: Shape[T]
    least: int = 1
    most: int | None = None

    def read(self, node: Node, found: Findings) -> tuple[T, ...] | None:
        if type(node) is not ListNode:
            help = None
            if self.most == 2:
                help = "write [low, high]"
            elif isinstance(node, MapNode):
                dashed = any(key.startswith("-") for key in node.entries)
                help = "write a space after each dash" if dashed else "add a dash before each item"
            elif isinstance(node, Scalar) and not node.is_null:
                help = f"put it in brackets: [{shorten(node.text)}]"
            found.wrong_shape(node, f"a list of {self.what}", help=help)
            return self._single(node, found)
        if not self._count_fits(node, found):
            return None
        items = [self.item.read(item, found) for item in node.items]
        if any(item is None for item in items):
            items = [self.item.stand_in if item is None else item for item in items]
        if any(item is None for item in items):
            return None
        return tuple(items)  # type: ignore[arg-type]

    def _single(self, node: Node, found: Findings) -> tuple[T, ...] | None:
        """What is no list, taken for its only item where it could be one."""
        guess = found.guess()
        item = None if self.least > 1 else self.item.read(node, guess)
        if item is None or guess.errors:
            return None
        found.accept(guess)
        return (item,)

    @property
    def stand_in(self) -> tuple[T, ...] | None:
        return () if self.least <= 1 else None

    def _count_fits(self, node: ListNode, found: Findings) -> bool:
        count = len(node.items)
        if count == 0 and self.least:
            help = "an empty list says nothing: put something into it, or remove the key"
            found.error("VAL001", "the list is empty", node, help=help)
        elif count < self.least or (self.most is not None and count > self.most):
            expected = f"a list of {self.least} {self.what}"
            found.error("TYP001", f"expected {expected}, found {count}", node)
        else:
            return True
        return False

    def schema(self, defs: Json) -> Json:
        schema: Json = {"type": "array", "items": self.item.schema(defs), "minItems": self.least}
        if self.most is not None:
            schema["maxItems"] = self.most
        return schema


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MapOf(Shape[tuple[tuple[str, T], ...]]):
    """A mapping of names that the user chooses to values; not empty.

    Gives pairs sorted by name: the order of keys has no meaning.
    """

    what: str
    name: Slot[str]
    value: Shape[T]

    def read(self, node: Node, found: Findings) -> tuple[tuple[str, T], ...] | None:
        if type(node) is not MapNode:
            is_list = isinstance(node, ListNode)
            help = "write each as `name: …`, without dashes" if is_list else None
            found.wrong_shape(node, f"a mapping of {self.what}", help=help)
            return None
        if not node.entries:
            found.error("VAL001", "the mapping is empty", node, help=f"give {self.what}")
            return None
        pairs = [] if node.whole else list(self.stand_in or ())
        for key, value in node.entries.values():
            name = self.name.read(key, found)
            read = self.value.read(value, found)
            if name is None or (read is None and isinstance(value, MapNode)):
                name = self.name.stand_in  # the names meant may stand one level deeper
            if read is None:
                read = self.value.stand_in
            if name is not None and read is not None:
                pairs.append((name, read))
        pairs.sort(key=lambda pair: pair[0])
        return tuple(pairs)

    @property
    def stand_in(self) -> tuple[tuple[str, T], ...] | None:
        name, value = self.name.stand_in, self.value.stand_in
        return None if name is None or value is None else ((name, value),)

    def schema(self, defs: Json) -> Json:
        return {
            "type": "object",
            "propertyNames": self.name.schema(defs),
            "additionalProperties": self.value.schema(defs),
            "minProperties": 1,
        }


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ByNode(Shape[T]):
    """Different shapes for a scalar, a list and a mapping; None where such a node is wrong."""

    expected: str
    scalar: Shape[T] | None = None
    items: Shape[T] | None = None
    mapping: Shape[T] | None = None
    help: str | None = None
    stand_in: T | None = None

    def read(self, node: Node, found: Findings) -> T | None:
        shape = self._shape_for(node)
        if shape is None:
            found.wrong_shape(node, self.expected, help=self.help)
            return None
        return shape.read(node, found)

    def _shape_for(self, node: Node) -> Shape[T] | None:
        match node:
            case Scalar():
                return self.scalar
            case ListNode():
                return self.items
            case MapNode():
                return self.mapping

    def schema(self, defs: Json) -> Json:
        schema: Json = {"not": {}}
        if self.scalar is not None:
            schema = self.scalar.schema(defs)
        for kind, shape in (("array", self.items), ("object", self.mapping)):
            if shape is not None:
                schema = {"if": {"type": kind}, "then": shape.schema(defs), "else": schema}
        return schema


def taken_for(shape: Shape[T], node: Node, found: Findings) -> T | None:
    """What stands under a key that was taken for another, the fix told: judged as what stands under
    that one, unless it is of another sort altogether."""
    guess = found.guess()
    value = shape.read(node, guess)
    if any(error.span == found.file.span(node) for error in guess.errors):
        return None
    found.accept(guess)
    return value
