"""Engine and reference give the same members, for generated projects, data and instants."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.agreement.hosts import HOSTS
from tests.agreement.permitted import permitted
from tests.agreement.sides import agreed
from tests.agreement.tally import TELLING, Tally
from tests.strategies import Example, examples

SHOPS = 44 * settings.default.max_examples // 100
SEGMENTS = 24
PAIRS = 1_000
"""On each engine at least so many pairs of a segment and data."""


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_an_engine_agrees_with_the_reference(host, tmp_path):
    """The engine gives the reference's members in at least 1,000 pairs, most of them telling, among
    them every form that the engine permits; each engine is asked of shops of its own."""
    tally = Tally()

    def run(example: Example) -> None:
        for pair in agreed(example, tmp_path, host):
            tally.count(pair, example.cells(pair.segment))

    run.__name__ = f"shops_of_{host.name}"  # hypothesis seeds by name, so that engines differ
    settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))(
        given(examples(SEGMENTS))(run)
    )()
    language = permitted(host.name)
    assert {cell.form for cell in language.cells} == {cell.form for cell in tally.hits}
    assert tally.hits.keys() <= language.cells
    assert tally.pairs >= PAIRS
    assert tally.telling >= TELLING, tally.results
