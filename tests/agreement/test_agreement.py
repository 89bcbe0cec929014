"""Engine and reference give the same members, for generated projects, data and instants."""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, note, settings

from segflow.model.codec import canonical
from segflow.model.wording import phrase
from tests.agreement.hosts import DUCKDB, MYSQL, POSTGRES, SQLITE
from tests.agreement.sides import pairs
from tests.strategies import Example, examples

SHOPS = 65 * settings.default.max_examples // 100
SEGMENTS = 16
PAIRS = 1_000
"""In each run at least so many pairs of a segment and data."""

RUNS = [
    ("duckdb 1", DUCKDB),
    ("duckdb 2", DUCKDB),
    ("sqlite", SQLITE),
    ("postgres", POSTGRES),
    ("mysql", MYSQL),
]
"""Each draws shops of its own."""

FORMS = {
    *("All", "AnyOf", "NoneOf", "Not", "Everyone", "InFile", "InSegment", "Sample", "Test"),
    *("Held", "Changed", "Transition", "Consent", "Reachable"),
    *("Periods", "EventHas", "Sequence", "Step", "Same", "Rank"),
    *("FieldFeature", "PropertyFeature", "Aggregate", "Scaled"),
    *("Among", "Between", "Compare", "CountTest", "Exists", "TextMatch"),
    *("Ahead", "Anniversary", "InLast", "InNext", "MomentTest", "OlderThan", "OnCalendar"),
    *("Ago", "Fixed", "InCalendar", "Within"),
    *("avg", "count_distinct", "first", "first_time", "last", "last_time", "max", "min"),
    *("mode", "sum"),
}
"""Every form that can be compiled, by its name in canonical text."""


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(("run_name", "host"), RUNS, ids=[name for name, _ in RUNS])
def test_an_engine_agrees_with_the_reference(run_name, host, tmp_path):
    """The engine gives the reference's members in at least 1,000 pairs, most of them telling."""
    tally: Counter[str] = Counter()
    seen: set[str] = set()

    def run(example: Example) -> None:
        for segment in example.project.segments():
            seen.update(re.findall(r'"(?:\$|kind)":"(\w+)"', canonical(segment.where)))
        for pair in pairs(example, tmp_path, example.segments, host):
            if not pair.agree:
                segment = example.project.segment(pair.segment)
                note(f"{pair.segment}: {segment and phrase(segment.where)}")
            assert sorted(pair.by_engine) == sorted(pair.by_reference)
            inside = len(pair.by_engine)
            tally["nobody" if not inside else "all" if inside == pair.everyone else "some"] += 1

    run.__name__ = run_name.replace(" ", "_")  # hypothesis seeds by name, so that runs differ
    settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))(
        given(examples(SEGMENTS))(run)
    )()
    assert seen >= FORMS
    assert tally.total() >= PAIRS
    assert tally["some"] >= 0.6 * tally.total(), tally
