"""Mappings with known keys: which must stand, which exclude each other, and what they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from segflow.loader.findings import Findings
from segflow.loader.nodes import MapNode, Node, Scalar, shorten
from segflow.loader.shapes import Json, Shape, defined, taken_for
from segflow.loader.suggest import did_you_mean, listed, nearest

T = TypeVar("T", covariant=True)
Values = dict[str, Any]
"""What the keys of a mapping were read as; a key that was left out is absent."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Key:
    """A key of a Record: what its value is, whether it must stand, and a word for editors. `names`
    are looked up in it, or it is one: it has its stand-in where it is optional, too."""

    shape: Shape[Any]
    required: bool = False
    doc: str | None = None
    names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Record(Shape[T]):
    """A mapping with known keys.

    `one_of` lists sets of keys of which exactly one must stand, `some_of` sets of which at least
    one must, `apart` pairs that exclude each other. `hints` are fixes for keys that belong
    to other forms, `refused` for keys that this version refuses. `others` reads all unknown keys.
    `build` may note errors and return None; of a mapping with errors it is given what could be
    read, and stand-ins where keys are required. With a `name` the schema is kept once under it.
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
    stand_in: T | None = None
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
        foreign: list[str] = []
        keys = self.keys
        for name, (_, value) in node.entries.items():
            known = keys.get(name)
            if known is not None:
                values[name] = known.shape.read(value, found)
            elif self.others is not None:
                values[name] = self.others.read(value, found)
            else:
                foreign.append(name)
        if foreign or self.one_of or not self._needed <= values.keys():
            self._check_keys(foreign, values, node, found)
        if len(self._rivals & values.keys()) > 1:
            self._check_apart(node, found)
        if self.some_of and not foreign and node.whole:
            self._check_some_of(node, found)
        # What is missing of a part whose fault was told before it was read gives no new error.
        if len(found.errors) == before and node.whole and None not in values.values():
            return self.build(values, node, found)
        return self._partial(values, node, found, in_doubt=bool(foreign) or not node.whole)

    def _partial(
        self, values: Values, node: MapNode, found: Findings, *, in_doubt: bool
    ) -> T | None:
        """What is built of what could be read. `in_doubt` are the keys that do not stand there."""
        if not any(name in values for name in self.keys):
            return None
        for name, key in self.keys.items():
            if values.get(name) is not None:
                continue
            values.pop(name, None)
            if key.required or (key.names and (in_doubt or name in node.entries)):
                stand_in = key.shape.stand_in
                if stand_in is not None:
                    values[name] = stand_in
                elif key.required:
                    return self.stand_in
        return self.build(values, node, found)

    # --- which keys stand there ---

    def _check_keys(
        self, foreign: list[str], values: Values, node: MapNode, found: Findings
    ) -> None:
        """Note keys that are not known and keys that are missing, once where one may be meant for
        the other."""
        fixes: list[str] = []
        strange: list[str] = []
        for name in foreign:
            is_known = name in self.hints
            if node.in_brackets and not is_known and _is_cut_off(node.entries[name][1]):
                self._cut_off(name, node, found)
                continue
            code, summary, help = self._fault(name)
            if help is None:
                strange.append(name)
                continue
            found.error(code, summary, node.entries[name][0], help=help)
            fixes.append(help)
            if code == "KEY001":
                self._take(name, nearest(name, self.keys) or "", values, node, found)
        for names in self.one_of:
            self._check_one_of(names, node, found)
        missing = self._missing(fixes, node)
        if strange:
            self._tell_strange(strange, missing, values, node, found)
            return
        for names in missing:
            key = "the key " if len(names) == 1 else ""
            self._tell("KEY002", f"{self.what} needs {key}{_listed(names)}", node, found)

    def _fault(self, name: str) -> tuple[str, str, str | None]:
        """Code and words for a key that is not known; no fix where it is like no other key."""
        if name in self.refused:
            return "NOT001", self.refused[name], "remove the key"
        head, colon, _ = name.partition(":")
        if colon and head in self.keys:
            help = f"write a space after the colon of `{head}`"
            return "KEY007", f"unknown key `{shorten(name)}` in {self.what}", help
        if name in self.hints:
            return "KEY007", f"`{name}` does not belong to {self.what}", self.hints[name]
        summary = f"unknown key `{shorten(name)}` in {self.what}"
        return "KEY001", summary, did_you_mean(name, self.keys)

    def _cut_off(self, name: str, node: MapNode, found: Findings) -> None:
        """Note a key without a value in braces: mostly the rest of a value that has a comma, of
        which nothing is said where the value was found wrong already."""
        head, colon, _ = name.partition(":")
        help = "a comma ends a value: write numbers without, text in quotes, lists as [a, b]"
        if colon and head in self.keys:
            help = f"write a space after the colon of `{head}`"
        elif not found.is_sound(node):
            return
        summary = f"unknown key `{shorten(name)}` in {self.what}"
        found.error("KEY001", summary, node.entries[name][0], help=help)

    def _missing(self, fixes: list[str], node: MapNode) -> list[tuple[str, ...]]:
        """The keys that must stand and do not, alone or as those of which one must; without what
        the fix of another error will bring, or what may be among keys that were refused."""
        if not node.whole:
            return []
        needs = [(name,) for name in self.keys if name in self._needed] + list(self.one_of)
        return [
            names
            for names in needs
            if node.entries.keys().isdisjoint(names)
            and not any(f"`{name}`" in fix for name in names for fix in fixes)
        ]

    def _tell_strange(
        self,
        strange: list[str],
        missing: list[tuple[str, ...]],
        values: Values,
        node: MapNode,
        found: Findings,
    ) -> None:
        """Note keys that are like no other: the first may stand for what is missing."""
        known = listed(self.keys)
        first, *others = strange
        summary = f"unknown key `{shorten(first)}` in {self.what}"
        if others and len(strange) == len(node.entries):
            summary, others = f"none of these {len(strange)} keys belongs to {self.what}", []
        help = _wanting(missing, known) if missing else known
        found.error("KEY001", summary, node.entries[first][0], help=help)
        for name in others:
            summary = f"unknown key `{shorten(name)}` in {self.what}"
            found.error("KEY001", summary, node.entries[name][0], help=known)
        if len(strange) == len(missing) == len(missing[0]) == 1:
            self._take(first, missing[0][0], values, node, found)

    def _take(self, name: str, meant: str, values: Values, node: MapNode, found: Findings) -> None:
        """Judge what stands under an unknown key as what stands under the key that is meant."""
        if meant in node.entries or meant in values:
            return
        read = taken_for(self.keys[meant].shape, node.entries[name][1], found)
        if read is not None:
            values[meant] = read
            found.taken[name] = meant

    def _check_one_of(self, names: tuple[str, ...], node: MapNode, found: Findings) -> None:
        held = [name for name in names if name in node.entries]
        if len(held) > 1:
            self._exclusive(held[0], held[1], node, found)

    def _check_some_of(self, node: MapNode, found: Findings) -> None:
        for names in self.some_of:
            if node.entries.keys().isdisjoint(names):
                summary = f"{self.what} needs at least one of {_listed(names)}"
                self._tell("KEY004", summary, node, found)

    def _check_apart(self, node: MapNode, found: Findings) -> None:
        for first, second in self.apart:
            if first in node.entries and second in node.entries:
                self._exclusive(first, second, node, found)

    def _tell(self, code: str, summary: str, node: MapNode, found: Findings) -> None:
        """Note what the mapping lacks."""
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


def _is_cut_off(value: Node) -> bool:
    return isinstance(value, Scalar) and value.is_null


def _wanting(missing: Sequence[tuple[str, ...]], known: str) -> str:
    """The fix for a key that may stand for what is missing."""
    listed = ", ".join(_listed(names) for names in missing)
    if len(missing) == 1:
        return f"did you mean {listed}, which is missing? {known[0].upper()}{known[1:]}"
    return f"missing here: {listed}; {known}"


def _listed(names: Sequence[str]) -> str:
    """The names joined by or; only the first of many."""
    shown = [f"`{name}`" for name in names[:6]]
    last = "others" if len(names) > len(shown) else shown.pop()
    return f"{', '.join(shown)} or {last}" if shown else last


def _documented(key: Key, defs: Json) -> Json:
    schema = key.shape.schema(defs)
    return {"description": key.doc, **schema} if key.doc else schema
