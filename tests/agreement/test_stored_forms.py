"""What is stored in other ways than plainly means the same to the engine, reference and trace."""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, note, settings

from segflow.model.codec import canonical
from segflow.model.wording import phrase
from tests.agreement.data import write_parquet
from tests.agreement.forms.stored import KEYS, stored_examples
from tests.agreement.sides import by_duckdb, compiled_for_engines, explained, opened, pairs
from tests.strategies import Example

SHOPS = 40 * settings.default.max_examples // 100
SEGMENTS = 16
PAIRS = 400
FORMS = {
    "ListMatch",
    "Size",
    "Aggregate",
    "Scaled",
    "Among",
    "Between",
    "Compare",
    "count_distinct",
}


@pytest.mark.timeout(1_200)
def test_stored_values_agree_with_the_reference(tmp_path):
    """DuckDB gives the reference's members for versions, lists, JSON and encoded numbers."""
    tally: Counter[str] = Counter()
    seen: set[str] = set()

    def run(example: Example) -> None:
        for segment in example.project.segments():
            seen.update(re.findall(r'"(?:\$|kind)":"(\w+)"', canonical(segment.where)))
        for pair in pairs(example, tmp_path, example.segments):
            if not pair.agree:
                segment = example.project.segment(pair.segment)
                note(f"{pair.segment}: {segment and phrase(segment.where)}")
            assert sorted(pair.by_engine) == sorted(pair.by_reference)
            inside = len(pair.by_engine)
            tally["nobody" if not inside else "all" if inside == pair.everyone else "some"] += 1

    settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))(
        given(stored_examples(SEGMENTS))(run)
    )()
    assert seen >= FORMS
    assert tally.total() >= PAIRS
    assert tally["some"] >= 0.35 * tally.total(), tally


@pytest.mark.timeout(600)
def test_explanations_agree_about_stored_values(tmp_path):
    """The trace of a user's rows, as the engine reads them, gives the engine's verdict."""

    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(stored_examples(6))
    def run(example: Example) -> None:
        compiled = compiled_for_engines(example.project)
        write_parquet(tmp_path, example.project, example.tables, example.shop.stored_as)
        as_of = example.shop.as_of
        with opened(example.project, tmp_path) as engine:
            for name in example.segments:
                found = by_duckdb(engine, compiled, example.world, name, as_of)
                for key in KEYS[:6]:
                    trace = explained(engine, compiled, example.world, name, key, as_of)
                    assert trace.member == (key in found)

    run()
