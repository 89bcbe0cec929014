"""A sequence that is asked for in windows of several lengths is told once, for all of them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from segflow.compiler.targets import sequences
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.steps import BEGAN, Told
from segflow.model.predicate import Sequence
from segflow.model.segment import Segment
from segflow.model.window import Within
from tests.agreement.cells import Cell
from tests.agreement.faults import shop
from tests.agreement.hosts import DUCKDB, SQLITE
from tests.agreement.sides import Pair, pairs
from tests.strategies import Example

SHOPS = 2


def in_windows(found: Example) -> Example:
    """The shop with each of its sequences in several windows in place of its own, and nothing
    else."""
    windows = [None, *(Within(duration=one) for one in found.shop.durations), *found.shop.windows]
    made = []
    for segment in found.project.segments():
        if isinstance(segment.where, Sequence):
            leaf = replace(segment.where, user_zone=False)
            made += [
                replace(segment, name=f"{segment.name}_{number}", where=replace(leaf, window=one))
                for number, one in enumerate(windows)
            ]
    kept = {
        address: one
        for address, one in found.project.objects.items()
        if not isinstance(one, Segment)
    }
    objects = {**kept, **{one.address: one for one in made}}
    world = replace(found.world, snapshots={}, logs={})
    return replace(found, project=replace(found.project, objects=objects), world=world)


def judged(folder, host=DUCKDB, shops=SHOPS) -> Iterator[Pair]:
    for number in range(shops):
        found = in_windows(shop(number, [Cell("sequence")]))
        yield from pairs(found, folder, found.segments, host)


@pytest.mark.parametrize("host", [DUCKDB, SQLITE], ids=lambda host: host.name)
def test_the_same_users_as_in_each_window_alone(host, tmp_path):
    """However the engine links the rows of steps."""
    found = list(judged(tmp_path, host))
    assert all(pair.agree for pair in found)
    assert sum(0 < len(pair.by_reference) < pair.everyone for pair in found) > len(found) / 4


def test_windows_with_one_end_are_told_once(tmp_path, monkeypatch):
    """Most windows end at T."""
    told = []
    tell = sequences._told
    monkeypatch.setattr(sequences, "_told", lambda *given: told.append(given[0]) or tell(*given))
    found = list(judged(tmp_path))
    assert 2 <= len(told) < len(found) / 2


def earliest(self):
    began = func.min(self.chain.c[BEGAN]).label(BEGAN)
    rows = select(self.chain.c[KEY], began).select_from(self.relation).where(*self.whole)
    return rows.group_by(self.chain.c[KEY])


@pytest.mark.parametrize(
    ("attribute", "fault"),
    [
        ("latest", earliest),
        ("keys", lambda self: select(self.chain.c[KEY]).distinct().select_from(self.relation)),
    ],
    ids=["the earliest counts", "parts of sequences count"],
)
def test_faults_are_noticed(attribute, fault, tmp_path, monkeypatch):
    """The shops are able to tell."""
    monkeypatch.setattr(Told, attribute, fault)
    assert not all(pair.agree for pair in judged(tmp_path, shops=40))
