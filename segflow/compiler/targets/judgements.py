"""Leaves that are judged over rows of their own, in SQL: the keys for which one holds."""

from typing import Any

from sqlalchemy import Select

from segflow.compiler.targets.changes import field_changed, field_held
from segflow.compiler.targets.conditions import unsupported
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import Judgement
from segflow.model.predicate import Changed, FieldFeature, Held, Test


def judged(leaf: Judgement, facts: Facts) -> Select[Any]:
    """The keys of users for which a leaf holds, each once, as the column KEY."""
    match leaf:
        case Held(item=Test(feature=FieldFeature() as feature) as test):
            return field_held(leaf, test, feature, facts)
        case Changed():
            return field_changed(leaf, facts)
        case _:
            raise unsupported(leaf)
