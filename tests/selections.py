"""The queries of segments that one source answers alone."""

from collections.abc import Sequence

from segflow.compiler.targets.shared import select_shared as select_predicates
from segflow.compiler.targets.sql import select_keys
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.ports import Selection


def select_members(compiled: Compiled, name: str, as_of: Instant) -> Selection:
    """The query for the members of a segment."""
    return select_keys(compiled, compiled.entity_of(name), compiled.segments[name].where, as_of)


def select_audience(compiled: Compiled, rule: str, as_of: Instant) -> Selection:
    """The query for the users whom a rule reaches before the gate."""
    audience = compiled.rules[rule].audience
    entity = compiled.entities[audience.segment.entity]
    return select_keys(compiled, entity, audience.where, as_of)


def select_shared(compiled: Compiled, names: Sequence[str], as_of: Instant) -> Selection:
    """The one query for the members of several segments of one entity."""
    wheres = [compiled.segments[name].where for name in names]
    return select_predicates(compiled, compiled.entity_of(names[0]), wheres, as_of)
