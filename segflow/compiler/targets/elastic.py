"""Segments as sets of keys out of Elasticsearch's documents, for a population that is there."""

from collections.abc import Sequence

from segflow.compiler.targets.elastic_sets import UserSets
from segflow.compiler.targets.queries import select_query
from segflow.compiler.timeline import zone
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.predicate import Predicate
from segflow.ports import Documents, Selection


def has_documents(compiled: Compiled, entity: Entity) -> bool:
    """Whether the population of an entity lies in a source of documents."""
    source = compiled.project.source(entity.population.source)
    return source is not None and source.has_documents


def select_sets(
    compiled: Compiled, entity: Entity, wheres: Sequence[Predicate], as_of: Instant
) -> Selection:
    """The question for the users of an entity's population that satisfy typed predicates, one set
    for each."""
    users = UserSets(
        compiled=compiled,
        entity=entity,
        as_of=as_of,
        zone=zone(compiled.project.settings.timezone),
    )
    found = tuple(map(users.keys, wheres))
    asked = {name: query for name, query in users.sets.items() if query is not None}
    return Selection(
        source=users.entity.population.source,
        statement=Documents(sets=found, fields=tuple(users.fields)),
        key_type=users.entity.key_type,
        sets=tuple(users.sets),
        made={name: select_query(query, compiled, as_of) for name, query in asked.items()},
    )
