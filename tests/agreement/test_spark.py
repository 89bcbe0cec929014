"""Spark gives what the reference does of values however they are stored."""

from itertools import islice

import pytest

from tests.agreement.choices import endless
from tests.agreement.forms.stored import ROWS, SEGMENT, stored_example
from tests.agreement.hosts import SPARK
from tests.agreement.sides import agreed
from tests.agreement.tally import Tally

SEED = b"stored 2"
SEGMENTS = 16


@pytest.mark.timeout(1_200)
def test_spark_agrees_on_values_however_they_are_stored(tmp_path):
    """Versions, lists, JSON and encoded numbers."""
    tally = Tally()
    example = stored_example(bytes(islice(endless(SEED), 64 + ROWS + SEGMENTS * SEGMENT)))
    for pair in agreed(example, tmp_path, SPARK):
        tally.count(pair, example.cells(pair.segment))
    assert tally.telling >= 0.33, tally.results
