"""Engine and reference give the same members: the share of `make agreement` in every test run."""

from itertools import islice

import pytest
from hypothesis import settings

from tests.agreement.cells import of_each_form
from tests.agreement.hosts import CLICKHOUSE, HOSTS, SPARK
from tests.agreement.judging import judge
from tests.agreement.permitted import permitted
from tests.agreement.steering import SEGMENTS, shops
from tests.agreement.tally import TELLING, Tally

ENGINES = (*HOSTS, SPARK)
SLOW = (CLICKHOUSE, SPARK)
"""They take a second or more to plan a question, however few rows there are."""
SHOPS = max(2, 6 * settings.default.max_examples // 100)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("host", ENGINES, ids=lambda host: host.name)
def test_an_engine_agrees_with_the_reference(host):
    """On shops of its own, in most pairs telling, and of every form that the engine permits."""
    number, each = (SHOPS, 3) if host not in SLOW else (SHOPS // 3, 1)
    tally = Tally()
    cells = permitted(host.name).cells
    asked = islice(shops(ENGINES.index(host), of_each_form(cells, each)), number)
    for place, shop in enumerate(asked, start=1):
        judged = judge(place, shop, [host.name])
        assert not judged.differences, "\n".join(judged.differences)
        tally.add(judged.tallies[host.name])
    assert {cell.form for cell in cells} == {cell.form for cell in tally.hits}
    assert tally.hits.keys() <= cells
    assert tally.pairs == SEGMENTS * number
    assert tally.telling >= TELLING, tally.results
