"""Leaves that are judged over rows of their own, in SQL: the keys for which one holds."""

from typing import Any

from sqlalchemy import Select

from segflow.compiler.targets.conditions import unsupported
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.needs import Judgement


def judged(leaf: Judgement, facts: Facts) -> Select[Any]:
    """The keys of users for which a leaf holds, each once, as the column KEY."""
    raise unsupported(leaf)
