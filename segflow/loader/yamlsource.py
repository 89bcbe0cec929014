"""YAML text to trees: one pass over the C parser's events that refuses what YAML allows too much.

Built on events and not on PyYAML's composer, which recurses in C and dies on deep nesting.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from yaml.error import Mark, MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from segflow.diagnostics import Diagnostic
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, SourceFile, shorten
from segflow.loader.yamladvice import INVISIBLE, TEMPLATED, advice_on, fix_of, place_of

try:
    from yaml.cyaml import CParser as EventParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: the same events, ten times slower
    from yaml.loader import SafeLoader as EventParser  # type: ignore[assignment]

ENDING = frozenset(("YML001", "YML005", "YML006"))
"""The codes of faults behind which a file is not read."""
MAX_DEPTH = 64
MAX_NODES_BY_ALIAS = 10_000

_STARTS = frozenset((MappingStartEvent, SequenceStartEvent))
_ENDS = frozenset((MappingEndEvent, SequenceEndEvent))
_PLAIN = (None, "")
_QUOTE_KEY = "put the key in quotes, or remove it"


class _Unbounded(Exception):
    """What would be built has no bound that we accept; the file ends at the mark."""

    def __init__(self, code: str, summary: str, help: str, mark: Mark) -> None:
        super().__init__(summary)
        self.code, self.summary, self.help, self.mark = code, summary, help, mark


def _too_deep(mark: Mark) -> _Unbounded:
    summary = f"nested deeper than {MAX_DEPTH} levels"
    help = "give a part of it a name: a segment can be used in another"
    return _Unbounded("YML005", summary, help, mark)


def _no_space(key: Scalar) -> _Unbounded:
    summary = f"broken YAML: a character that is no space (U+{ord(key.text[0]):04X}) stands here"
    return _Unbounded("YML001", summary, "replace it with plain spaces", key.start)


class _Extent(NamedTuple):
    """How many nodes there are at and below a node, and how many levels. The node is held, so that
    its identity stays its own."""

    node: Node
    size: int
    depth: int


def documents(file: SourceFile, found: list[Diagnostic]) -> Iterator[Node]:
    """The documents of a file that are not empty, in order.

    Broken YAML ends the file with one error. Whatever else is wrong is added to `found`, and the
    document given all the same.
    """
    composer = _Composer(file, found)
    try:
        yield from composer.run()
    except MarkedYAMLError as error:
        del found[composer.begun :]  # of a document that is not read at all nothing else is said
        mark = place_of(error)
        problem = error.problem or error.context or "broken YAML"
        composer.fault("YML001", f"broken YAML: {problem}", mark, mark, fix_of(error, file))
    except ReaderError as error:
        found.append(_unreadable_character(file, error))
    except _Unbounded as error:
        composer.fault(error.code, error.summary, error.mark, error.mark, error.help)


def _unreadable_character(file: SourceFile, error: ReaderError) -> Diagnostic:
    before = file.text.encode()[: error.position].decode(errors="replace")
    lines = SourceFile(file.path, before).lines
    line, column = len(lines) - 1, len(lines[-1])
    return Diagnostic(
        code="YML001",
        summary=f"broken YAML: {error.reason}",
        help=advice_on(str(error.reason)),
        span=file.range(line, column, line, column + 1),
    )


class _Composer:
    """Builds trees from events with a stack of its own."""

    def __init__(self, file: SourceFile, found: list[Diagnostic]) -> None:
        self.file = file
        self.found = found
        self.anchors: dict[str, Node] = {}
        self.extents: dict[int, _Extent] = {}
        self.by_alias = 0
        self.begun = len(found)

    def run(self) -> Iterator[Node]:
        """Every document that is not empty."""
        next_event: Callable[[], Any] = EventParser(self.file.text).get_event
        children: list[Node] = []  # of the collection that is open
        outer: list[tuple[Any, list[Node]]] = []  # its start, and the children of what it is in
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                # The commonest event by far, so it has no call of its own.
                quoted = event.style not in _PLAIN
                node: Node = Scalar(event.value, quoted, event.start_mark, event.end_mark)
                if event.anchor is not None or event.tag is not None:
                    self.decorated(event, node)
                children.append(node)
            elif kind in _STARTS:
                if len(outer) == MAX_DEPTH:
                    raise _too_deep(event.start_mark)
                outer.append((event, children))
                children = []
            elif kind in _ENDS:
                start, siblings = outer.pop()
                is_root = not outer
                siblings.append(self.closed(start, children, event.end_mark, is_root=is_root))
                children = siblings
            elif kind is AliasEvent:
                children.append(self.alias(event, len(outer)))
            elif kind is DocumentEndEvent:
                yield from self.document(children)
                children = []
                self.begun = len(self.found)

    def document(self, children: list[Node]) -> Iterator[Node]:
        """The root, unless nothing stands there; anchors end with their document."""
        self.anchors, self.extents, self.by_alias = {}, {}, 0
        root = children[0]
        if not (isinstance(root, Scalar) and root.is_null):
            yield root

    def closed(self, start: Any, children: list[Node], end: Mark, *, is_root: bool) -> Node:
        """The finished collection."""
        begin: Mark = start.start_mark
        node: Node
        if type(start) is MappingStartEvent:
            entries = self.entries(children, is_root=is_root)
            whole = 2 * len(entries) == len(children)
            node = MapNode(entries, bool(start.flow_style), begin, end, whole)
        else:
            node = ListNode(children, bool(start.flow_style), begin, end)
        if start.anchor is not None or start.tag is not None:
            self.decorated(start, node)
        return node

    def entries(self, children: list[Node], *, is_root: bool) -> dict[str, tuple[Scalar, Node]]:
        """Keys and values paired; of a key that stands twice the first counts. Where the first key
        of a document stands again, another object begins."""
        entries: dict[str, tuple[Scalar, Node]] = {}
        pairs = iter(children)
        for key, value in zip(pairs, pairs, strict=True):
            if type(key) is not Scalar or key.is_null:
                help = TEMPLATED if isinstance(key, MapNode) else _QUOTE_KEY
                self.at(key, "YML008", "a key must be text", help)
            elif key.text in entries:
                first = entries[key.text][0].start.line + 1
                summary = f"the key `{shorten(key.text)}` stands twice; first in line {first}"
                if is_root and key.text == next(iter(entries)):
                    help = "put a line with --- above it if another object begins here"
                    self.at(key, "YML002", summary, help)
                    break
                self.at(key, "YML002", summary, "keep one of the two")
            elif key.text == "<<" and not key.quoted:
                help = "write the keys out; a whole value can be repeated with &name and *name"
                self.at(key, "YML003", "merge keys are refused", help)
            elif key.text[0] in INVISIBLE and not key.quoted:
                raise _no_space(key)
            else:
                entries[key.text] = (key, value)
        return entries

    def decorated(self, event: Any, node: Node) -> None:
        """Refuse a tag and remember an anchor."""
        if event.tag is not None:
            help = "remove the tag; the slot says what type a value has, and quotes make text"
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.at(node, "YML004", f"the tag `{shorten(tag)}` is refused", help)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
            self.extents[id(node)] = self.extent(node)

    def alias(self, event: Any, depth: int) -> Node:
        """The node that the alias stands for; what all aliases of a document add is bounded."""
        node = self.anchors.get(event.anchor)
        if node is None:
            problem = f"found undefined alias '{event.anchor}'"
            raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        extent = self.extents[id(node)]
        self.by_alias += extent.size
        if self.by_alias > MAX_NODES_BY_ALIAS:
            summary = f"aliases expand to more than {MAX_NODES_BY_ALIAS} nodes"
            raise _Unbounded("YML006", summary, "write less by alias", event.start_mark)
        if depth + extent.depth > MAX_DEPTH:
            raise _too_deep(event.start_mark)
        return node

    def extent(self, node: Node) -> _Extent:
        """How large the node is, where anchored ones below it are known already."""
        known = self.extents.get(id(node))
        if known is not None:
            return known
        match node:
            case MapNode():
                below = [self.extent(value) for _, value in node.entries.values()]
            case ListNode():
                below = [self.extent(item) for item in node.items]
            case Scalar():
                return _Extent(node, 1, 0)
        size = 1 + sum(part.size for part in below)
        return _Extent(node, size, 1 + max((part.depth for part in below), default=0))

    def at(self, node: Node, code: str, summary: str, help: str) -> None:
        """Note a fault at a node."""
        span = self.file.span(node)
        self.found.append(Diagnostic(code=code, summary=summary, help=help, span=span))

    def fault(
        self, code: str, summary: str, start: Mark | None, end: Mark | None, help: str | None
    ) -> None:
        """Note a fault between two marks; at the end of the file where there is none."""
        last = len(self.file.lines) - 1
        line, column = (start.line, start.column) if start else (last, 0)
        end_line, end_column = (end.line, end.column) if end else (last, 0)
        span = self.file.range(line, column, end_line, end_column)
        self.found.append(Diagnostic(code=code, summary=summary, help=help, span=span))
