"""What is stored in other ways than plainly means the same to the engine, reference and trace."""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, note, settings

from segflow.model.codec import canonical
from segflow.model.wording import phrase
from tests.agreement.forms.stored import KEYS, stored_examples, well_formed
from tests.agreement.hosts import HOSTS, POSTGRES
from tests.agreement.sides import by_engine, compiled_for_engines, explained, pairs
from tests.strategies import Example

SHOPS = 10 * settings.default.max_examples // 100
SEGMENTS = 16
PAIRS = 100
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
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_stored_values_agree_with_the_reference(host, tmp_path):
    """Each engine gives the reference's members for versions, lists, JSON and encoded numbers."""
    tally: Counter[str] = Counter()
    seen: set[str] = set()

    def run(example: Example) -> None:
        for segment in example.project.segments():
            seen.update(re.findall(r'"(?:\$|kind)":"(\w+)"', canonical(segment.where)))
        asked = well_formed(example) if host is POSTGRES else example
        for pair in pairs(asked, tmp_path, example.segments, host):
            if not pair.agree:
                segment = example.project.segment(pair.segment)
                note(f"{pair.segment}: {segment and phrase(segment.where)}")
            assert sorted(pair.by_engine) == sorted(pair.by_reference)
            inside = len(pair.by_engine)
            tally["nobody" if not inside else "all" if inside == pair.everyone else "some"] += 1

    run.__name__ = f"stored_on_{host.name}"  # hypothesis seeds by name, so that engines differ
    settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))(
        given(stored_examples(SEGMENTS))(run)
    )()
    assert seen >= FORMS
    assert tally.total() >= PAIRS
    assert tally["some"] >= 0.33 * tally.total(), tally


@pytest.mark.timeout(600)
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_explanations_agree_about_stored_values(host, tmp_path):
    """The trace of a user's rows, as the engine reads them, gives the engine's verdict."""

    @settings(max_examples=3, suppress_health_check=list(HealthCheck))
    @given(stored_examples(6))
    def run(example: Example) -> None:
        asked = well_formed(example) if host is POSTGRES else example
        project, as_of = host.of(asked.project), asked.shop.as_of
        compiled = compiled_for_engines(project)
        host.write(tmp_path, project, asked.tables, asked.shop.stored_as)
        with host.opened(project, tmp_path) as engine:
            for name in asked.segments:
                found = by_engine(engine, compiled, asked.world, name, as_of)
                for key in KEYS[:4]:
                    trace = explained(engine, compiled, asked.world, name, key, as_of)
                    assert trace.member == (key in found)

    run()
