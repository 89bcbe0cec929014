"""Leaves in each user's zone: odd zones in the data, and `timezone: user` on tests and windows."""

from dataclasses import replace
from typing import TypeVar

from segflow.model.predicate import Aggregate, Sequence, Test
from segflow.model.types import ValueType
from tests.agreement.choices import Pick

Windowed = TypeVar("Windowed", Aggregate, Sequence)

POOL = [
    *("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Honolulu"),
    *("Etc/GMT-14", "Etc/GMT+12", "Australia/Lord_Howe", "America/Sao_Paulo", "Europe/Berlin"),
    *("Asia/Calcutta", "Nowhere/Land", "america/new_york", "Asia/Kathmandu ", ""),
    *("localtime", "right/UTC"),
]
"""Zones by half hours and across the date line, old names, and texts that name none."""


def in_users_zone(pick: Pick, test: Test, type_: ValueType) -> Test:
    """The test, now and then with `timezone: user`, where that may stand."""
    if not type_.is_time or pick.chance(2):
        return test
    return replace(test, user_zone=True)


def windowed(pick: Pick, leaf: Windowed) -> Windowed:
    """The leaf, now and then with its window in each user's zone."""
    steps = leaf.steps if isinstance(leaf, Sequence) else ()
    bounded = leaf.window is not None or any(step.in_last is not None for step in steps)
    return replace(leaf, user_zone=True) if bounded and pick.chance(8) else leaf
