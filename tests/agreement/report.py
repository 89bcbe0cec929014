"""docs/reference/agreement.md: what a full run found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.agreement.hosts import DUCKDB, SPARK
from tests.agreement.permitted import permitted
from tests.agreement.tally import TELLING, Tally

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "agreement.md"

_TEXT = """\
# How engines agree

A segment has one meaning, and `segflow/compiler/interpret.py` says it in plain Python.
`make agreement` holds every engine to it: it makes up shops, whose tables hold every kind of
awkward value, and segments about them; the members that an engine gives must be those of the
reference. A *pair* is one segment over one shop at one instant.

The *cells* of a segment are what it is made of: a form of the language, one of its keys, and the
type of the value that both are about; `gte` of a `sum` of decimals is one. Which there are is found
by trying each key of the grammar with values of each type on the loader and the compiler. The run
goes on until every engine was judged at least {least} times in each cell that it is not refused
([forms and engines](support.md)), and Spark, which takes seconds to plan a question, {fewer} times
on shops of its own. It fails if fewer than {telling:.0%} of the results are some of the users,
rather than nobody or everybody. Then deliberate mistakes are put into the queries, one after
another, and each must be noticed. Elasticsearch, which is refused many forms, is judged by a test
of its own, on either line of versions in at least 3,000 pairs.

The run writes this page. The last one was on {day}, with seed {seed}; {faults} mistakes of {faults}
were noticed.

| engine | version | pairs | cells | refused | hits of the rarest cell | results that are some |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run found that did not fail."""

    day: date
    seed: int
    versions: Mapping[str, str]
    tallies: Mapping[str, Tally]
    faults: int


def render(found: Figures) -> str:
    """The page."""
    head = _TEXT.format(
        least=DUCKDB.least,
        fewer=SPARK.least,
        telling=TELLING,
        day=found.day,
        seed=found.seed,
        faults=found.faults,
    )
    return head + rows(found)


def rows(found: Figures) -> str:
    """The rows of the page's table."""
    return "".join(map(_row, found.versions, found.versions.values(), found.tallies.values()))


def _row(engine: str, version: str, tally: Tally) -> str:
    language = permitted(engine)
    rarest = min(tally.hits[cell] for cell in language.cells)
    cells = (
        *(engine, version, f"{tally.pairs:,}", f"{len(language.cells):,}", len(language.refused)),
        *(rarest, f"{tally.telling:.1%}"),
    )
    return f"| {' | '.join(map(str, cells))} |\n"
