"""Segments that make a source read all of its history."""

from segflow.compiler.lint.codes import ALL_OF_HISTORY
from segflow.compiler.lint.subjects import Linted
from segflow.compiler.passes.walk import predicate_sites
from segflow.model.predicate import Aggregate
from segflow.model.project import KeyPath


def cost(linted: Linted) -> None:
    """Warn of segments with more features without a window than the settings allow."""
    most = linted.draft.project.settings.lint.unbounded
    for name, segment in linted.draft.index.segments.items():
        where = linted.draft.wheres[name]
        sites = predicate_sites(where, ("where",), segment.entity)
        open_ended: dict[Aggregate, KeyPath] = {}
        for site in sites:
            if isinstance(site.node, Aggregate) and site.node.window is None:
                open_ended.setdefault(site.node, site.path)
        if len(open_ended) > most:
            path = list(open_ended.values())[most]
            words = "conditions read" if len(open_ended) > 1 else "condition reads"
            summary = f"{len(open_ended)} {words} all of history; {most} may"
            help = "choose a window, such as within: 365d, or allow more: [lint] unbounded"
            linted.warn(ALL_OF_HISTORY, segment.address, path, summary, help)
