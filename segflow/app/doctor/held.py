"""Rows that count for nobody or twice: without a key, a time or an id, or with one that repeats."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, select

from segflow.app.claims import Claim
from segflow.app.codes import IS_MISSING, REPEATED_IDS, REPEATED_KEYS
from segflow.app.doctor.samples import highest, newest, rows_of, some, without
from segflow.app.doctor.subject import Subject
from segflow.app.structure import SAMPLE
from segflow.compiler.targets.events import is_of_event, stored_id
from segflow.compiler.targets.keys import key_of, repeated
from segflow.compiler.targets.values import stored_table
from segflow.diagnostics import Diagnostic
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, EventId
from segflow.model.project import KeyPath

_Paths = Mapping[str, KeyPath]
"""Where the catalog names each column."""


def missing_values(subject: Subject) -> Iterator[Diagnostic]:
    """Rows without a key, a time or an id."""
    yield from _of_tables(subject)
    for event in subject.events:
        yield from subject.answered_of(event, _of_event(subject, event))


def _of_tables(subject: Subject) -> Iterator[Diagnostic]:
    """Of tables that are not those of events."""
    paths: dict[tuple[Address, str], dict[str, KeyPath]] = {}
    for claim in subject.claims:
        if claim.column and claim.address.kind != "event" and _may_lack(subject, claim):
            place = paths.setdefault((claim.address, claim.table), {})
            place.setdefault(claim.column, claim.path)
    told: set[tuple[str, str]] = set()
    for (address, table), columns in paths.items():
        new = {name: path for name, path in columns.items() if (table, name) not in told}
        told.update((table, name) for name in new)
        sample = select(*stored_table(table, new).c).limit(SAMPLE)
        if new:
            found = _missing(subject, address, f"table {table}", sample, new)
            yield from subject.answered(address, next(iter(new.values())), f"table {table}", found)


def _may_lack(subject: Subject, claim: Claim) -> bool:
    column = claim.column or ""
    return (
        claim.needed
        and subject.has(claim.table, [column])
        and subject.trait(claim.table, column).may_be_missing is not False
    )


def _of_event(subject: Subject, event: Event) -> Iterator[Diagnostic]:
    """The time among any rows, the others among the newest."""
    table, dialect = rows_of(event), subject.dialect
    columns: dict[str, KeyPath] = {
        column: ("entities", entity) for entity, column in event.entities
    }
    if event.at.id is not None:
        columns[event.at.id.column] = subject.path(event, "id", "column")
    kept = {name: path for name, path in columns.items() if _unsure(subject, event, name)}
    if _unsure(subject, event, event.at.time):
        sample = some(event, table, [table.c[event.at.time]], dialect)
        paths: _Paths = {event.at.time: subject.path(event, "time")}
        yield from _missing(subject, event.address, f"event {event.name}", sample, paths)
    if kept:
        sample = newest(event, table, [table.c[name] for name in kept], dialect)
        what = f"event {event.name}"
        yield from _missing(subject, event.address, what, sample, kept)


def _unsure(subject: Subject, event: Event, column: str) -> bool:
    return subject.trait(event.at.table, column).may_be_missing is not False


def _missing(
    subject: Subject, address: Address, what: str, sample: Select[Any], columns: _Paths
) -> Iterator[Diagnostic]:
    (found,) = subject.rows(without(sample, list(columns)))
    for place, (name, path) in enumerate(columns.items()):
        if number := int(found[f"missing_{place}"]):
            yield subject.finding(
                IS_MISSING,
                address,
                path,
                f"{what}: no `{name}` in {number:,} of {int(found['rows']):,} rows",
                "mend them where they are written, or leave them out by a view",
            )


def repeated_ids(subject: Subject) -> Iterator[Diagnostic]:
    """Ids that repeat in an event of which the catalog says `unique: true`."""
    for event in subject.events:
        id_ = event.at.id
        if id_ is None or not event.at.unique:
            continue
        if not subject.trait(event.at.table, id_.column).unique:
            yield from subject.answered_of(event, _repeated(subject, event, id_))


def _repeated(subject: Subject, event: Event, id_: EventId) -> Iterator[Diagnostic]:
    table = rows_of(event)
    among = tuple(is_of_event(event, table, subject.dialect))
    value = stored_id(id_, table, subject.dialect)
    if number := _several(subject, highest(table, id_.column, value, among=among)):
        yield subject.finding(
            REPEATED_IDS,
            event.address,
            subject.path(event, "unique"),
            f"event {event.name}: {_told(number, 'id')} in several of the {SAMPLE:,} rows"
            f" with the greatest `{id_.column}`",
            "leave `unique` out, so that each id counts once, or mend the table",
            "error",
        )


def repeated_rows(subject: Subject) -> Iterator[Diagnostic]:
    """Keys with several rows in a table of fields, of which there may be one each."""
    asked: set[tuple[str, str]] = set()
    for entity, claim in _tables_of_fields(subject):
        column = claim.column or ""
        if (claim.table, column) in asked or not subject.has(claim.table, [column]):
            continue
        asked.add((claim.table, column))
        if not subject.trait(claim.table, column).unique:
            found = _several_rows(subject, entity, claim, column)
            yield from subject.answered(claim.address, claim.path, f"table {claim.table}", found)


def _several_rows(
    subject: Subject, entity: Entity, claim: Claim, column: str
) -> Iterator[Diagnostic]:
    table = stored_table(claim.table, [column])
    value = key_of(table.c[column], entity.key_type, subject.dialect)
    if number := _several(subject, highest(table, column, value)):
        yield subject.finding(
            REPEATED_KEYS,
            claim.address,
            claim.path,
            f"table {claim.table}: {_told(number, 'key')} in several of the {SAMPLE:,} rows"
            f" with the greatest `{column}`",
            "a field has one value per key: bring the table to one row each by a view, or say"
            " `encoding: child_table` of a list",
            "error",
        )


def _tables_of_fields(subject: Subject) -> Iterator[tuple[Entity, Claim]]:
    """The keys of fields, without those of lists that have a row for each element."""
    for claim in subject.claims:
        if claim.address.kind != "entity" or claim.path[0] != "fields" or claim.path[-1] != "key":
            continue
        entity = subject.entity(claim.address.name)
        field = entity.field_named(str(claim.path[1]))
        if claim.path[2] == "at" and field is not None:
            place = claim.path[3] if len(claim.path) > 4 else 0
            if field.at[int(place)].encoding != "child_table":
                yield entity, claim


def _told(number: int, noun: str) -> str:
    return f"1 {noun} stands" if number == 1 else f"{number:,} {noun}s stand"


def _several(subject: Subject, sample: Select[Any]) -> int:
    """How many values of the sample it has more than once."""
    (found,) = subject.rows(repeated(sample))
    number: Any = next(iter(found.values()))
    return int(number)
