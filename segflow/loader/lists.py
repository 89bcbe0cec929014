"""Reads the lists that `in_file` names: keys as text, and every line that is no key."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from segflow.diagnostics import Diagnostic
from segflow.loader.files import FileUse, at_line, by_path, read_named
from segflow.loader.nodes import shorten
from segflow.model.address import Address
from segflow.model.catalog import Entity, Relation
from segflow.model.codec import digest
from segflow.model.keys import LARGEST, KeyType
from segflow.model.predicate import InFile, Members, Via
from segflow.model.project import ListFile, Object
from segflow.model.rule import Rule
from segflow.model.segment import Segment

MOST_JUNK = 20
_CELL = re.compile(r'(?:"(?:[^"]|"")*"|[^,]*)(?:,|$)')
_WHOLE = f"keys are whole numbers from 0 to {LARGEST}: mend the line, or remove it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKey:
    """What stands in a list: the name of the keys' column, and their type."""

    name: str
    type: KeyType


def read_lists(
    root: Path,
    objects: Mapping[Address, Object],
    uses: Iterable[FileUse],
    found: list[Diagnostic],
) -> dict[str, ListFile]:
    """Every list that is named and has no fault, by its path."""
    lists = {}
    for path, named in by_path(uses).items():
        content = read_named(root, path, named, found, ("LST001", "LST002"))
        key = _key_of(named, objects, found)
        if content is None or key is None:
            continue
        read = _parse(path, content, key, found)
        if read is not None:
            lists[path] = read
    return lists


def kept_list(
    path: str, content: bytes, user: Address, objects: Mapping[Address, Object]
) -> ListFile | None:
    """The list in bytes that were kept of a file when `user`, an object that names it, or a segment
    whose population does, was applied; None where they are no list for that object."""
    thing = objects.get(user)
    owner = objects.get(Address("entity", thing.entity)) if isinstance(thing, Segment) else None
    for name in _entities((thing, owner), "", path, objects):
        entity = objects.get(Address("entity", name))
        if isinstance(entity, Entity):
            key = ListKey(name=entity.population.key, type=entity.key_type)
            return _parse(path, content, key, [])
    return None


# --- whose keys they are ---------------------------------------------------------------------


def _key_of(
    uses: Sequence[FileUse], objects: Mapping[Address, Object], found: list[Diagnostic]
) -> ListKey | None:
    """The key of the entities that the list is for; None where it is unknown or not the same."""
    first: ListKey | None = None
    for use in uses:
        for name in _entities(objects.get(use.address), "", use.path, objects):
            entity = objects.get(Address("entity", name))
            if not isinstance(entity, Entity) or not (entity.key_type and entity.population.key):
                continue  # unknown names are told by the compiler, what can't be read was told
            key = ListKey(name=entity.population.key, type=entity.key_type)
            first = first or key
            if key != first:
                found.append(_two_keys(use, first, key))
                return None
    return first


def _two_keys(use: FileUse, first: ListKey, second: ListKey) -> Diagnostic:
    return Diagnostic(
        code="LST004",
        summary=f"{use.path} is read for keys `{first.name}` and for keys `{second.name}`",
        help="use a file of its own for each entity",
        span=use.span,
        address=str(use.address),
    )


def _entities(
    value: Any, entity: str, path: str, objects: Mapping[Address, Object]
) -> Iterator[str]:
    """The names of the entities whose keys are looked up in the list, anywhere below the value."""
    match value:
        case InFile(path=named):
            if named == path:
                yield entity
            return
        case Segment() | Rule() | Entity() | Via() | Members():
            entity = _entity_inside(value, entity, objects)
        case _:
            pass
    if isinstance(value, tuple):
        for item in value:
            yield from _entities(item, entity, path, objects)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _entities(getattr(value, field.name), entity, path, objects)


def _entity_inside(
    value: Segment | Rule | Entity | Via | Members,
    entity: str,
    objects: Mapping[Address, Object],
) -> str:
    """Whose predicates stand inside of an object or leaf."""
    match value:
        case Segment():
            return value.entity
        case Rule():
            segment = objects.get(Address("segment", value.segment))
            return segment.entity if isinstance(segment, Segment) else ""
        case Entity():
            return value.name
        case Via():
            relation = objects.get(Address("relation", value.relation))
            return relation.to_entity if isinstance(relation, Relation) else ""
        case Members():
            return value.entity


# --- the lines -------------------------------------------------------------------------------


