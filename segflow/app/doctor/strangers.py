"""Events of keys that nobody in the population has."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from segflow.app.codes import STRANGERS
from segflow.app.doctor.samples import newest, rows_of
from segflow.app.doctor.subject import Subject
from segflow.compiler.dialects import dialect_of
from segflow.compiler.targets.keys import constant_key, key_of
from segflow.compiler.targets.values import stored_table
from segflow.diagnostics import Diagnostic
from segflow.model.catalog import Entity, Event
from segflow.model.keys import LARGEST, Key

_AT_ONCE = 1_000
"""So many keys are looked up by one question."""


def strangers(subject: Subject) -> Iterator[Diagnostic]:
    """Of the newest rows of each event, those whose key has no row in the table of the population,
    which may be in another source. Its `where` and `since` are not asked: who they leave out is
    left out on purpose."""
    for event in subject.events:
        yield from subject.answered_of(event, _of_event(subject, event))


def _of_event(subject: Subject, event: Event) -> Iterator[Diagnostic]:
    for name, column in event.entities:
        entity = subject.entity(name)
        population = entity.population
        if subject.asked.word(population.source, population.table, population.key) is None:
            continue
        rows = _rows_by_key(subject, event, entity, column)
        unknown = set(rows) - _known(subject, entity, [key for key in rows if _may_be(key)])
        if unknown:
            number, whole = sum(rows[key] for key in unknown), sum(rows.values())
            keys = "1 key" if len(unknown) == 1 else f"{len(unknown):,} keys"
            yield subject.finding(
                STRANGERS,
                event.address,
                ("entities", name),
                f"event {event.name}: table {population.table} has no row for the keys of"
                f" {number:,} of the {whole:,} newest rows ({keys})",
                "they count for nobody: load those users, or leave the rows out by a view",
            )


def _rows_by_key(subject: Subject, event: Event, entity: Entity, column: str) -> dict[Any, int]:
    table = rows_of(event)
    key = key_of(table.c[column], entity.key_type, subject.dialect).label("key")
    sample = newest(event, table, [key], subject.dialect).where(table.c[column].is_not(None))
    rows = sample.subquery("sample")
    found = subject.rows(select(rows.c.key, func.count().label("number")).group_by(rows.c.key))
    return {_plain(row["key"]): int(row["number"]) for row in found}


def _known(subject: Subject, entity: Entity, keys: Collection[Key]) -> set[Any]:
    """Those of the keys that have a row in the table of the population."""
    population = entity.population
    source = subject.project.source(population.source)
    assert source is not None, "the pass `resolve` lets no other name through"
    dialect, engine = dialect_of(source.engine), subject.engines(source)
    column = stored_table(population.table, [population.key]).c[population.key]
    held = key_of(column, entity.key_type, dialect)
    sought = column if entity.key_type == "integer" else held  # as has_key(): an index serves
    listed, found = list(keys), set[Any]()
    for start in range(0, len(listed), _AT_ONCE):
        part = [constant_key(key, dialect) for key in listed[start : start + _AT_ONCE]]
        rows = engine.rows(select(held.label("key")).where(sought.in_(part)).distinct())
        found.update(_plain(row["key"]) for row in rows)
    return found


def _plain(key: Any) -> Any:
    """The key as Python has it; wide integers come as whole decimals."""
    return int(key) if isinstance(key, Decimal) and not key % 1 else key


def _may_be(key: Any) -> bool:
    """Whether it can be a key at all."""
    return isinstance(key, str) or (isinstance(key, int) and 0 <= key <= LARGEST)
