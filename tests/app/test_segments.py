"""Questions about segments: what the working tree says, what is deployed, what was recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from segflow.app import segments
from segflow.app.query import routing
from segflow.app.validate import load
from segflow.app.wiring import World
from segflow.engines.duckdb import DuckDbEngine
from segflow.errors import (
    InvalidProjectError,
    NotDeployedError,
    RefusedError,
    SourceUnavailableError,
)
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.planner.planfile import to_bytes
from tests.app.conftest import Edit
from tests.faults import shop
from tests.faults.worker import apply_at, plan_at, refresh_at, world_at


@contextmanager
def opened(root: Path, now: int = shop.SECOND) -> Iterator[tuple[World, Compiled]]:
    with world_at(root, now) as world:
        yield world, load(root, None).compiled


def test_listing_says_how_files_and_state_compare(root: Path):
    """Deployed, changed, new and deleted segments stand in one list, in order of name."""
    shop.write_after(root)
    with opened(root) as (world, compiled):
        found = segments.listing(world, compiled)
    assert [(one.name, one.status) for one in found] == [
        ("big", "new"),
        ("first_buyers", "deployed"),
        ("gone", "deleted"),
        ("invited", "new"),
        ("quiet", "changed"),
        ("recent", "changed"),
    ]
    sizes = {one.name: one.size for one in found}
    assert sizes["big"] is None
    assert sizes["recent"]


def test_questions_about_files_need_no_state(fresh: Path):
    """count, members and explain work before anything is deployed, and make no state."""
    with opened(fresh) as (world, compiled):
        members = segments.members(world, compiled, "quiet", shop.FIRST)
        counted = segments.count(world, compiled, "quiet", shop.FIRST)
        trace = segments.explain(world, compiled, "quiet", members.min(), shop.FIRST)
    assert counted.count == len(members) > 0
    assert trace.member
    assert not (fresh / ".segflow").exists()


def test_present_instant_is_the_default(root: Path):
    """Without an instant it is the clock's."""
    with opened(root, shop.LATER) as (world, compiled):
        assert segments.count(world, compiled, "recent", None).as_of == shop.LATER


def test_explanation_agrees_with_the_engine(root: Path):
    """For each user of each segment the reference says what the engine says."""
    shop.write_after(root)
    with opened(root) as (world, compiled):
        for name in compiled.segments:
            members = segments.members(world, compiled, name, shop.SECOND)
            for key in range(0, shop.CUSTOMERS, 3):
                trace = segments.explain(world, compiled, name, key, shop.SECOND)
                assert trace.member == (key in members), (name, key)


BEST = """\
segment: best
entity: customer
where: {rank: {sum: purchase.amount, within: 30d}, top: 20%}
---
"""


def test_explanation_of_a_rank_shows_the_position(root: Path, edit: Edit):
    """The positions of all customers are 1 to n, each once; those within the bounds are members, as
    the engine says, and the deadline says that it takes the rank as it is."""
    edit("segments/shop.yaml", "segment: recent\n", f"{BEST}segment: recent\n")
    with opened(root) as (world, compiled):
        members = segments.members(world, compiled, "best", shop.FIRST)
        traces = [
            segments.explain(world, compiled, "best", key, shop.FIRST)
            for key in range(shop.CUSTOMERS)
        ]
    positions = {}
    for trace in traces:
        assert trace.root is not None
        assert trace.deadline is not None
        value, position = trace.root.values
        assert (value.text, position.text) == ("sum: purchase.amount, within: 30d", "position")
        assert (position.value or "").endswith(f" of {shop.CUSTOMERS}")
        positions[trace.key] = int((position.value or "").split()[0])
        assert trace.deadline.at is None
        assert trace.deadline.unforeseen == (compiled.segments["best"].where,)
    assert sorted(positions.values()) == list(range(1, shop.CUSTOMERS + 1))
    inside = {key for key, position in positions.items() if 5 * position <= shop.CUSTOMERS}
    assert {trace.key for trace in traces if trace.member} == inside == set(members)
    assert 0 < len(inside) < shop.CUSTOMERS


def test_who_is_not_ranked_has_no_position(root: Path, edit: Edit):
    """A customer without a value is out, and the position is missing."""
    newest = BEST.replace("sum: purchase.amount", "max: purchase.amount").replace("30d", "1d")
    edit("segments/shop.yaml", "segment: recent\n", f"{newest}segment: recent\n")
    with opened(root) as (world, compiled):
        traces = [
            segments.explain(world, compiled, "best", key, shop.FIRST)
            for key in range(shop.CUSTOMERS)
        ]
    values = [trace.root.values for trace in traces if trace.root is not None]
    assert {(one.value is None, place.value is None) for one, place in values} == {
        (True, True),
        (False, False),
    }
    assert not any(
        trace.member for trace, (one, _) in zip(traces, values, strict=True) if one.value is None
    )


def test_explanation_foresees_what_the_engine_says_then(fresh: Path):
    """For everybody: a millisecond before the deadline the engine has the same answer as at T, and
    at it the other; whoever has none is asked half a year later."""
    moved = 0
    with opened(fresh) as (world, compiled):
        for key in range(0, shop.CUSTOMERS, 5):
            trace = segments.explain(world, compiled, "quiet", key, shop.FIRST)
            assert trace.deadline is not None
            at = trace.deadline.at
            then = Instant(shop.FIRST + 180 * 86_400_000) if at is None else Instant(at - 1)
            before = segments.members(world, compiled, "quiet", then)
            assert (key in before) == trace.member
            if at is not None:
                after = segments.members(world, compiled, "quiet", at)
                assert (key in after) != trace.member
                moved += 1
    assert moved > 2


