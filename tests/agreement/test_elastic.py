"""Elasticsearch and the reference give the same members, of what Elasticsearch is not refused."""

from itertools import islice

import pytest
from hypothesis import settings

from segflow.model.wording import phrase
from tests.agreement.documents import CELLS, LINES, pairs_of, shops
from tests.agreement.tally import TELLING, Tally

SHOPS = max(3, 9 * settings.default.max_examples // 100)
PAIRS = 8 * SHOPS
SEED = 0


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_elasticsearch_agrees_with_the_reference(line):
    """Of drawn shops whose events have unique ids, in most pairs telling."""
    tally = Tally()
    for example in islice(shops(SEED), SHOPS):
        for pair in pairs_of(line, example, example.segments):
            segment = example.project.segment(pair.segment)
            assert pair.agree, segment and phrase(segment.where)
            tally.count(pair, example.cells(pair.segment))
    assert tally.pairs >= PAIRS
    assert {cell.form for cell in tally.hits} >= {cell.form for cell in CELLS}
    assert tally.telling >= TELLING, tally.results
