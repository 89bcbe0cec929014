"""The agreement sees faults in keys that are texts: each one seeded here makes the sides differ."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func

from segflow.compiler.dialects import DuckDb
from segflow.compiler.targets import events, facts, histories, population, ranks
from segflow.model.codec import canonical
from tests.agreement.forms.texts import USERS
from tests.agreement.sides import pairs
from tests.agreement.test_mutants import SHOPS, Fault, shop


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
        def changed(leaf: Any, value: Any, key: Any, of: Any) -> Any:
            *by_value, _ = order(leaf, value, key, of)
            return [*by_value, change(key).asc(), key.asc()]

        return changed

    return fault


def hashed_in_lower_case(key_text: Any) -> Any:
    """Samples take A for a."""
    return lambda self, key, type_: func.lower(key_text(self, key, type_))


FAULTS = [
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
]  # fmt: skip


def caught(folder: Path, about: tuple[str, ...]) -> bool:
    """Whether the sides differ on a segment that has all these words in its canonical text, of a
    shop whose users have texts for keys."""
    for number in range(SHOPS):
        found = shop(number)
        users = found.project.entity(USERS)
        if users is None or users.key_type != "string":
            continue
        touched = [
            segment.name
            for segment in found.project.segments()
            if all(word in canonical(segment.where) for word in about)
        ]
        if touched and not all(pair.agree for pair in pairs(found, folder, touched)):
            return True
    return False


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_agreement_catches(fault, tmp_path, monkeypatch):
    """With the fault in the engine's path, some segment has other members than by the reference."""
    changed = fault.make(getattr(fault.owner, fault.attribute))
    monkeypatch.setattr(fault.owner, fault.attribute, changed)
    assert caught(tmp_path, fault.about)


def test_texts_are_drawn_for_a_share_of_shops():
    """Users with texts, accounts with texts, both and neither are all among the shops."""
    kinds = {
        tuple(entity.key_type for name in (USERS, "account") if (entity := found.entity(name)))
        for found in (shop(number).project for number in range(24))
    }
    assert len(kinds) == 4
