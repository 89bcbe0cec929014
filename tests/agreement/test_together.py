"""Segments asked in one query have the members that each has when it is asked alone."""

from hypothesis import HealthCheck, given, settings

from segflow.compiler.targets.shared import select_shared
from tests.agreement.data import write_parquet
from tests.agreement.sides import by_reference, compiled_for_engines, opened, sets_of
from tests.strategies import Example, examples

SEGMENTS = 12


def test_segments_asked_together_agree_with_the_reference(tmp_path):
    """All segments of a shop in one query, windows that nest in each other among them."""
    sizes: list[int] = []

    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(examples(SEGMENTS))
    def run(example: Example) -> None:
        compiled, as_of = compiled_for_engines(example.project), example.shop.as_of
        write_parquet(tmp_path, example.project, example.tables, example.shop.stored_as)
        selection = select_shared(compiled, example.segments, as_of)
        with opened(example.project, tmp_path) as engine:
            sets = sets_of(selection, engine, compiled, example.world, as_of)
            found = engine.memberships(selection, sets, SEGMENTS)
        for name, keys in zip(example.segments, found, strict=True):
            expected, _ = by_reference(compiled, example.world, name, as_of)
            assert frozenset(keys) == expected, name
            sizes.append(len(keys))

    run()
    assert any(sizes)
    assert not all(sizes)
