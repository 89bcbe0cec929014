"""Many predicates about one entity in one query: each event table is scanned once for them all."""

from collections.abc import Sequence

from sqlalchemy import select

from segflow.compiler.targets.elastic import has_documents, select_sets
from segflow.compiler.targets.marks import marked, masks
from segflow.compiler.targets.sql import facts_about, selection_of
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.predicate import Predicate
from segflow.ports import Selection


def select_shared(
    compiled: Compiled, entity: Entity, predicates: Sequence[Predicate], as_of: Instant
) -> Selection:
    """The query for the users of an entity's population that satisfy each of several typed
    predicates."""
    if has_documents(compiled, entity):
        return select_sets(compiled, entity, predicates, as_of)
    facts = facts_about(compiled, entity, as_of)
    people = facts.people(predicates)
    if facts.dialect.traits.marks:
        people, holds = marked(people, predicates, facts)
    else:
        holds = masks(dict(enumerate(map(people.conditions.of, predicates))), len(predicates))
    statement = select(people.key, *holds).select_from(people.relation).where(*people.exists)
    return selection_of(statement.order_by(people.key), facts)
