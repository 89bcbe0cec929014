"""Guesses as the YAML of a catalog, each marked as one. Pure."""

import json
import re
from collections.abc import Callable, Collection, Iterator

from segflow.app.draft.guesses import EntityGuess, EventGuess, Guesses, References
from segflow.app.draft.tables import Column, Table, singular
from segflow.app.structure import SAMPLE
from segflow.loader.slots import name_like
from segflow.model.address import is_name
from segflow.model.types import FLOAT

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NOT_TEXT = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
_MONEY = re.compile(r"amount|price|total|cost|revenue|balance|fee|paid|spen[dt]|tax|discount")
_PERSONAL = re.compile(r"e_?mail|phone|mobile|birth|surname|(first|last|full)_?name|street|iban")

Taken = Callable[[str, str], bool]
"""Whether the catalog has an object of that kind and name already."""


def written(source: str, guesses: Guesses, known: References, taken: Taken) -> str:
    """The documents of a catalog. `known` are the entities that there are already."""
    names = {reference: entity.name for reference, entity in known.items()}
    documents = []
    for entity in guesses.entities:
        name = _free("entity", entity.reference.removesuffix("_id"), taken, names.values())
        names[entity.reference] = name
        documents.append("\n".join(_entity(source, name, entity)))
    used: set[str] = set()
    for event in guesses.events:
        name = _free("event", singular(event.table.name), taken, used)
        used.add(name)
        documents.append("\n".join(_event(source, name, names[event.reference], event)))
    head = [f"# Drafted from source {_word(source)}. Look at every guess before you keep it."]
    head += [f"# Left out: table {_word(name)} {reason}." for name, reason in guesses.left]
    return "\n".join(head) + "\n" + "\n---\n".join(documents) + ("\n" if documents else "")


def _entity(source: str, name: str, entity: EntityGuess) -> Iterator[str]:
    first = entity.tables[0]
    yield f"# guess: each row of table {_word(first.name)} is one {name}, {_why(first)}"
    yield f"entity: {name}"
    yield f"key: {{type: {entity.key_type}}}"
    yield f"population: {{source: {source}, table: {_word(first.name)}, key: {_key(first)}}}"
    fields: list[str] = []
    used: set[str] = set()
    for table in entity.tables:
        if table is not first:
            fields.append(f"  # guess: table {_word(table.name)} has fields of it, {_why(table)}")
        for column in table.columns:
            if column is not table.unique:
                fields += _field(source, table, column, used)
    if used:
        yield "fields:"
        yield from fields
    else:
        yield from (line.strip() for line in fields)


def _field(source: str, table: Table, column: Column, used: set[str]) -> Iterator[str]:
    yield from _doubts(column)
    if column.type is None:
        return
    name = _column_name(column.name, used)
    personal = bool(_PERSONAL.search(column.name.lower()))
    if personal:
        yield f"  # guess: {_word(column.name)} is personal"
    at = f"{{source: {source}, table: {_word(table.name)}, key: {_key(table)}"
    pii = "pii: true, " if personal else ""
    yield f"  {name}: {{type: {_type(column)}, {pii}at: {at}, column: {_word(column.name)}}}}}"


def _event(source: str, name: str, entity: str, event: EventGuess) -> Iterator[str]:
    table = event.table
    yield f"# guess: each row of table {_word(table.name)} is one {name} of the {entity} that"
    yield f"# {_word(event.key.name)} names, at the time {_word(event.time.name)}"
    yield f"event: {name}"
    yield f"entities: {{{entity}: {_word(event.key.name)}}}"
    yield "at:"
    yield f"  source: {source}"
    yield f"  table: {_word(table.name)}"
    yield f"  time: {_word(event.time.name)}"
    if table.unique is not None:
        yield f"  # guess: an id, {_why(table)}"
        kind = "string" if str(table.unique.type) == "string" else "integer"
        yield f"  id: {{column: {_key(table)}, type: {kind}}}"
        if not table.sampled:
            yield "  unique: true"
    lines: list[str] = []
    used: set[str] = set()
    for column in table.columns:
        if column in (table.unique, event.key, event.time):
            continue
        lines += _doubts(column)
        if column.type is not None:
            name = _column_name(column.name, used)
            lines.append(f"  {name}: {{type: {_type(column)}, column: {_word(column.name)}}}")
    if used:
        yield "properties:"
        yield from lines
    else:
        yield from (line.strip() for line in lines)


def _doubts(column: Column) -> Iterator[str]:
    """What to look at before a column is kept."""
    if column.type is None:
        yield f"  # Left out: {_word(column.name)}; no type fits {_word(column.word)} by itself"
    elif column.type == FLOAT and _MONEY.search(column.name.lower()):
        yield f"  # guess: {_word(column.name)} is money, stored as doubles; if so, declare it"
        yield '  # "decimal(18,2)", and store it as decimals or whole cents'


def _why(table: Table) -> str:
    by = f"since {_key(table)} tells them apart"
    return f"{by} in the rows looked at, {SAMPLE:,} at most" if table.sampled else by


def _key(table: Table) -> str:
    return _word(table.unique.name) if table.unique is not None else ""


def _type(column: Column) -> str:
    return _word(str(column.type))


def _column_name(column: str, used: set[str]) -> str:
    """The name of a field or property; `used` has those before it, and gets it."""
    name = _free("", column, lambda kind, name: False, used)
    used.add(name)
    return name


def _free(kind: str, wanted: str, taken: Taken, used: Collection[str]) -> str:
    """A name like the one wanted that nothing else has."""
    base = wanted if is_name(wanted) else name_like(wanted) or f"a_{_digits(wanted)}"
    if base in ("true", "false"):
        base += "_"
    name, number = base, 2
    while name in used or taken(kind, name):
        name, number = f"{base}_{number}", number + 1
    return name


def _digits(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "column"


def _word(text: str) -> str:
    """A text as a scalar of YAML, also within braces and in a comment."""
    if _PLAIN.match(text) and text.lower() not in _NOT_TEXT:
        return text
    return json.dumps(text, ensure_ascii=True)
