"""Storage: the ways in which the catalog says values are stored fit their types."""

from collections.abc import Iterable, Iterator
from itertools import chain

from segflow.compiler.codes import STORED
from segflow.compiler.passes.draft import Draft
from segflow.compiler.storage import minor_digits, places_of_event, places_of_field
from segflow.model.catalog import Entity, Event, EventTable, Field, Location, Property
from segflow.model.contact import ContactAddress
from segflow.model.project import KeyPath
from segflow.model.types import STRING, UNREAD, ValueType

_OF_LISTS = ("array", "json", "delimited", "child_table")
_MINOR_DIGITS = 18
_UNFIT = '"\\*'
"""What no part of a path has: engines take it for something of their own."""

Finding = tuple[KeyPath, str, str]
"""Where it stands, what is wrong, and what to do."""


def storage(draft: Draft) -> Draft:
    """Report encodings, paths and versions that can't be."""
    for found in draft.project:
        findings: Iterator[Finding]
        match found:
            case Entity():
                findings = chain.from_iterable(map(_of_field, found.fields))
            case Event():
                findings = chain(_of_table(found), *map(_of_property, found.properties))
            case ContactAddress(at=Location() as at):
                findings = _of_location(STRING, at, ("at",))
            case _:
                continue
        for path, summary, help in findings:
            draft.complain(STORED, found.address, path, summary, help=help)
    return draft


def _places(places: Iterable[tuple[Location | EventTable, KeyPath]]) -> Iterator[Finding]:
    """A source has one place of a thing at most."""
    known: set[str] = set()
    for at, path in places:
        if at.source in known:
            yield (*path, "source"), f"source {at.source!r} has it twice", "name one place in each"
        known.add(at.source)


def _of_table(event: Event) -> Iterator[Finding]:
    yield from _places(places_of_event(event))
    for at, path in places_of_event(event):
        if at.version is not None and at.id is None:
            yield (
                (*path, "version"),
                "`version` chooses between rows with one id, and the event has no `id`",
                "name the column of the id, or leave `version` out",
            )


def _of_field(field: Field) -> Iterator[Finding]:
    yield from _places(places_of_field(field))
    for at, here in places_of_field(field):
        if at.index is None and field.type != UNREAD:
            yield from _of_location(field.type, at, here)


def _of_location(type_: ValueType, at: Location, here: KeyPath) -> Iterator[Finding]:
    yield from _encoded(type_, at.encoding, at.path, here)
    yield from _parts(at.path, (*here, "path"))


def _of_property(prop: Property) -> Iterator[Finding]:
    here: KeyPath = ("properties", prop.name)
    if prop.type == UNREAD:
        return
    yield from _parts(prop.path, (*here, "path"))
    if prop.unnest is not None:
        yield from _unnested(prop, here)
        return
    if prop.encoding == "child_table":
        yield (
            (*here, "encoding"),
            "`child_table` is for fields: the rows of an event have no table of their own",
            "make the list a column by a view, or declare the rows as an event",
        )
        return
    if len(prop.path) == 1 and prop.column is None:
        yield (
            (*here, "path"),
            "without `column` a path begins with the column, and this one ends there",
            f"write `column: {prop.path[0]}`, or the way into its JSON",
        )
    yield from _encoded(prop.type, prop.encoding, prop.path, here)


def _unnested(prop: Property, here: KeyPath) -> Iterator[Finding]:
    if not prop.type.is_list:
        yield (
            (*here, "type"),
            f"the elements of a list are a list, not {prop.type}",
            'write type: "list<string>" or "list<integer>"',
        )
    if prop.encoding is not None:
        yield (
            (*here, "encoding"),
            "what is unnested is JSON",
            "leave `encoding` out",
        )
    yield from _parts((prop.unnest or "",), (*here, "unnest"))


def _encoded(
    type_: ValueType, encoding: str | None, path: tuple[str, ...], here: KeyPath
) -> Iterator[Finding]:
    at = (*here, "encoding")
    if encoding is None:
        return
    digits = minor_digits(encoding)
    if encoding in _OF_LISTS and not type_.is_list:
        yield at, f"`{encoding}` is for lists, and this is of type {type_}", "leave it out"
    elif path and encoding in ("array", "child_table"):
        yield at, f"`{encoding}` does not go with a path into JSON", "leave it out"
    elif encoding == "text" and (type_.is_list or type_.name not in ("decimal", "integer")):
        yield at, f"`text` is for numbers, and this is of type {type_}", "leave it out"
    elif digits is not None and digits > _MINOR_DIGITS:
        yield at, f"`{encoding}` is finer than 64 bits can be", f"n is at most {_MINOR_DIGITS}"
    elif digits is not None and (type_.name != "decimal" or (type_.scale or 0) < digits):
        help = f'write for example type: "decimal(18,{digits})"'
        yield at, f"{type_} does not hold all values of `{encoding}`", help


def _parts(path: tuple[str, ...], here: KeyPath) -> Iterator[Finding]:
    for part in path:
        if not part or any(character in part for character in _UNFIT):
            yield here, f"`{part}` can't be a part of a path", 'it has no ", no \\ and no *'