def test_nested_static_segment_is_its_frozen_set(root: Path, edit: Edit):
    """Another segment sees who was frozen, while a count of the static one itself evaluates."""
    shop.write_purchases(root, until=shop.SECOND, missing=frozenset(range(10)))
    edit(
        "segments/shop.yaml",
        "segment: recent\n",
        "segment: nested\nentity: customer\nwhere: {segment: first_buyers}\n---\nsegment: recent\n",
    )
    with opened(root) as (world, compiled):
        nested = segments.members(world, compiled, "nested", shop.SECOND)
        itself = segments.members(world, compiled, "first_buyers", shop.SECOND)
    assert nested.min() == 0
    assert itself.min() == 10


def test_log_answers_for_the_past(root: Path):
    """What was recorded at an instant is told by the log, whatever the sources say now."""
    shop.write_purchases(root, until=shop.SECOND)
    refresh_at(root, shop.SECOND, (), shop.SECOND)
    (root / "data" / "purchases.parquet").unlink()
    with opened(root) as (world, _):
        first = segments.recorded(world, "recent", Instant(shop.SECOND - 1))
        second = segments.recorded(world, "recent", shop.SECOND)
        assert (first.as_of, second.as_of) == (shop.FIRST, shop.SECOND)
        for found in (first, second):
            assert len(segments.recorded_members(world, "recent", found.at)) == found.count
        assert [entry.sequence for entry in segments.history(world, "recent")] == [1, 2]


def test_deleted_segment_keeps_its_past(root: Path):
    """After the deletion nobody is in it; before it everybody who was recorded."""
    shop.write_after(root)
    apply_at(root, shop.SECOND, to_bytes(plan_at(root, shop.SECOND)))
    with opened(root) as (world, _):
        assert segments.recorded(world, "gone", shop.FIRST).count > 0
        assert segments.recorded(world, "gone", shop.SECOND).count == 0
        last = segments.history(world, "gone")[-1]
    assert (last.cause, last.entered) == ("definition", 0)


def test_unknown_names_are_told_apart(root: Path):
    """A name that the files lack, one that was never recorded, an instant before all records."""
    with opened(root) as (world, compiled):
        with pytest.raises(RefusedError, match="no segment recnt") as caught:
            segments.count(world, compiled, "recnt", None)
        assert caught.value.hint == "did you mean recent?"
        with pytest.raises(NotDeployedError, match="segment.recnt"):
            segments.history(world, "recnt")
        with pytest.raises(RefusedError, match="up to 2026-02-28"):
            segments.recorded(world, "recent", Instant(shop.FIRST - 1))


# --- what the catalog says of its sources ----------------------------------------------------


QUESTIONS: list[Callable[[World, Compiled, str], object]] = [
    lambda world, compiled, name: segments.count(world, compiled, name, shop.FIRST),
    lambda world, compiled, name: segments.members(world, compiled, name, shop.FIRST),
    lambda world, compiled, name: segments.explain(world, compiled, name, 1, shop.FIRST),
    lambda world, compiled, name: routing(world, compiled, name, None, shop.FIRST),
]


@pytest.mark.parametrize("ask", QUESTIONS, ids=("count", "members", "explain", "compile"))
@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("  table: purchases", "  table: orders", "SRC001", "  table: orders"),
        ("column: amount", "column: total", "SRC002", "column: total"),
        ('"decimal(18,2)"', "integer", "SRC004", "amount: {type: integer"),
    ],
)
def test_questions_are_refused_at_the_line_that_is_wrong(
    root: Path, edit: Edit, ask: Any, before: str, after: str, code: str, line: str
):
    """Before a source is read, the catalog's claims about it are judged, each at its place."""
    edit("catalog/shop.yaml", before, after)
    with opened(root) as (world, compiled), pytest.raises(InvalidProjectError) as caught:
        ask(world, compiled, "recent")
    (found,) = caught.value.report.errors
    assert found.code == code
    assert found.span is not None
    text = (root / "catalog" / "shop.yaml").read_text().splitlines()[found.span.line - 1]
    assert line in text


@pytest.mark.parametrize("ask", QUESTIONS, ids=("count", "members", "explain", "compile"))
def test_only_what_a_segment_rests_on_is_judged(root: Path, edit: Edit, ask: Any):
    """An event that is wrong troubles nobody who does not ask about it."""
    edit("catalog/shop.yaml", "column: amount", "column: total")
    edit(
        "segments/shop.yaml",
        "segment: recent\n",
        "segment: customers\nentity: customer\nwhere: {everyone: true}\n---\nsegment: recent\n",
    )
    with opened(root) as (world, compiled):
        ask(world, compiled, "customers")


def test_each_table_is_asked_about_once(fresh: Path, monkeypatch: pytest.MonkeyPatch):
    """A question costs one look at the columns of each table that it rests on."""
    asked: list[str] = []
    columns = DuckDbEngine.columns
    monkeypatch.setattr(
        DuckDbEngine, "columns", lambda self, table: (asked.append(table), columns(self, table))[1]
    )
    with opened(fresh) as (world, compiled):
        segments.count(world, compiled, "quiet", shop.FIRST)
    assert sorted(asked) == ["customers", "purchases"]


def test_a_source_that_is_away_tells_so_itself(fresh: Path):
    """Whether to try again is the engine's to say."""
    (fresh / "data" / "customers.parquet").unlink()
    with opened(fresh) as (world, compiled), pytest.raises(SourceUnavailableError):
        segments.count(world, compiled, "quiet", shop.FIRST)
