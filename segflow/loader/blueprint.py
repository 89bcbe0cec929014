"""Reads blueprints: one object with parameters, and the values of each object that is made of it.

Objects are made as trees, with the places of the blueprint's text, and read as any document is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from segflow.diagnostics import Diagnostic, Span
from segflow.loader.findings import Findings
from segflow.loader.holes import Filling, Holed, Search, places_of
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, SourceFile, shorten
from segflow.loader.parameters import PARAMETER, Parameter, written
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import Json, ListOf, MapOf, Misfit, Shape, Slot
from segflow.loader.slots import NAME, QUOTES, TEXT
from segflow.loader.suggest import did_you_mean_or_list

MOST_OBJECTS = 20_000
MOST_WEIGHT = 20_000_000
"""Of all that a blueprint makes: nodes, and characters of their texts."""

_NAME = r"[a-z]([a-z0-9_]|\{[a-z][a-z0-9_]*\})*"
_KNOWN_NAME = re.compile(_NAME, re.ASCII)
_IN_BRACES = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(eq=False, kw_only=True)
class Blueprint:
    """A blueprint as read. `rows` are the values of each object as they stand in for_each; where
    one can't be used it is among `faults`, by its number. `faulty` are nodes of the object with an
    error, `bare` those that are one parameter in braces and nothing else."""

    name: str
    file: SourceFile
    parameters: Mapping[str, Parameter | None]
    rows: list[Node]
    object: MapNode
    holed: Holed | None
    faults: Mapping[int, frozenset[str]]
    faulty: list[Node]
    bare: list[tuple[Scalar, str]]

    @cached_property
    def places(self) -> Mapping[str, tuple[Span, ...]]:
        """The places in the object that each parameter fills."""
        found: dict[str, list[Span]] = {}
        for name, node in places_of(self.holed):
            found.setdefault(name, []).append(self.file.span(node))
        return {name: tuple(spans) for name, spans in found.items()}

    @cached_property
    def shut(self) -> tuple[Span, ...]:
        """The places in the object that have an error of their own."""
        return tuple(self.file.span(node) for node in self.faulty)

    @cached_property
    def quoted(self) -> Mapping[Span, str]:
        """The places of texts that are one parameter and nothing else."""
        return {self.file.span(node): name for node, name in self.bare}

    def made(self) -> Iterator["Made"]:
        """The objects, in the order of for_each."""
        return (Made(self, number) for number in range(len(self.rows)))


@dataclass(frozen=True, slots=True)
class Made:
    """One object that a blueprint makes, by the number of its row in for_each."""

    blueprint: Blueprint
    number: int

    @property
    def row(self) -> Node:
        """Its values as written."""
        return self.blueprint.rows[self.number]

    @property
    def is_sound(self) -> bool:
        """True where neither the blueprint's object nor the values have an error of their own."""
        return not self.blueprint.faulty and self.number not in self.blueprint.faults

    def node(self) -> Node:
        """The object as a document; nothing stands for values with an error that are missing."""
        blueprint = self.blueprint
        return blueprint.object if blueprint.holed is None else blueprint.holed.filled(self._values)

    @property
    def _values(self) -> Filling:
        values: dict[str, Node] = {}
        given = self.row.entries if isinstance(self.row, MapNode) else {}
        for name, parameter in self.blueprint.parameters.items():
            if name in given:
                values[name] = given[name][1]
            elif parameter is not None and parameter.default is not None:
                values[name] = parameter.default.node
        return values

    @property
    def words(self) -> str:
        """How it is made, for an error: its values and their line."""
        given = ", ".join(f"{name}: {written(value)}" for name, value in self._values.items())
        return f"made with {shorten(given)} in line {self.row.start.line + 1}"

    def judged(self, errors: list[Diagnostic]) -> Iterator[Diagnostic]:
        """The errors that are found in the object, without those that follow from an error that
        was told where it is, and with the fix that a blueprint needs."""
        blueprint = self.blueprint
        told = list(blueprint.shut)
        for name in blueprint.faults.get(self.number, ()):
            told += blueprint.places.get(name, ())
        for error in errors:
            span = error.span
            if span is not None and any(_covers(one, span) for one in told):
                continue
            bare = None if span is None else blueprint.quoted.get(span)
            if bare is not None and error.help == QUOTES:
                yield replace(error, help=f"write {{param: {bare}}}")
            else:
                yield error


def _covers(outer: Span, inner: Span) -> bool:
    start, end = (outer.line, outer.column), (outer.end_line, outer.end_column)
    return start <= (inner.line, inner.column) < end


# --- the grammar -----------------------------------------------------------------------------


def _name(node: Scalar) -> str:
    if _KNOWN_NAME.fullmatch(node.text):
        return node.text
    summary = f"`{shorten(node.text)}` is no name of a blueprint"
    help = "a name, in which parameters may stand in braces, for example lapsed_{days}d"
    raise Misfit(summary, help=help, code="NAM001")


class _Mapping(Shape[MapNode]):
    """A mapping that is judged later; `empty` says whether it may be."""

    def __init__(self, what: str, example: str, schema: Json) -> None:
        self.what = what
        self.example = example
        self.json = schema

    def read(self, node: Node, found: Findings) -> MapNode | None:
        if isinstance(node, MapNode):
            return node
        found.wrong_shape(node, f"{self.what}, which is a mapping", help=self.example)
        return None

    def schema(self, defs: Json) -> Json:
        return self.json


