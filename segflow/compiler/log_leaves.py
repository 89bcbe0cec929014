"""Leaves that ask the membership log: which there are, and of which segment."""

from collections.abc import Iterator

from segflow.compiler.passes.walk import predicate_sites
from segflow.model.compiled import Compiled, LogLeaf
from segflow.model.predicate import Held, InSegment, Transition


def log_leaves(compiled: Compiled) -> Iterator[LogLeaf]:
    """Those of all segments and audiences of a project, with repeats."""
    for one in (*compiled.segments.values(), *(rule.audience for rule in compiled.rules.values())):
        for site in predicate_sites(one.where, (), ""):
            match site.node:
                case Transition() | Held(item=InSegment()):
                    yield site.node
                case _:
                    pass
