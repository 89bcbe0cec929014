"""The full run: what it counts, when that is enough, and how it makes a disagreement small."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from segflow.model.operator import CountTest
from segflow.model.predicate import Aggregate, AnyOf, Everyone, InSegment, Not, Test, Transition
from segflow.model.segment import Segment
from tests.agreement import documents, full, report
from tests.agreement.cells import Cell
from tests.agreement.choices import Pick, endless
from tests.agreement.hosts import DUCKDB
from tests.agreement.judging import BY_NAME, Judged, answered
from tests.agreement.kept import Kept
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


def test_shops_are_counted_in_their_order(monkeypatch, tmp_path):
    """So that a run is the same whichever worker is the fastest."""
    monkeypatch.setattr(full, "judge", lambda number, shop, engines: Judged({shop: Tally()}))
    with ThreadPoolExecutor(3) as pool:
        found = full.in_order(pool, iter("abcdefgh"), 4, ["duckdb"], Kept(tmp_path))
        assert [[*next(found).tallies] for _ in range(4)] == [["a"], ["b"], ["c"], ["d"]]
        found.close()


def test_a_stopped_run_goes_on(monkeypatch, tmp_path):
    """No shop is judged again but the ones of which nothing is known and on which sides differ."""
    known, asked = Kept(tmp_path / "kept"), []

    def judge(number: int, shop: str, engines: object) -> Judged:
        asked.append(shop)
        tally = Tally(Counter(some=number))
        return Judged({"duckdb": tally}, ["other keys"] if shop == "b" else [])

    monkeypatch.setattr(full, "judge", judge)
    with ThreadPoolExecutor(1) as pool:
        for count in (3, 5):
            found = full.in_order(pool, iter("abcdef"), 1, ["duckdb"], known)
            pairs = [next(found).tallies["duckdb"].pairs for _ in range(count)]
            assert pairs == [*range(count)]
            found.close()
    assert asked == [*"abc", *"bde"]
    known.forget()
    assert known.judged(0) is None


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


def test_engines_that_are_asked_alike_are_judged_together():
    """Those only that are asked; each engine is in one of the groups."""
    assert [*full.groups(["sqlite", "elasticsearch-7", "duckdb"])] == [
        ["duckdb", "sqlite"],
        ["elasticsearch-7"],
    ]
    assert sorted(sum(full.groups(BY_NAME), [])) == sorted(BY_NAME)


def test_elasticsearch_is_counted_by_what_it_answers():
    """Not by the cells that the language permits; what else came up is no mistake."""
    found = Tally()
    found.results["some"] = 3_000
    found.hits.update(dict.fromkeys([*documents.CELLS, Cell("everyone", "elsewhere")], 50))
    assert list(full.lacking("elasticsearch-7", found)) == []
    assert full.is_enough({"elasticsearch-7": found})
    found.hits[Cell("did")] = 9
    (line,) = full.lacking("elasticsearch-7", found)
    assert line == "elasticsearch-7: 9 hits of did, fewer than 10"


def row(engine: str, tally: Tally, **others) -> report.Figures:
    """What was found of an engine."""
    known = {"version": "v1", "seed": 7, "day": date(2026, 1, 31)}
    return report.Figures(engine=engine, tally=tally, **(known | others))


def test_the_page_has_the_figures_of_the_last_run_of_each_engine(monkeypatch):
    """Each with its own date and seed; those that are not asked keep theirs."""
    monkeypatch.setattr(report, "permitted", lambda engine: permitted("duckdb"))
    language = permitted("duckdb")
    cells = f"{len(language.cells):,} | {len(language.refused)}"
    page = report.with_rows("", [row("sqlite", tally_of(60)), row("duckdb", tally_of(70, rank=51))])
    old = f"| duckdb | v1 | 20,000 | {cells} | 51 | 75.0% | 7 | 2026-01-31 |\n"
    assert page.endswith(f"{old}| sqlite | v1 | 20,000 | {cells} | 60 | 75.0% | 7 | 2026-01-31 |\n")
    later = row("sqlite", tally_of(80), version="v2", seed=8, day=date(2026, 2, 1))
    renewed = f"{old}| sqlite | v2 | 20,000 | {cells} | 80 | 75.0% | 8 | 2026-02-01 |\n"
    assert report.with_rows(page, [later]).endswith(renewed)


def test_of_elasticsearch_the_page_tells_the_cells_that_came_up():
    """Nobody counts what it is refused."""
    found = Tally()
    found.results["some"] = 3_000
    found.hits.update({Cell("did"): 60, Cell("did", "within"): 4})
    line = "| elasticsearch-8 | v1 | 3,000 | 2 | – | 4 | 100.0% | 7 | 2026-01-31 |\n"
    assert report.with_rows("", [row("elasticsearch-8", found)]).endswith(line)


def test_the_page_says_when_seeded_mistakes_were_noticed():
    """Whichever engines are judged afterwards."""
    page = report.with_rows("", ())
    assert "must be noticed:\nnone were tried yet." in page
    for day in (1, 2):
        page = report.with_faults(page, 80, date(2026, 1, day))
    assert "must be noticed:\nall 80 were on 2026-01-02." in page
    assert report.with_rows(page, ()) == page


def test_the_page_is_written_as_a_run_writes_it():
    """Not by hand."""
    page = report.PAGE.read_text(encoding="utf-8")
    assert report.with_rows(page, ()) == page
