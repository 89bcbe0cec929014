"""Personal values that are written in the files, and so stay in git."""

from segflow.compiler.lint.codes import PERSONAL
from segflow.compiler.lint.subjects import Linted
from segflow.model.operator import Among, Between, ListMatch, TextMatch
from segflow.model.predicate import Compare, FieldFeature, Operator, Scaled, Test


def privacy(linted: Linted) -> None:
    """Warn of literals that are compared with personal fields."""
    for root in linted.roots:
        for site in root.sites():
            test = site.node
            if not isinstance(test, Test) or not isinstance(test.feature, FieldFeature):
                continue
            name = test.feature.field
            personal = linted.draft.index.is_personal(site.entity, name)
            if personal and any(map(_has_values, test.operators)):
                summary = f"values of {name!r}, which is personal, stand in the files"
                help = "name the users by their keys, in a file that in_file names"
                linted.warn(PERSONAL, root.address, site.path, summary, help)


def _has_values(operator: Operator) -> bool:
    match operator:
        case Compare(op="eq" | "ne", right=right):
            return not isinstance(right, Scaled)
        case Among() | ListMatch() | TextMatch():
            return True
        case Between(low=low, high=high):
            return low == high
        case _:
            return False
