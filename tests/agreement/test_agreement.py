"""Engine and reference give the same members, for generated projects, data and instants."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from segflow.model.codec import canonical
from tests.agreement.data import write_parquet
from tests.agreement.sides import (
    by_duckdb,
    by_reference,
    compiled_for_engines,
    compiled_for_reference,
    opened,
)
from tests.strategies import Example, examples

SHARDS = 2
SHOPS = 65
SEGMENTS = 16
PAIRS = 1_000
"""In each of the shards at least so many pairs of a segment and data; 2,000 in all."""


@dataclass(slots=True)
class Tally:
    """What the pairs of one run came to."""

    found: Counter[str] = field(default_factory=Counter)

    def add(self, members: frozenset[int], everyone: int) -> None:
        """Count one pair."""
        kind = "nobody" if not members else "everyone" if len(members) == everyone else "some"
        self.found[kind] += 1

    @property
    def pairs(self) -> int:
        """How many pairs were compared."""
        return self.found.total()


def agree(example: Example, folder: Path, tally: Tally) -> None:
    """Ask both sides for every segment of the example and compare."""
    compiled = compiled_for_engines(example.project)
    reference = compiled_for_reference(compiled)
    as_of = example.shop.as_of
    write_parquet(folder, example.project, example.tables, example.shop.stored_as)
    with opened(example.project, folder) as engine:
        for name in example.segments:
            found = by_duckdb(engine, compiled, example.world, name, as_of)
            expected, everyone = by_reference(reference, example.world, name, as_of)
            if found != expected:
                note(canonical(reference.segments[name].where))
            assert sorted(found) == sorted(expected)
            tally.add(found, everyone)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_duckdb_agrees_with_the_reference(shard, tmp_path):
    """DuckDB gives the reference's members in at least 2,000 pairs, most of them telling."""
    tally = Tally()

    @settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))
    @given(examples(SEGMENTS + shard))  # another size, so that the shards draw other examples
    def run(example: Example) -> None:
        agree(example, tmp_path, tally)

    run()
    assert tally.pairs >= PAIRS
    assert tally.found["some"] >= 0.6 * tally.pairs, tally.found
