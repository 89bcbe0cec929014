"""segflow plan: reads only, asks no source in vain, and foretells what apply will do."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from segflow.app.apply import apply
from segflow.app.plan import make_plan
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.errors import InvalidProjectError
from segflow.executor.outcome import SegmentOutcome
from segflow.model.catalog import Source
from segflow.model.plan import EvaluateSegment, Impact, Plan
from segflow.ports import Engine
from tests.app.conftest import Edit
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import plan_at, refresh_at, world_at

FAST = """
import sys
from pathlib import Path
from segflow.app.plan import make_plan
from segflow.app.validate import load
from segflow.app.wiring import open_world
root = Path(sys.argv[1])
loaded = load(root, None)
with open_world(loaded.compiled.project.settings, root) as world:
    made = make_plan(world, loaded.compiled, None, impact=False)
assert made.changes
print(*sorted({"duckdb", "duckdb_engine", "pyarrow", "fsspec"} & set(sys.modules)))
"""


def impacts(plan: Plan) -> dict[str, Impact | None]:
    """The impact of each changed segment."""
    return {
        change.address.name: change.impact
        for change in plan.changes
        if change.address.kind == "segment"
    }


def test_plan_makes_nothing(fresh: Path):
    """Planning against no state leaves no file behind."""
    before = sorted(fresh.rglob("*"))
    assert plan_at(fresh, shop.FIRST).changes
    assert sorted(fresh.rglob("*")) == before


def test_plan_without_impact_imports_no_engine(fresh: Path):
    """What is slow to import (DuckDB, Arrow, fsspec) is left alone where no source is asked."""
    run = subprocess.run(
        [sys.executable, "-c", FAST, str(fresh)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "\n"), run.stderr


def test_plan_of_what_is_deployed_asks_no_source(root: Path):
    """Where nothing changed the plan is empty although the data is gone."""
    (root / "data" / "purchases.parquet").unlink()
    assert plan_at(root, shop.SECOND).is_empty


def test_apply_does_what_the_plan_foretold(root: Path):
    """Size, entered and left of every segment are those of the plan, and none has drifted."""
    shop.write_after(root)
    plan = plan_at(root, shop.SECOND)
    with world_at(root, shop.SECOND) as world:
        outcome = apply(world, plan)
    foretold = {
        name: SegmentOutcome(name=name, size=one.size_after, entered=one.entered, left=one.left)
        for name, one in impacts(plan).items()
        if one is not None
    }
    assert {one.name: one for one in outcome.segments} == foretold
    assert set(foretold) == {"recent", "quiet", "big", "invited", "gone"}
    assert outcome.drift == ()


def of_rules(plan: Plan) -> dict[str, Impact | None]:
    """The impact of each changed rule."""
    return {
        change.address.name: change.impact
        for change in plan.changes
        if change.address.kind == "rule"
    }


def test_plan_tells_whom_rules_would_reach(root: Path):
    """By what is deployed and by what is planned, both at the plan's instant, each evaluated once,
    segments in one query; an apply evaluates no rule."""
    shop.write_after(root)
    asked: list[str] = []
    with world_at(root, shop.SECOND) as world:

        def engines(source: Source) -> Engine:
            asked.append(source.name)
            return world.engines(source)

        compiled = load(root, None).compiled
        plan = make_plan(replace(world, engines=engines), compiled, shop.SECOND)
        quiet = impacts(plan)["quiet"]
        assert quiet is not None
        assert quiet.entered
        frozen = len(ledger(root).members["first_buyers"])
        thanks = of_rules(plan)["thanks"]
        assert thanks is not None
        assert (thanks.size_now, thanks.size_after, thanks.entered) == (None, frozen, frozen)
        assert of_rules(plan) == {"winback": quiet, "thanks": thanks}

        tables_of_the_catalog, segments_as_planned, as_deployed, rules = 1, 1, 1, 3
        segments = segments_as_planned + as_deployed
        assert len(asked) == tables_of_the_catalog + segments + rules
        asked.clear()
        apply(replace(world, engines=engines), plan)
        assert len(asked) == segments


def test_a_rule_without_change_of_audience_asks_nobody(root: Path):
    """An edited template is told by its lines, an edited file of codes by numbers; nobody is
    evaluated for them: it works with the data gone."""
    shop.write(root, {"templates/hi.j2": "Hello\n", "codes/five.txt": "FIVE-1\n"})
    (root / "data" / "purchases.parquet").unlink()
    plan = plan_at(root, shop.SECOND)
    assert of_rules(plan) == {"winback": None}
    assert [change.action for change in plan.changes] == ["update", "update"]
    assert [one.lines for change in plan.changes for one in change.attributes] == [
        ("0 new in the file, 2 gone from it",),
        ("-Take {{ offer.code }}", "+Hello"),
    ]


def test_description_moves_nobody(root: Path, edit: Edit):
    """A change of words is applied without asking a source, and members stay as they are."""
    edit("segments/shop.yaml", "segment: recent\n", "segment: recent\ndescription: new\n")
    (root / "data" / "purchases.parquet").unlink()
    plan = plan_at(root, shop.SECOND)
    assert impacts(plan) == {"recent": None}
    before = ledger(root)
    with world_at(root, shop.SECOND) as world:
        apply(world, plan)
    assert (ledger(root).snapshots, ledger(root).logs) == (before.snapshots, before.logs)


def test_causes_stay_apart(root: Path, edit: Edit):
    """The log says who moved because a week went by, and who because the definition changed."""
    shop.write_purchases(root, until=shop.SECOND)
    edit("segments/shop.yaml", "within: 14d", "within: 6d")
    plan = plan_at(root, shop.SECOND)
    with world_at(root, shop.SECOND) as world:
        apply(world, plan)
        first, data, definition = world.state.log("recent")
    assert (first.cause, data.cause, definition.cause) == ("definition", "data", "definition")
    assert data.definition == first.definition != definition.definition
    found = impacts(plan)["recent"]
    assert found is not None
    assert (definition.entered, definition.exited) == (found.entered, found.left)
    assert first.entered + data.entered - data.exited == found.size_now


def test_static_segment_keeps_its_set(root: Path, edit: Edit):
    """A static segment whose definition is edited is not evaluated; whoever was frozen stays."""
    shop.write_purchases(root, until=shop.SECOND, missing=frozenset(range(30)))
    edit(
        "segments/shop.yaml",
        "mode: static\nwhere: {did: purchase}",
        "mode: static\nwhere: {did: purchase, at_least: 3}",
    )
    before = ledger(root).members["first_buyers"]
    plan = plan_at(root, shop.SECOND)
    assert EvaluateSegment(segment="first_buyers") not in plan.steps
    with world_at(root, shop.SECOND) as world:
        apply(world, plan)
    assert ledger(root).members["first_buyers"] == before
    assert plan_at(root, shop.LATER).is_empty


def test_snapshot_stands_for_a_definition_that_can_not_be_asked(root: Path, edit: Edit):
    """Where the table of the deployed definition is gone, the edit that mends it can be planned and
    applied: the last snapshot stands for the old definition."""
    moved = root / "data" / "orders.parquet"
    (root / "data" / "purchases.parquet").rename(moved)
    edit("catalog/shop.yaml", "data/purchases.parquet", "data/orders.parquet")
    plan = plan_at(root, shop.SECOND)
    found = impacts(plan)["gone"]
    assert found is not None
    assert found.from_snapshot
    assert found.size_now == len(ledger(root).members["gone"])
    rule = of_rules(plan)["winback"]
    assert rule is not None
    assert rule.size_now is None
    with world_at(root, shop.SECOND) as world:
        assert apply(world, plan).drift == ()
    assert plan_at(root, shop.LATER).is_empty


def test_new_segment_sees_the_last_snapshot(root: Path, edit: Edit):
    """`as: snapshot` is what was recorded last, not what the segment would be now."""
    shop.write_purchases(root, until=shop.SECOND)
    nested = "segment: follower\nentity: customer\nwhere: {segment: gone, as: snapshot}\n---\n"
    edit("segments/shop.yaml", "segment: recent\n", nested + "segment: recent\n")
    recorded = len(ledger(root).members["gone"])
    found = impacts(plan_at(root, shop.SECOND))["follower"]
    assert found is not None
    assert found.size_after == recorded
    refresh_at(root, shop.SECOND, ("gone",), shop.SECOND)
    refreshed = len(ledger(root).members["gone"])
    assert refreshed != recorded
    found = impacts(plan_at(root, shop.SECOND))["follower"]
    assert found is not None
    assert found.size_after == refreshed


def test_a_plan_refuses_a_catalog_that_its_source_does_not_fit(fresh: Path) -> None:
    """Members are never counted over values that would be rounded: the catalog's line is told."""
    catalog = fresh / "catalog" / "shop.yaml"
    catalog.write_text(catalog.read_text().replace('type: "decimal(18,2)"', "type: integer"))
    compiled = load(fresh, None).compiled
    with open_world(compiled.project.settings, fresh) as world:
        with pytest.raises(InvalidProjectError) as caught:
            make_plan(world, compiled, shop.FIRST)

        assert [found.code for found in caught.value.report.errors] == ["SRC004"]
        assert make_plan(world, compiled, shop.FIRST, impact=False).changes


def test_another_time_zone_alone_is_planned_and_applied(root: Path, edit: Edit):
    """Rules and refreshes without a zone of their own are read by it: it is a change that an apply
    makes, and behind which nothing is left to do."""
    edit("segflow.toml", 'name = "shop"\n', 'name = "shop"\ntimezone = "Asia/Shanghai"\n')
    before = ledger(root)
    made = plan_at(root, shop.FIRST)
    assert (made.changes, made.timezone_before, made.is_empty) == ((), "UTC", False)

    with world_at(root, shop.FIRST) as world:
        apply(world, made)
        version = world.state.version()

    assert version is not None and version.timezone == "Asia/Shanghai"
    assert plan_at(root, shop.FIRST).is_empty
    assert ledger(root) != before
