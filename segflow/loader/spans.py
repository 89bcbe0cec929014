"""Where every node of every object stands, found when it is asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from segflow.diagnostics import Span
from segflow.loader.blueprint import Made
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, SourceFile
from segflow.loader.yamlsource import documents
from segflow.model.address import Address
from segflow.model.project import KeyPath


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an object's document is: its file, and its number among the documents there. Of one
    that a blueprint made, that document is the blueprint, and `made` knows the rest."""

    file: SourceFile
    number: int
    made: Made | None = None

    def __str__(self) -> str:
        row = "" if self.made is None else f":{self.made.number}"
        return f"{self.file.path}:{self.number}{row}"


@dataclass(frozen=True, slots=True)
class Places:
    """The document of every object. Trees are composed again when a place in them is asked for:
    a load that finds nothing wrong asks for none, and keeps no tree but those of blueprints.
    `taken` are the keys that an object has misspelt, with what they were taken for; `made` are the
    objects that blueprints made, by the address that errors name."""

    placed: dict[Address, Placed] = field(default_factory=dict)
    taken: dict[Address, Mapping[str, str]] = field(default_factory=dict)
    roots: dict[str, list[Node]] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    filled: dict[Address, Node] = field(default_factory=dict)

    def root(self, address: Address) -> tuple[SourceFile, Node]:
        """File and tree of an object; KeyError for an unknown address."""
        placed = self.placed[address]
        path = placed.file.path
        if placed.made is not None:
            if address not in self.filled:
                self.filled[address] = placed.made.node()
            return placed.file, self.filled[address]
        if path not in self.roots:
            self.roots[path] = list(documents(placed.file, []))
        return placed.file, self.roots[path][placed.number]

    def declared(self, address: Address) -> Span:
        """Where an object is declared: of one that is made, its values."""
        made = self.placed[address].made
        file, node = self.root(address)
        return file.span(node if made is None else made.row)


@dataclass(frozen=True, slots=True)
class Spans(Mapping[tuple[Address, KeyPath], Span]):
    """Spans by (address, key path): of keys or of values."""

    places: Places
    of_keys: bool

    def __getitem__(self, place: tuple[Address, KeyPath]) -> Span:
        address, path = place
        file, node = self.places.root(address)
        key: Scalar | None = None
        taken = self.places.taken.get(address, {})
        for step in path:
            key, node = _child(node, step, taken)
        if not self.of_keys:
            return file.span(node)
        if key is None:
            raise KeyError(place)
        return file.span(key)

    def __iter__(self) -> Iterator[tuple[Address, KeyPath]]:
        for address in self.places.placed:
            for path in _paths(self.places.root(address)[1], ()):
                if not self.of_keys or (path and isinstance(path[-1], str)):
                    yield address, path

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class Origins(Mapping[str, str]):
    """How the objects that blueprints made came to be, in words, by the address in errors."""

    places: Places

    def __getitem__(self, address: str) -> str:
        return self.places.made[address].words

    def __iter__(self) -> Iterator[str]:
        return iter(self.places.made)

    def __len__(self) -> int:
        return len(self.places.made)


def _child(node: Node, step: str | int, taken: Mapping[str, str]) -> tuple[Scalar | None, Node]:
    if isinstance(node, MapNode) and isinstance(step, str):
        written = (key for key, meant in taken.items() if meant == step and key in node.entries)
        return node.entries[step if step in node.entries else next(written, step)]
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    if step == 0 and not isinstance(node, ListNode):
        return None, node  # it was taken for the only item of a list
    raise KeyError(step)


def _paths(node: Node, path: KeyPath) -> Iterator[KeyPath]:
    """Every path to the node and below it; the nearest first."""
    yield path
    match node:
        case MapNode():
            for name, (_, value) in node.entries.items():
                yield from _paths(value, (*path, name))
        case ListNode():
            for index, item in enumerate(node.items):
                yield from _paths(item, (*path, index))
        case Scalar():
            pass
