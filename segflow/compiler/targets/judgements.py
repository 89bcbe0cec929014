"""Leaves that are judged over rows of their own, in SQL: the keys for which one holds."""

from typing import Any

from sqlalchemy import Select

from segflow.compiler.targets.changes import field_changed, field_held
from segflow.compiler.targets.conditions import unsupported
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import Judgement
from segflow.compiler.targets.relations import members_keys, via_keys
from segflow.model.predicate import Changed, FieldFeature, Held, Members, Test, Via


def judged(leaf: Judgement, facts: Facts) -> Select[Any]:
    """The keys of users for which a leaf holds, each once, as the column KEY."""
    match leaf:
        case Via():
            return via_keys(leaf, facts)
        case Members():
            return members_keys(leaf, facts)
        case Held(item=Test(feature=FieldFeature() as feature) as test):
            return field_held(leaf, test, feature, facts)
        case Changed():
            return field_changed(leaf, facts)
        case _:
            raise unsupported(leaf)