_VALUES = _Mapping("the values of one object", "for example {days: 7}", {"type": "object"})
_OBJECT = _Mapping(
    "an object",
    "for example {segment: lapsed_{days}d, entity: customer, where: …}",
    {"type": "object", "not": {"required": ["blueprint"]}, "minProperties": 1},
)
_LABEL = Slot("a name", _name, {"type": "string", "pattern": f"^{_NAME}$"}, "label", stand_in="")


def _blueprint(values: Values, node: MapNode, found: Findings) -> Blueprint | None:
    parameters, rows = node.entries.get("parameters"), node.entries.get("for_each")
    if parameters is None or rows is None or not isinstance(values.get("object"), MapNode):
        return None
    declared = _declared(parameters[1], dict(values.get("parameters", ())))
    items = rows[1].items if isinstance(rows[1], ListNode) else []
    search = Search(declared, found)
    body: MapNode = values["object"]
    if "blueprint" in body.entries:
        help = "a blueprint makes objects of other kinds; write the two side by side"
        found.error(
            "BLP007", "a blueprint makes no blueprints", body.entries["blueprint"][0], help=help
        )
        return None
    holed = search.holes(body)
    _check_uses(search, values["blueprint"], node, found)
    if not _is_bounded(search, items, rows[0], found):
        return None
    optional = _optional(parameters[1])
    faults = {
        number: names
        for number, row in enumerate(items)
        if (names := _faults(row, declared, optional, found))
    }
    return Blueprint(
        name=values["blueprint"],
        file=found.file,
        parameters=declared,
        rows=items,
        object=body,
        holed=holed,
        faults=faults,
        faulty=search.faulty,
        bare=search.bare,
    )


def _declared(node: Node, read: Mapping[str, Parameter]) -> dict[str, Parameter | None]:
    """The parameters by the names that are written, and what could be read of each."""
    entries = node.entries if isinstance(node, MapNode) else {}
    return {name: read.get(name) for name in entries}


def _optional(node: Node) -> frozenset[str]:
    """The parameters that declare a default, whether it could be read or not."""
    entries = node.entries if isinstance(node, MapNode) else {}
    return frozenset(
        name
        for name, (_, value) in entries.items()
        if not isinstance(value, MapNode) or "default" in value.entries or not value.whole
    )


def _check_uses(search: Search, name: str, node: MapNode, found: Findings) -> None:
    """Note parameters that stand nowhere in the object, and names that are none."""
    label = node.entries["blueprint"][1] if "blueprint" in node.entries else node
    for used in _IN_BRACES.findall(name):
        if used not in search.parameters:
            help = did_you_mean_or_list(used, search.parameters)
            found.error("BLP001", f"there is no parameter `{shorten(used)}`", label, help=help)
    parameters = node.entries["parameters"][1]
    for unused in search.parameters.keys() - search.uses.keys():
        if isinstance(parameters, MapNode):
            key = parameters.entries[unused][0]
            help = (
                f"write {{param: {unused}}} in the object, or {{{unused}}} in a text; or remove it"
            )
            found.error("BLP002", f"the parameter `{shorten(unused)}` is not used", key, help=help)


def _is_bounded(search: Search, rows: list[Node], at: Node, found: Findings) -> bool:
    """True where what is made has bounds that we accept; else an error is noted."""
    help = "write a second blueprint, or a field or list that tells the users apart"
    if len(rows) > MOST_OBJECTS:
        summary = f"{len(rows)} objects are more than the {MOST_OBJECTS} that a blueprint may make"
        found.error("BLP008", summary, at, help=help)
        return False
    weight = search.weight * len(rows)
    for row in rows:
        if isinstance(row, MapNode):
            for name, (_, value) in row.entries.items():
                weight += search.uses.get(name, 0) * len(written(value))
    if weight > MOST_WEIGHT:
        summary = f"the objects have more than the {MOST_WEIGHT} characters that may be made"
        found.error("BLP008", summary, at, help=help)
        return False
    return True


def _faults(
    row: Node,
    parameters: Mapping[str, Parameter | None],
    optional: frozenset[str],
    found: Findings,
) -> frozenset[str]:
    """The parameters whose value is missing or wrong in a row, all of it noted."""
    if not isinstance(row, MapNode):
        return frozenset(parameters)  # which was told
    faults = set()
    for name, (key, value) in row.entries.items():
        if name not in parameters:
            help = did_you_mean_or_list(name, parameters)
            found.error("BLP004", f"there is no parameter `{shorten(name)}`", key, help=help)
        elif (parameter := parameters[name]) is None or not parameter.is_sound(value, found):
            faults.add(name)
    missing = [name for name in parameters if name not in row.entries and name not in optional]
    if missing and row.whole:
        names = " and ".join(f"`{name}`" for name in missing)
        help = "give one for each parameter here, or declare a default"
        found.error("BLP003", f"no value is given for {names}", row, help=help)
    return frozenset((*faults, *missing))


BLUEPRINT: Shape[Blueprint] = Record(
    what="a blueprint",
    keys={
        "blueprint": Key(_LABEL, required=True, doc="The name"),
        "description": Key(TEXT, doc="For people"),
        "parameters": Key(
            MapOf("parameters", NAME, PARAMETER), required=True, doc="What differs, by name"
        ),
        "for_each": Key(
            ListOf("values, one mapping for each object", _VALUES),
            required=True,
            doc="The values of each object",
        ),
        "object": Key(_OBJECT, required=True, doc="The object, with parameters in it"),
    },
    build=_blueprint,
    example="{blueprint: lapsed_{days}d, parameters: …, for_each: [{days: 7}], object: …}",
)
