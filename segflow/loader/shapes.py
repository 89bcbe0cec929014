"""The combinators that a grammar is written in. Each reads a node and gives its JSON Schema.

`read` returns None exactly where it has noted an error, so that all errors come at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Generic, TypeVar

from segflow.loader.findings import Findings
from segflow.loader.nodes import NULLS, ListNode, MapNode, Node, Scalar, shorten
from segflow.loader.suggest import did_you_mean_or_list

T = TypeVar("T", covariant=True)
U = TypeVar("U")
Json = dict[str, Any]
Values = dict[str, Any]
"""What the keys of a mapping were read as; a key that was left out is absent."""


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
        """The value, or None when an error was noted."""

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
            help = "add a dash before each item" if isinstance(node, MapNode) else None
            if isinstance(node, Scalar) and not node.is_null:
                help = f"put it in brackets: [{shorten(node.text)}]"
            found.wrong_shape(node, f"a list of {self.what}", help=help)
            return None
        if not self._count_fits(node, found):
            return None
        items = [self.item.read(item, found) for item in node.items]
        if any(item is None for item in items):
            return None
        return tuple(items)  # type: ignore[arg-type]

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
            found.wrong_shape(node, f"a mapping of {self.what}")
            return None
        if not node.entries:
            found.error("VAL001", "the mapping is empty", node, help=f"give {self.what}")
            return None
        before = len(found.errors)
        pairs: list[tuple[str, T]] = []
        for key, value in node.entries.values():
            name = self.name.read(key, found)
            read = self.value.read(value, found)
            if name is not None and read is not None:
                pairs.append((name, read))
        pairs.sort(key=lambda pair: pair[0])
        return tuple(pairs) if len(found.errors) == before else None

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Key:
    """A key of a Record: what its value is, whether it must stand, and a word for editors."""

    shape: Shape[Any]
    required: bool = False
    doc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Record(Shape[T]):
    """A mapping with known keys.

    `one_of` lists sets of keys of which exactly one must stand, `some_of` sets of which at least
    one must, `apart` pairs that exclude each other. `hints` are fixes for keys that belong
    to other forms, `refused` for keys that this version refuses. `others` reads all unknown keys.
    `build` may note errors and return None. With a `name` the schema is kept once under it.
    """

    what: str
    keys: Mapping[str, Key]
    build: Callable[[Values, MapNode, Findings], T | None]
    one_of: tuple[tuple[str, ...], ...] = ()
    some_of: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    others: Shape[Any] | None = None
    example: str | None = None
    name: str | None = None
    _needed: frozenset[str] = field(init=False)
    _rivals: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        needed = frozenset(name for name, key in self.keys.items() if key.required)
        object.__setattr__(self, "_needed", needed)
        object.__setattr__(self, "_rivals", frozenset(chain.from_iterable(self.apart)))

    def read(self, node: Node, found: Findings) -> T | None:
        if type(node) is not MapNode:
            help = f"for example {self.example}" if self.example else None
            found.wrong_shape(node, f"{self.what}, which is a mapping", help=help)
            return None
        before = len(found.errors)
        values: Values = {}
        fixes: list[str] = []
        keys = self.keys
        for name, (key, value) in node.entries.items():
            known = keys.get(name)
            if known is not None:
                values[name] = known.shape.read(value, found)
            elif self.others is not None:
                values[name] = self.others.read(value, found)
            else:
                fixes.append(self._unknown(name, key, found))
        if not self._needed <= values.keys():
            self._check_required(node, fixes, found)
        if len(self._rivals & values.keys()) > 1:
            self._check_apart(node, found)
        if self.one_of:
            self._check_one_of(node, found)
        if self.some_of and not fixes:
            self._check_some_of(node, found)
        if len(found.errors) != before:
            return None
        return self.build(values, node, found)

    def _unknown(self, name: str, key: Scalar, found: Findings) -> str:
        """Note the key, and return the fix."""
        if name in self.refused:
            help = "remove the key"
            found.error("NOT001", self.refused[name], key, help=help)
        elif name in self.hints:
            help = self.hints[name]
            found.error("KEY007", f"`{name}` does not belong to {self.what}", key, help=help)
        else:
            help = did_you_mean_or_list(name, self.keys)
            summary = f"unknown key `{shorten(name)}` in {self.what}"
            found.error("KEY001", summary, key, help=help)
        return help

    def _check_required(self, node: MapNode, fixes: list[str], found: Findings) -> None:
        """Note missing keys, save those that the fix of another error will bring."""
        for name in self.keys:
            brought = any(f"`{name}`" in fix for fix in fixes)
            if name in self._needed and name not in node.entries and not brought:
                self._missing("KEY002", f"{self.what} needs the key `{name}`", node, found)

    def _check_one_of(self, node: MapNode, found: Findings) -> None:
        for names in self.one_of:
            held = [name for name in names if name in node.entries]
            if len(held) > 1:
                self._exclusive(held[0], held[1], node, found)
            elif not held:
                self._missing("KEY002", f"{self.what} needs {_listed(names)}", node, found)

    def _check_some_of(self, node: MapNode, found: Findings) -> None:
        for names in self.some_of:
            if node.entries.keys().isdisjoint(names):
                summary = f"{self.what} needs at least one of {_listed(names)}"
                self._missing("KEY004", summary, node, found)

    def _check_apart(self, node: MapNode, found: Findings) -> None:
        for first, second in self.apart:
            if first in node.entries and second in node.entries:
                self._exclusive(first, second, node, found)

    def _missing(self, code: str, summary: str, node: MapNode, found: Findings) -> None:
        help = f"for example {self.example}" if self.example else None
        at: Node = next(iter(node.entries.values()))[0] if node.entries else node
        found.error(code, summary, at, help=help)

    def _exclusive(self, first: str, second: str, node: MapNode, found: Findings) -> None:
        summary = f"`{first}` and `{second}` exclude each other in {self.what}"
        later = max(first, second, key=list(node.entries).index)
        found.error("KEY003", summary, node.entries[later][0], help="keep one of the two")

    def schema(self, defs: Json) -> Json:
        schema = self._schema(defs)
        return schema if self.name is None else defined(self.name, schema, defs)

    def _schema(self, defs: Json) -> Json:
        properties = {name: _documented(key, defs) for name, key in self.keys.items()}
        others = False if self.others is None else self.others.schema(defs)
        schema: Json = {
            "type": "object",
            "properties": properties,
            "additionalProperties": others,
        }
        if required := [name for name, key in self.keys.items() if key.required]:
            schema["required"] = required
        conditions: list[Json] = [
            {"oneOf": [{"required": [name]} for name in names]} for names in self.one_of
        ]
        conditions += [
            {"anyOf": [{"required": [name]} for name in names]} for names in self.some_of
        ]
        conditions += [{"not": {"required": list(pair)}} for pair in self.apart]
        if conditions:
            schema["allOf"] = conditions
        return schema


def _listed(names: Sequence[str]) -> str:
    """The names joined by or; only the first of many."""
    shown = [f"`{name}`" for name in names[:6]]
    last = "others" if len(names) > len(shown) else shown.pop()
    return f"{', '.join(shown)} or {last}" if shown else last


def _documented(key: Key, defs: Json) -> Json:
    schema = key.shape.schema(defs)
    return {"description": key.doc, **schema} if key.doc else schema
