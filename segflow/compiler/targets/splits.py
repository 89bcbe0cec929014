"""The distinct values of a feature in its source, for tests that are made of them outside of it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select, union_all

from segflow.compiler.dialects.base import Dialect
from segflow.compiler.storage import Storage, place_of_field, storage_of_property
from segflow.compiler.targets.events import property_of
from segflow.compiler.targets.needs import Fact, declared_field
from segflow.compiler.targets.stored import value_in
from segflow.compiler.targets.values import stored_table
from segflow.model.catalog import Entity, Event
from segflow.model.compiled import Compiled
from segflow.model.predicate import Aggregate, FieldFeature, PropertyFeature

_Place = tuple[str, Storage]
"""A table, and how the values lie in it."""


def distinct_values(
    feature: Fact, events: tuple[str, ...], compiled: Compiled, entity: Entity, dialect: Dialect
) -> Select[Any]:
    """Every value, once and not missing, that a stored feature may have for anybody, at any time:
    one column, `value`. `events` are those whose property it is, if it is one."""
    parts = []
    for table, storage in dict.fromkeys(_places(feature, events, compiled, entity)):
        source = stored_table(table, [storage.column])
        parts.append(select(value_in(source, storage, dialect).label("value")).select_from(source))
    found = union_all(*parts).subquery("found")
    return select(found.c.value).distinct().where(found.c.value.is_not(None))


def _places(
    feature: Fact, events: tuple[str, ...], compiled: Compiled, entity: Entity
) -> Iterator[_Place]:
    match feature:
        case FieldFeature():
            field = declared_field(feature, entity)
            place = place_of_field(field, entity)
            yield place.table, place.storage
            if field.history is not None:
                yield field.history.table, Storage(type=field.type, column=field.history.column)
        case PropertyFeature(property=name):
            for event in map(compiled.project.event, events):
                yield _place(event, name, entity.population.source)
        case Aggregate(property=str(name)):
            for event in map(compiled.project.event, feature.events):
                yield _place(event, name, entity.population.source)
        case _:
            raise AssertionError(f"{type(feature).__name__} has no texts")


def _place(event: Event | None, name: str, source: str) -> _Place:
    if event is None:
        raise AssertionError("the pass `resolve` has seen to it that there is an event")
    declared = property_of(event, name)
    return event.in_source(source).at.table, storage_of_property(declared)
