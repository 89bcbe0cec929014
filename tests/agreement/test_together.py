"""Segments asked in one query have the members that each has when it is asked alone."""

from collections.abc import Iterator
from hashlib import shake_256
from pathlib import Path

import pytest
from sqlalchemy import false

from segflow.compiler.targets import marks, nesting, scans
from segflow.compiler.targets.shared import select_shared
from segflow.compiler.timeline import Bounds
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import Pair, by_reference, compiled_for_engines, sets_of
from tests.strategies import Example, example, size_of

SHOPS, SEGMENTS = 25, 24


def shop(number: int) -> Example:
    """One of always the same shops."""
    return example(shake_256(b"together %d" % number).digest(size_of(SEGMENTS)))


def together(folder: Path) -> Iterator[Pair]:
    """All segments of a shop in one query, and each by the reference."""
    for number in range(SHOPS):
        of = shop(number)
        compiled, as_of = compiled_for_engines(of.project), of.shop.as_of
        DUCKDB.write(folder, of.project, of.tables, of.shop.stored_as)
        selection = select_shared(compiled, of.segments, as_of)
        with DUCKDB.opened(of.project, folder) as engine:
            sets = sets_of(selection, engine, compiled, of.world, as_of)
            found = engine.memberships(selection, sets, len(of.segments))
        for name, keys in zip(of.segments, found, strict=True):
            expected, everyone = by_reference(compiled, of.world, name, as_of)
            yield Pair(name, frozenset(keys), expected, everyone)


def test_segments_asked_together_agree_with_the_reference(tmp_path):
    """Windows that nest in each other are among them; most answers are neither nobody nor all."""
    pairs = list(together(tmp_path))
    assert [pair.segment for pair in pairs if not pair.agree] == []
    telling = [pair for pair in pairs if 0 < len(pair.by_engine) < pair.everyone]
    assert len(telling) > 0.6 * len(pairs)


@pytest.mark.parametrize(
    ("owner", "attribute", "fault"),
    [
        (nesting, "_since", lambda since: lambda last, start: since(last, None)),
        (scans, "within_bounds", lambda within: lambda time, its: within(time, Bounds())),
        (marks, "_without", lambda _: lambda condition, tables: false()),
    ],
    ids=[
        "all windows are the widest",
        "values are counted in every window",
        "nothing holds without a row",
    ],
)
def test_a_fault_in_what_windows_share_is_caught(owner, attribute, fault, tmp_path, monkeypatch):
    """What only segments together can get wrong does not go unseen."""
    monkeypatch.setattr(owner, attribute, fault(getattr(owner, attribute)))
    assert any(not pair.agree for pair in together(tmp_path))
