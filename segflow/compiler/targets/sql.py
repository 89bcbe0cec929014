"""A segment as one SQL query: the keys of the population that satisfy its predicate at an instant.

population LEFT JOIN tables of fields LEFT JOIN one grouped scan per event WHERE predicate
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select

from segflow.compiler.dialects import Dialect, dialect_of
from segflow.compiler.targets.elastic import has_documents, select_sets
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.judgements import judged
from segflow.compiler.targets.queries import select_query
from segflow.compiler.targets.ranks import rank_place
from segflow.compiler.timeline import zone
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate, Rank
from segflow.ports import Selection


def select_keys(compiled: Compiled, entity: Entity, where: Predicate, as_of: Instant) -> Selection:
    """The query for the users of an entity's population that satisfy a typed predicate; like all
    here it is one for the source of the population."""
    if has_documents(compiled, entity):
        return select_sets(compiled, entity, [where], as_of)
    facts = facts_about(compiled, entity, as_of)
    return selection_of(facts.keys(where), facts)


def select_place(
    compiled: Compiled, entity: Entity, leaf: Rank, as_of: Instant, key: Key
) -> Selection:
    """The query for the position of one user of an entity in a rank, as rank_place() gives it."""
    facts = facts_about(compiled, entity, as_of)
    return selection_of(rank_place(leaf, facts, key), facts)


def selection_of(statement: Select[Any], facts: Facts) -> Selection:
    """A statement with all that its facts say it needs."""
    return Selection(
        source=facts.entity.population.source,
        statement=statement,
        key_type=facts.entity.key_type,
        sets=tuple(facts.sets),
        made=_made_sets(facts),
        splits=tuple(facts.splits.values()),
        merged=facts.merged,
        one_row=tuple(facts.one_row),
    )


def _made_sets(facts: Facts) -> Mapping[str, Selection]:
    """The queries of the id sets that conditions refer to and that `sql:` leaves make."""
    asked = {name: query for name, query in facts.sets.items() if query is not None}
    return {name: select_query(one, facts.compiled, facts.as_of) for name, one in asked.items()}


def facts_about(compiled: Compiled, entity: Entity, as_of: Instant) -> Facts:
    """Facts about the users of an entity, for one statement."""
    return Facts(
        compiled=compiled,
        entity=entity,
        as_of=as_of,
        zone=zone(compiled.project.settings.timezone),
        dialect=_dialect_of(compiled, entity),
        judged=judged,
    )


def _dialect_of(compiled: Compiled, entity: Entity) -> Dialect:
    """The dialect of the source that the entity's population is in."""
    source = compiled.project.source(entity.population.source)
    if source is None:
        raise AssertionError(f"there is no source {entity.population.source}")
    return dialect_of(source.engine)
