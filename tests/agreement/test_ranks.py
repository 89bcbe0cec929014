"""Where edges of ranks are guessed, guesses decide how many users are ordered, never who is in."""

import pytest
from sqlalchemy import func, null

from segflow.compiler.dialects.duckdb import DuckDb
from segflow.model.codec import canonical
from tests.agreement.cells import Cell
from tests.agreement.faults import shop
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import pairs

SHOPS = 6
GUESSES = {
    "the least": lambda self, value, share: func.min(value),
    "the greatest": lambda self, value, share: func.max(value),
    "none": lambda self, value, share: func.max(null(), type_=value.type),
}


@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES)
def test_any_guess_gives_the_same_users(guess, monkeypatch, tmp_path):
    """However far from where the edge lies."""
    monkeypatch.setattr(DuckDb, "quantile", guess)
    asked = 0
    for number in range(SHOPS):
        found = shop(number, [Cell("rank", "top"), Cell("rank", "bottom")])
        names = [
            one.name for one in found.project.segments() if '"percent"' in canonical(one.where)
        ]
        for pair in pairs(found, tmp_path, names, DUCKDB):
            assert pair.agree, found.project.segment(pair.segment)
            asked += 0 < len(pair.by_reference) < pair.everyone
    assert asked >= 20
