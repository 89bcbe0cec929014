"""Many segments of one entity in one query: every event table is scanned once for all of them."""

from collections.abc import Sequence

from sqlalchemy import select

from segflow.compiler.targets.elastic import has_documents, select_sets
from segflow.compiler.targets.marks import marked, masks
from segflow.compiler.targets.sql import facts_about, selection_of
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.ports import Selection


def select_shared(compiled: Compiled, names: Sequence[str], as_of: Instant) -> Selection:
    """The query for the members of several segments of one entity by their definitions."""
    entity = compiled.segments[names[0]].segment.entity
    predicates = [compiled.segments[name].where for name in names]
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
