"""Leaves that ask the membership log: which there are, and of which segment."""

from collections.abc import Iterator

from segflow.compiler.passes.walk import predicate_sites
from segflow.compiler.targets.needs import related_in
from segflow.model.compiled import Compiled, LogLeaf
from segflow.model.predicate import Held, InSegment, Transition


def log_leaves(compiled: Compiled) -> Iterator[LogLeaf]:
    """Those of all segments and audiences of a project, with repeats, and of related entities."""
    related = related_in(compiled)
    for one in (*compiled.segments.values(), *(rule.audience for rule in compiled.rules.values())):
        for site in predicate_sites(one.where, (), one.segment.entity, (), related):
            match site.node:
                case Transition() | Held(item=InSegment()):
                    yield site.node
                case _:
                    pass
