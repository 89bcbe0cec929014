"""The holes of a blueprint's object: where parameters stand in it, and how they are filled.

A tree with holes is looked through once; to fill it makes anew only what has a hole below.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from segflow.loader.findings import Findings
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, shorten
from segflow.loader.parameters import Parameter, written
from segflow.loader.suggest import did_you_mean_or_list

UNITS = ("s", "min", "h", "d", "w", "mo", "y")
Filling = Mapping[str, Node]
"""The values of one object, by parameter; what could not be read is absent."""

# A secret is no hole, and a doubled brace stands for one.
_BRACES = re.compile(r"\$\{[^{}]*\}|\{\{|\}\}|\{([a-z][a-z0-9_]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Braces:
    """A text with parameters in braces: at odd places the names, at even ones what is between."""

    node: Scalar
    pieces: tuple[str, ...]

    def filled(self, values: Filling) -> Scalar:
        """The text, which is text in quotes as soon as a parameter stands in it."""
        parts = list(self.pieces)
        for place in range(1, len(parts), 2):
            value = values.get(parts[place])
            parts[place] = "" if value is None else written(value)
        quoted = self.node.quoted or len(parts) > 1
        return Scalar("".join(parts), quoted, self.node.start, self.node.end)


@dataclass(frozen=True, slots=True)
class Hole:
    """`{param: name}`, which is the value itself; with a unit, a duration."""

    node: MapNode
    name: str
    unit: str
    parameter: Parameter | None

    def filled(self, values: Filling) -> Node:
        """The value, in the place of the hole."""
        value = values.get(self.name)
        if value is None or self.parameter is None:
            return Scalar("", quoted=True, start=self.node.start, end=self.node.end)
        node = self.parameter.as_node(value, self.node)
        if isinstance(node, Scalar) and self.unit:
            return Scalar(node.text + self.unit, node.quoted, node.start, node.end)
        return node


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping with holes below some of its keys."""

    node: MapNode
    below: tuple[tuple[str, "Holed"], ...]

    def filled(self, values: Filling) -> MapNode:
        """The mapping without holes."""
        node = self.node
        entries = dict(node.entries)
        for key, part in self.below:
            entries[key] = (entries[key][0], part.filled(values))
        return MapNode(entries, node.in_brackets, node.start, node.end, node.whole)


@dataclass(frozen=True, slots=True)
class Row:
    """A list with holes in some of its items."""

    node: ListNode
    below: tuple[tuple[int, "Holed"], ...]

    def filled(self, values: Filling) -> ListNode:
        """The list without holes."""
        items = list(self.node.items)
        for number, part in self.below:
            items[number] = part.filled(values)
        return ListNode(items, self.node.in_brackets, self.node.start, self.node.end)


Holed = Braces | Hole | Branch | Row


