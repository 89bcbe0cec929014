"""The agreement sees faults in keys that are texts: each one seeded here makes the sides differ."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func

from segflow.compiler.dialects.duckdb import DuckDb
from segflow.compiler.targets import events, facts, histories, population, ranks
from tests.agreement.faults import Fault, is_caught, share, shop
from tests.agreement.forms.texts import USERS


def read_as(change: Any) -> Any:
    """Keys that are texts are read as something else."""

    def fault(key_of: Any) -> Any:
        def changed(column: Any, type_: Any, dialect: Any) -> Any:
            key = key_of(column, type_, dialect)
            return change(key) if type_ == "string" else key

        return changed

    return fault


def ties_by(change: Any) -> Any:
    """Equal values rank by something else than the key."""

    def fault(order: Any) -> Any:
        def changed(leaf: Any, parts: Any, key: Any) -> Any:
            *by_value, _ = order(leaf, parts, key)
            return [*by_value, change(key).asc(), key.asc()]

        return changed

    return fault


def hashed_in_lower_case(key_text: Any) -> Any:
    """Samples take A for a."""
    return lambda self, key, type_: func.lower(key_text(self, key, type_))


FAULTS = [
    replace(fault, shop=partial(shop, texts={USERS}))
    for fault in (
        Fault("events go by keys without case", events, "key_of", read_as(func.lower)),
        Fault("events go by keys without spaces", events, "key_of", read_as(func.rtrim)),
        Fault("fields go by keys without spaces", facts, "key_of", read_as(func.trim)),
        Fault("histories go by keys without case", histories, "key_of", read_as(func.lower)),
        Fault("users are normalised", population, "key_of", read_as(func.nfc_normalize)),
        Fault("an empty key is missing", events, "key_of",
              read_as(lambda key: func.nullif(key, ""))),
        Fault("keys rank without case", ranks, "_order", ties_by(func.lower), ("Rank",)),
        Fault("shorter keys rank first", ranks, "_order", ties_by(func.length), ("Rank",)),
        Fault("samples hash without case", DuckDb, "key_text", hashed_in_lower_case, ("Sample",)),
    )
]  # fmt: skip


@pytest.mark.parametrize("fault", share(FAULTS), ids=lambda fault: fault.name)
def test_the_agreement_catches(fault, tmp_path):
    """With the fault in the engine's path, some segment has other members than by the reference."""
    assert is_caught(fault, tmp_path)


def test_texts_are_drawn_for_a_share_of_shops():
    """Users with texts, accounts with texts, both and neither are all among the shops."""
    kinds = {
        tuple(entity.key_type for name in (USERS, "account") if (entity := found.entity(name)))
        for found in (shop(number, ()).project for number in range(24))
    }
    assert len(kinds) == 4
