"""Many segments of one entity in one query: every event table is scanned once for all of them."""

from collections.abc import Sequence

from sqlalchemy import select

from segflow.compiler.targets.marks import mask_of, marked
from segflow.compiler.targets.sql import facts_about, selection_of
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.ports import MASK_BITS, Selection


def select_shared(compiled: Compiled, names: Sequence[str], as_of: Instant) -> Selection:
    """The query for the members of several segments of one entity by their definitions."""
    facts = facts_about(compiled, compiled.segments[names[0]].segment.entity, as_of)
    predicates = [compiled.segments[name].where for name in names]
    found = facts.people(predicates)
    if facts.dialect.traits.marks:
        found = marked(found, predicates, facts)
    holds = [found.conditions.of(one) for one in predicates]
    masks = [
        mask_of(dict(enumerate(holds[start : start + MASK_BITS]))).label(f"mask_{start // MASK_BITS}")
        for start in range(0, len(names), MASK_BITS)
    ]
    statement = select(found.key, *masks).select_from(found.relation).where(*found.exists)
    return selection_of(statement.order_by(found.key), facts)