@dataclass(slots=True)
class Search:
    """Looks for the holes of a tree. `uses` counts the places of each parameter; `faulty` are the
    nodes with an error, `bare` the texts that are one parameter in braces and nothing else, and
    `weight` the number of nodes and characters."""

    parameters: Mapping[str, Parameter | None]
    found: Findings
    uses: dict[str, int] = field(default_factory=dict)
    faulty: list[Node] = field(default_factory=list)
    bare: list[tuple[Scalar, str]] = field(default_factory=list)
    weight: int = 0

    def holes(self, node: Node) -> Holed | None:
        """The tree with its holes; None where it has none."""
        self.weight += 1
        match node:
            case Scalar(text=text):
                self.weight += len(text)
                return self._braces(node) if "{" in text or "}" in text else None
            case ListNode(items=items):
                parts = [(number, self.holes(item)) for number, item in enumerate(items)]
                below = tuple((number, part) for number, part in parts if part is not None)
                return Row(node, below) if below else None
            case MapNode() if "param" in node.entries:
                return self._hole(node)
            case MapNode():
                return self._branch(node)

    def _branch(self, node: MapNode) -> Branch | None:
        below = []
        for key, (written_key, value) in node.entries.items():
            if "{" in key:
                self._key(written_key)
            if node.in_brackets and key in self.parameters and _is_absent(value):
                help = f"write {{param: {key}}} for the value, or a text with braces in quotes"
                self._fault("BLP005", f"{{{key}}} without quotes is a mapping", node, help)
            elif (part := self.holes(value)) is not None:
                below.append((key, part))
        return Branch(node, tuple(below)) if below else None

    def _key(self, key: Scalar) -> None:
        names = [match[1] for match in _BRACES.finditer(key.text) if match[1]]
        if any(name in self.parameters for name in names):
            help = "parameters stand in values only"
            self._fault("BLP005", f"the key `{shorten(key.text)}` has a parameter", key, help)

    def _braces(self, node: Scalar) -> Braces | None:
        pieces: list[str] = []
        between, end = "", 0
        for match in _BRACES.finditer(node.text):
            between += node.text[end : match.start()]
            token, name, end = match[0], match[1], match.end()
            if name is not None:
                self._use(name, node, is_text=True)
                pieces += [between, name]
                between = ""
                continue
            if len(token) == 1:
                help = "double a brace that is meant as it stands: {{ or }}"
                self._fault("BLP005", f"a `{token}` stands alone", node, help)
            between += token[0] if token in ("{{", "}}") else token
        pieces.append(between + node.text[end:])
        if len(pieces) == 3 and not pieces[0] and not pieces[2]:
            self.bare.append((node, pieces[1]))
        return None if pieces == [node.text] else Braces(node, tuple(pieces))

    def _hole(self, node: MapNode) -> Hole | None:
        name = node.entries["param"][1]
        if not isinstance(name, Scalar):
            help = "for example {param: days}"
            self._fault("BLP001", "`param` names no parameter", name, help)
            self.faulty.append(node)
            return None
        before = len(self.faulty)
        self._use(name.text, name, is_text=False)
        for key, (written_key, _) in node.entries.items():
            if key not in ("param", "unit"):
                help = "beside `param` only `unit` may stand"
                self._fault("KEY001", f"unknown key `{shorten(key)}`", written_key, help)
        parameter = self.parameters.get(name.text)
        unit = self._unit(node, parameter)
        if len(self.faulty) > before:
            self.faulty.append(node)
        return Hole(node, name.text, unit, parameter)

    def _unit(self, node: MapNode, parameter: Parameter | None) -> str:
        if "unit" not in node.entries:
            return ""
        key, value = node.entries["unit"]
        if not isinstance(value, Scalar) or value.text not in UNITS:
            help = "one of " + ", ".join(UNITS)
            self._fault("TYP003", "the unit is no unit of durations", value, help)
            return ""
        if parameter is not None and parameter.type != "integer":
            help = f"remove it, or let the parameter be an integer instead of {parameter.type}"
            self._fault("BLP006", "only an integer takes a unit", key, help)
        return value.text

    def _use(self, name: str, node: Scalar, *, is_text: bool) -> None:
        self.uses[name] = self.uses.get(name, 0) + 1
        if name not in self.parameters:
            help = did_you_mean_or_list(name, self.parameters)
            if is_text:
                help += "; double the braces if they are meant as they stand"
            self._fault("BLP001", f"there is no parameter `{shorten(name)}`", node, help)
            return
        parameter = self.parameters[name]
        if is_text and parameter is not None and parameter.is_list:
            help = f"write {{param: {name}}} for the whole value"
            self._fault("BLP006", f"`{name}` is a list, which stands in no text", node, help)

    def _fault(self, code: str, summary: str, node: Node, help: str) -> None:
        self.found.error(code, summary, node, help=help)
        self.faulty.append(node)


def _is_absent(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def places_of(part: Holed | None) -> Iterator[tuple[str, Node]]:
    """Every parameter with each node that is filled with it."""
    match part:
        case Braces(node=node, pieces=pieces):
            yield from ((name, node) for name in pieces[1::2])
        case Hole(node=node, name=name):
            yield name, node
        case Branch(below=below):
            for _, inner in below:
                yield from places_of(inner)
        case Row(below=below):
            for _, inner in below:
                yield from places_of(inner)
        case None:
            pass
