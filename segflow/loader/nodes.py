"""The tree that YAML becomes: scalars with their source text, lists and mappings, all with marks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from yaml.error import Mark

from segflow.diagnostics import Span
from segflow.model.address import Address
from segflow.model.project import KeyPath

# Nodes are not frozen: a frozen dataclass is three times as slow to make, and tens of thousands
# are made per load. Nothing writes to a node after the composer made it.


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar as written. `quoted` is True for quoted and block scalars, which are always text."""

    text: str
    quoted: bool
    start: Mark
    end: Mark

    @property
    def is_null(self) -> bool:
        """Nothing written, ~ or null, without quotes."""
        return not self.quoted and self.text in _NULLS


@dataclass(slots=True, eq=False)
class ListNode:
    """A list."""

    items: list["Node"]
    start: Mark
    end: Mark


@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping with text keys in the order written: key, and the nodes of key and value."""

    entries: dict[str, tuple[Scalar, "Node"]]
    start: Mark
    end: Mark


Node = Scalar | ListNode | MapNode

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML counts as the end of a line


def describe(node: Node) -> str:
    """What a node is, in words for an error."""
    match node:
        case MapNode():
            return "a mapping"
        case ListNode():
            return "a list"
        case Scalar():
            return "nothing" if node.is_null else f"`{shorten(node.text)}`"


def shorten(text: str) -> str:
    """The text on one line and not longer than a line of an error can bear."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "…"


class SourceFile:
    """A file's path, relative to the project, and its text, from which spans are cut when asked."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends; at least one."""
        return _BREAK.split(self.text)

    def span(self, node: Node) -> Span:
        """Where the node stands. A block collection ends where its last scalar does."""
        end = _last(node).end
        return self.range(node.start.line, node.start.column, end.line, end.column)

    def range(self, line: int, column: int, end_line: int, end_column: int) -> Span:
        """A span from positions that count from 0, moved inside the file and never empty."""
        line = min(line, len(self.lines) - 1)
        text = self.lines[line]
        column = min(column, len(text))
        if (end_line, end_column) <= (line, column):
            end_line, end_column = line, column + 1
        return Span(
            path=self.path,
            line=line + 1,
            column=column + 1,
            end_line=end_line + 1,
            end_column=end_column + 1,
            text=text,
        )


def _last(node: Node) -> Node:
    """The descendant whose end is the node's: marks of block collections run on to the next token."""
    while True:
        match node:
            case MapNode() if node.entries:
                node = next(reversed(node.entries.values()))[1]
            case ListNode() if node.items:
                node = node.items[-1]
            case _:
                return node


@dataclass(frozen=True, slots=True)
class Placed:
    """An object's document: the file and the root of its tree."""

    file: SourceFile
    root: Node


@dataclass(frozen=True, slots=True)
class Spans(Mapping[tuple[Address, KeyPath], Span]):
    """Spans by (address, key path), cut from the tree when asked: most are never asked for.

    `of_keys` gives the spans of keys instead of those of values.
    """

    documents: Mapping[Address, Placed]
    of_keys: bool = field(default=False)

    def __getitem__(self, place: tuple[Address, KeyPath]) -> Span:
        address, path = place
        document = self.documents[address]
        node: Node = document.root
        key: Scalar | None = None
        for step in path:
            key, node = _child(node, step)
        if not self.of_keys:
            return document.file.span(node)
        if key is None:
            raise KeyError(place)
        return document.file.span(key)

    def __iter__(self) -> Iterator[tuple[Address, KeyPath]]:
        for address, document in self.documents.items():
            for path, is_keyed in _paths(document.root, ()):
                if is_keyed or not self.of_keys:
                    yield address, path

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _child(node: Node, step: str | int) -> tuple[Scalar | None, Node]:
    if isinstance(node, MapNode) and isinstance(step, str):
        return node.entries[step]
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    raise KeyError(step)


def _paths(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, bool]]:
    """Every path below the node with whether a key stands there; the root first."""
    yield path, bool(path) and isinstance(path[-1], str)
    match node:
        case MapNode():
            for name, (_, value) in node.entries.items():
                yield from _paths(value, (*path, name))
        case ListNode():
            for index, item in enumerate(node.items):
                yield from _paths(item, (*path, index))
        case Scalar():
            pass
