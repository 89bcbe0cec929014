"""The tree that YAML becomes: scalars with their source text, lists, mappings; all with marks."""

import re
from dataclasses import dataclass
from functools import cached_property

from yaml.error import Mark

from segflow.diagnostics import Span

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
        return self.text in NULLS and not self.quoted


@dataclass(slots=True, eq=False)
class ListNode:
    """A list."""

    items: list["Node"]
    in_brackets: bool
    start: Mark
    end: Mark


@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping with text keys in the order written: key, and the nodes of key and value. It is
    not `whole` where a key was refused, so that what it says is not among the entries."""

    entries: dict[str, tuple[Scalar, "Node"]]
    in_brackets: bool
    start: Mark
    end: Mark
    whole: bool = True

    def with_key(self, written: str, meant: str) -> "MapNode":
        """The same mapping with another key in the place of one that is written."""
        entries = {meant if key == written else key: pair for key, pair in self.entries.items()}
        return MapNode(entries, self.in_brackets, self.start, self.end, self.whole)


Node = Scalar | ListNode | MapNode

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
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
        """Where the node stands. A collection without brackets ends where its last item does."""
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
    """The descendant whose end is the node's: marks of collections without brackets run on."""
    while True:
        match node:
            case MapNode() if node.entries and not node.in_brackets:
                node = next(reversed(node.entries.values()))[1]
            case ListNode() if node.items and not node.in_brackets:
                node = node.items[-1]
            case _:
                return node
