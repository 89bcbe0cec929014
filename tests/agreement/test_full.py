"""The full run: what it counts, when that is enough, and how it makes a disagreement small."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from segflow.model.operator import CountTest
from segflow.model.predicate import Aggregate, AnyOf, Everyone, InSegment, Not, Test, Transition
from segflow.model.segment import Segment
from tests.agreement import full, report
from tests.agreement.cells import Cell
from tests.agreement.choices import Pick, endless
from tests.agreement.hosts import DUCKDB
from tests.agreement.judging import answered
from tests.agreement.minimal import smallest, told
from tests.agreement.permitted import permitted
from tests.agreement.sides import Pair
from tests.agreement.tally import Tally
from tests.strategies import Example, composed

LEAST = DUCKDB.least
SHOP = composed(Pick(endless(b"shop")), Pick(endless(b"rows")), [])


def with_segments(**wheres) -> Example:
    """A shop with segments of these conditions."""
    made = [Segment(name=name, entity="customer", where=one) for name, one in wheres.items()]
    objects = {**SHOP.project.objects, **{one.address: one for one in made}}
    return replace(SHOP, project=replace(SHOP.project, objects=objects))


def tally_of(hits: int, *, pairs: int = 20_000, telling: int = 15_000, **rarer: int) -> Tally:
    """A tally with so many hits of every cell but for those of some forms."""
    found = Tally()
    found.results.update({"some": telling, "nobody": pairs - telling})
    cells = permitted("duckdb").cells
    found.hits.update({cell: rarer.get(cell.form, hits) for cell in cells})
    return found


def test_a_tally_tells_what_was_judged_too_seldom():
    """Of pairs, of results that tell something, and of each cell by its name."""
    assert list(full.lacking("duckdb", tally_of(LEAST))) == []
    assert list(full.lacking("duckdb", tally_of(LEAST, exited=LEAST - 1))) == [
        "duckdb: 49 hits of exited, fewer than 50",
        "duckdb: 49 hits of exited / in_last, fewer than 50",
    ]
    few = list(full.lacking("duckdb", tally_of(LEAST, pairs=9_999, telling=5_000)))
    assert few[0] == "duckdb: 9999 pairs, fewer than 10000"
    assert "50.0% of the results are some users" in few[1]


def test_what_is_drawn_and_not_permitted_is_told():
    """The cells of a generator that strays from the language are no hits."""
    strays = tally_of(LEAST)
    strays.hits[Cell("sum", "contains", "decimal")] += 1
    (line,) = full.lacking("duckdb", strays)
    assert "sum / contains / decimal" in line


@pytest.mark.parametrize(
    ("inside", "kind"), [(frozenset(), "nobody"), ({1, 2}, "everybody"), ({1}, "some")]
)
def test_results_are_counted_by_kind(inside, kind):
    """What tells some users from others is neither nobody nor everybody."""
    found = Tally()
    found.count(Pair("s", frozenset(inside), frozenset(inside), 2), [Cell("everyone")])
    assert found.results == {kind: 1}
    assert found.telling == (kind == "some")
    assert found.hits == {Cell("everyone"): 1}


def test_a_run_goes_on_until_every_engine_was_judged_often_enough():
    """Not before, whatever other engines have."""
    assert full.is_enough({"duckdb": tally_of(LEAST), "sqlite": tally_of(LEAST)})
    assert not full.is_enough({"duckdb": tally_of(LEAST), "sqlite": tally_of(LEAST, rank=1)})
    assert not full.is_enough({"duckdb": tally_of(LEAST, pairs=1)})


def test_shops_are_counted_in_their_order(monkeypatch):
    """So that a run is the same whichever worker is the fastest."""
    monkeypatch.setattr(full, "judge", lambda number, shop, engines: (number, shop))
    with ThreadPoolExecutor(3) as pool:
        found = full.in_order(pool, iter("abcdefgh"), 4, ["duckdb"])
        assert [next(found) for _ in range(4)] == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
        found.close()


def test_what_an_engine_is_refused_is_not_asked_of_it():
    """Neither are segments that rest on such; others stay."""
    shop = with_segments(
        plain=Everyone(),
        counted=Test(
            feature=Aggregate(kind="count", events=("view",)),
            operators=(CountTest(op="at_least", count=1),),
        ),
        nested=Not(item=InSegment(segment="counted")),
        logged=AnyOf(items=(Everyone(), Transition(kind="entered", segment="nested"))),
    )
    cells = permitted("duckdb").cells
    assert answered(shop, cells) == shop
    kept = answered(shop, {cell for cell in cells if cell.form != "did"})
    assert kept.segments == ("plain",)


def test_a_disagreement_is_made_small():
    """Only what it needs of the condition and of the rows stays; what can't be asked is none."""
    counted = Test(
        feature=Aggregate(kind="count", events=("view",)),
        operators=(CountTest(op="at_least", count=3),),
    )
    shop = with_segments(
        other=Everyone(), tested=AnyOf(items=(Everyone(), Not(item=counted))), last=Everyone()
    )
    key = shop.tables["views"][2]["customer_id"]

    def differs(example: Example) -> bool:
        found = example.project.segment("tested")
        rows = [row for row in example.tables["views"] if row["customer_id"] == key]
        if found.where == Everyone():
            raise ValueError("it breaks whoever asks")
        return "fewer_than" not in told(example) and "view" in told(example) and bool(rows)

    small = smallest(shop, "tested", differs)
    assert small.segments == ("tested",)
    assert small.project.segment("tested").where == counted
    assert {table: len(rows) for table, rows in small.tables.items() if rows} == {"views": 1}
    assert {name for name, cell in small.tables["views"][0].items() if cell is not None} == (
        set() if key is None else {"customer_id"}
    )


def test_the_page_has_the_figures_of_the_run(monkeypatch):
    """Each engine with its own, the date and the seed as they were given."""
    monkeypatch.setattr(report, "permitted", lambda engine: permitted("duckdb"))
    figures = report.Figures(
        day=date(2026, 1, 31),
        seed=7,
        versions={"duckdb": "v1", "sqlite": "3.40"},
        tallies={"duckdb": tally_of(60), "sqlite": tally_of(70, rank=51)},
        faults=80,
    )
    page = report.render(figures)
    language = permitted("duckdb")
    cells = f"{len(language.cells):,} | {len(language.refused)}"
    assert "on 2026-01-31, with seed 7; 80 mistakes of 80" in page
    assert f"| duckdb | v1 | 20,000 | {cells} | 60 | 75.0% |" in page
    assert f"| sqlite | 3.40 | 20,000 | {cells} | 51 | 75.0% |" in page
