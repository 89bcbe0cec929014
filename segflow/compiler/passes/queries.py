"""Queries: every `sql:` leaf is one SELECT that only reads."""

from segflow.compiler.codes import QUERY
from segflow.compiler.passes.draft import Draft
from segflow.model.predicate import Sql


def queries(draft: Draft) -> Draft:
    """Report every query that may not be run, at its text."""
    for address, sites in draft.sites.items():
        for site in sites:
            node = site.node
            if not isinstance(node, Sql) or node.source not in draft.index.sources:
                continue
            if draft.index.sources[node.source].has_documents:
                continue  # which is refused as a form
            # Parsing costs a tenth of a second to begin with, and few projects have such a leaf.
            from segflow.compiler.queries import RefusedQueryError, read_query

            try:
                read_query(node.query, draft.index.sources[node.source].engine)
            except RefusedQueryError as refused:
                draft.complain(
                    QUERY, address, (*site.path, "sql"), f"`sql`: {refused}", help=refused.hint
                )
    return draft
