"""Many segments of one entity in one query: every event table is scanned once for all of them."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, case, literal, select

from segflow.compiler.dialects.base import Condition, Expression
from segflow.compiler.targets.sql import facts_about, selection_of
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.ports import MASK_BITS, Selection


def select_shared(compiled: Compiled, names: Sequence[str], as_of: Instant) -> Selection:
    """The query for the members of several segments of one entity by their definitions."""
    facts = facts_about(compiled, compiled.segments[names[0]].segment.entity, as_of)
    found = facts.people([compiled.segments[name].where for name in names])
    masks = [
        _mask(found.conditions[start : start + MASK_BITS]).label(f"mask_{start // MASK_BITS}")
        for start in range(0, len(names), MASK_BITS)
    ]
    statement = select(found.key, *masks).select_from(found.relation).where(*found.exists)
    return selection_of(statement.order_by(found.key), facts)


def _mask(conditions: Sequence[Condition]) -> Expression:
    """A number whose bit i says whether the condition i holds."""
    bits = [
        case((one, literal(1 << bit, BigInteger)), else_=0) for bit, one in enumerate(conditions)
    ]
    mask: Expression = bits[0]
    for bit in bits[1:]:
        mask = mask + bit
    return mask
