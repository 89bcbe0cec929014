"""Spark gives what the reference does: a share of what the other engines are asked, as it takes a
second or so to plan a question, however few rows there are."""

from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings

from tests.agreement.cells import Cell
from tests.agreement.forms.stored import stored_examples
from tests.agreement.hosts import SPARK
from tests.agreement.permitted import permitted
from tests.agreement.sides import agreed
from tests.agreement.steering import shops
from tests.agreement.tally import Tally
from tests.strategies import Example

SHOPS = 2
STORED = 6


@pytest.mark.timeout(1_200)
def test_spark_agrees_on_every_form(tmp_path):
    """All segments of a shop are asked in one query."""
    language = permitted(SPARK.name).cells
    of_forms: dict[str, Cell] = {}
    for cell in sorted(language):
        of_forms.setdefault(cell.form, cell)
    tally = Tally()
    for example in islice(shops(1, of_forms.values()), SHOPS):
        for pair in agreed(example, tmp_path, SPARK):
            tally.count(pair, example.cells(pair.segment))
    assert {cell.form for cell in tally.hits} == of_forms.keys()
    assert tally.hits.keys() <= language
    assert tally.telling >= 0.5, tally.results


@pytest.mark.timeout(1_200)
def test_spark_agrees_on_values_however_they_are_stored(tmp_path):
    """Versions, lists, JSON and encoded numbers."""
    tally = Tally()

    def run(example: Example) -> None:
        for pair in agreed(example, tmp_path, SPARK):
            tally.count(pair, example.cells(pair.segment))

    run.__name__ = f"stored_on_{SPARK.name}"  # hypothesis seeds by name
    settings(max_examples=STORED, suppress_health_check=list(HealthCheck))(
        given(stored_examples(16))(run)
    )()
    assert tally.telling >= 0.33, tally.results