def _parse(path: str, content: bytes, key: ListKey, found: list[Diagnostic]) -> ListFile | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found.append(at_line("LST003", path, line, "", "not UTF-8 text", "save the file as UTF-8"))
        return None
    junk: list[_Junk] = []
    keys = dict.fromkeys(_keys(text, key, junk))
    for bad in junk[:MOST_JUNK]:
        found.append(at_line("LST003", path, bad.line, bad.raw, bad.reason, bad.help))
    if len(junk) > MOST_JUNK:
        bad = junk[MOST_JUNK]
        summary = f"{len(junk) - MOST_JUNK} more lines are no keys, the first of them here"
        found.append(at_line("LST003", path, bad.line, bad.raw, summary, None))
    if junk:
        return None
    if not keys:
        help = f"write one {key.name} on each line, or take out the `in_file` that names the list"
        summary = "the list has no keys, so nobody is in it"
        found.append(at_line("LST005", path, 1, "", summary, help, severity="warning"))
    return ListFile(
        path=path,
        keys=tuple(keys),
        digest=digest(content),
        content=content,
        key_type=key.type,
    )


class _Junk(NamedTuple):
    """A line that holds no key: why not, and what to do."""

    line: int
    raw: str
    reason: str
    help: str


class _Lines:
    """The lines of a list without blank ones and comments; knows the number of the last given."""

    def __init__(self, text: str) -> None:
        self.lines = enumerate(io.StringIO(text, newline=None), start=1)
        self.number = 0
        self.raw = ""

    def __iter__(self) -> Iterator[str]:
        for number, line in self.lines:
            self.number, self.raw = number, line.rstrip("\n")
            stripped = line.strip()
            if stripped and not stripped.startswith("#"):
                yield line


def _keys(text: str, key: ListKey, junk: list[_Junk]) -> Iterator[str]:
    """The keys in file order; what is none goes to `junk`."""
    lines = _Lines(text)
    rows = csv.reader(lines, strict=True)
    column: int | None = None
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            help = "close the quote, or double a quote that is part of a value"
            junk.append(_Junk(lines.number, lines.raw, f"not a line of CSV: {error}", help))
            continue
        is_first = column is None
        if column is None:
            names = [cell.strip() for cell in row]
            column = names.index(key.name) if key.name in names else 0
            if key.name in names:
                continue
        cell = row[column] if column < len(row) else ""
        if key.type == "integer":
            cell = cell.strip()
            wrong = _no_integer(cell, key, is_first=is_first)
        else:
            wrong = _no_text(cell, key, is_quoted=_is_quoted(lines.raw, column))
        if wrong is None:
            yield cell
        else:
            junk.append(_Junk(lines.number, lines.raw, *wrong))


_Wrong = tuple[str, str] | None
"""Why a cell is no key, and what to do; None for a key."""


def _no_key(key: ListKey) -> _Wrong:
    return "the line has no key", f"write its {key.name}, or remove the line"


def _is_quoted(line: str, column: int) -> bool:
    """Whether the cell of that number stands in quotes."""
    cells = (cell for number, cell in enumerate(_CELL.finditer(line)) if number == column)
    return any(cell[0].startswith('"') for cell in cells)


def _no_text(cell: str, key: ListKey, *, is_quoted: bool) -> _Wrong:
    """In quotes a key is what it is, nothing too. Outside of them nobody sees spaces around it."""
    shown = f"`{shorten(cell)}`"
    if not (is_quoted or cell.strip()):
        return _no_key(key)
    if "\n" in cell:
        return "the key goes on in the next line", "write a key on one line"
    if "\0" in cell:
        return f"{shown} has a zero byte, and a key has none", "remove the line"
    if cell != cell.strip() and not is_quoted:
        help = "remove the spaces, or put the key into quotes if they are part of it"
        return f"{shown} has spaces around it", help
    return None


def _no_integer(cell: str, key: ListKey, *, is_first: bool) -> _Wrong:
    shown = f"`{shorten(cell)}`"
    if not cell:
        return _no_key(key)
    if not (cell.isascii() and cell.isdigit()):
        if cell.isascii() and cell[:1] == "-" and cell[1:].isdigit():
            return f"{shown} is negative, and a key is not", _WHOLE
        if is_first:
            help = f"remove the line; over the keys `{key.name}` may stand, and nothing else"
            return f"{shown} is not a whole number", help
        return f"{shown} is not a whole number", _WHOLE
    if cell != "0" and cell.startswith("0"):
        help = f"write {cell.lstrip('0') or '0'}, if that is the {key.name}"
        return f"{shown} begins with 0, and a whole number does not", help
    if len(cell) > 20 or int(cell) > LARGEST:
        return f"{shown} is larger than a key of 64 bits can be", _WHOLE
    return None
