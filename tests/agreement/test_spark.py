"""Spark gives what the reference does: a share of what the other engines are asked, as it takes a
second or so to plan a question, however few rows there are."""

from itertools import islice

import pytest

from tests.agreement.cells import Cell
from tests.agreement.choices import endless
from tests.agreement.forms.stored import ROWS, SEGMENT, stored_example
from tests.agreement.hosts import SPARK
from tests.agreement.permitted import permitted
from tests.agreement.sides import agreed
from tests.agreement.steering import shops
from tests.agreement.tally import Tally

SHOPS = 2
STORED = 4
SEGMENTS = 16


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
    for number in range(STORED):
        drawn = bytes(islice(endless(b"stored %d" % number), 64 + ROWS + SEGMENTS * SEGMENT))
        example = stored_example(drawn)
        for pair in agreed(example, tmp_path, SPARK):
            tally.count(pair, example.cells(pair.segment))
    assert tally.telling >= 0.33, tally.results
