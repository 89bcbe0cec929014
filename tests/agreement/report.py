"""docs/reference/agreement.md: what the full runs found, of each engine the last one."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.agreement.documents import LINES
from tests.agreement.hosts import CLICKHOUSE, DUCKDB, HOSTS, SPARK
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
goes on until every engine was judged at least {often} times in each cell that it is not refused
([forms and engines](support.md)); ClickHouse and Spark, which take long to plan a question, {fewer}
and {least} times. Elasticsearch, which is refused many forms, is asked at least {pairs:,} times
about what it answers; the cells that came up are counted. A run fails if fewer than {telling:.0%}
of the results are some of the users, rather than nobody or everybody.

Deliberate mistakes are put into the queries too, one after another, and each must be noticed:
{faults}.

The run writes this page. `make agreement ENGINE=spark` judges one engine, and renews its row.

| engine | version | pairs | cells | refused | least hits | some users | seed | day |
|---|---|---|---|---|---|---|---|---|
"""
_FAULTS = re.compile(r"and each must be noticed:\n(.*)\.\n")
_ROW = re.compile(r"^\| ([a-z0-9-]+) \| .*\n", re.MULTILINE)
_ORDER = [one.name for one in (*HOSTS, SPARK, *LINES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run found of an engine, and of which version of it."""

    engine: str
    version: str
    tally: Tally
    seed: int
    day: date


def with_rows(page: str, found: Collection[Figures]) -> str:
    """The page with these rows in place of those of the same engines."""
    rows = {row[1]: row[0] for row in _ROW.finditer(page) if row[1] in _ORDER}
    rows |= {one.engine: _row(one) for one in found}
    faults = _FAULTS.search(page)
    head = _TEXT.format(
        often=DUCKDB.least,
        fewer=CLICKHOUSE.least,
        least=SPARK.least,
        pairs=LINES[0].pairs,
        telling=TELLING,
        faults=faults[1] if faults else "none were tried yet",
    )
    return head + "".join(rows[name] for name in _ORDER if name in rows)


def with_faults(page: str, count: int, day: date) -> str:
    """The page, which says that so many seeded mistakes were noticed."""
    told = f"all {count} were on {day}"
    return _FAULTS.sub(f"and each must be noticed:\n{told}.\n", with_rows(page, ()))


def _row(found: Figures) -> str:
    tally = found.tally
    cells, refused = frozenset(tally.hits), "–"
    if found.engine not in {line.name for line in LINES}:
        cells, left_out = permitted(found.engine)
        refused = str(len(left_out))
    told = (
        *(found.engine, found.version, f"{tally.pairs:,}", f"{len(cells):,}", refused),
        *(min(tally.hits[cell] for cell in cells), f"{tally.telling:.1%}", found.seed, found.day),
    )
    return f"| {' | '.join(map(str, told))} |\n"
