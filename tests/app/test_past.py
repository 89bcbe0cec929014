"""Leaves that ask the membership log: plan, apply, refresh, count and explain read one story."""

from pathlib import Path

import pytest

from segflow.app import segments
from segflow.app.plan import make_plan
from segflow.app.refresh import refresh
from segflow.app.validate import load
from segflow.errors import RefusedError
from segflow.model.address import Address
from segflow.model.instant import Instant
from segflow.planner.planfile import to_bytes
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, refresh_at, world_at
from tests.warehouse import write

DAY = 86_400_000
CAME = "segment: came\nentity: customer\nwhere: {entered: recent, in_last: 7d}\n"
WENT = "segment: went\nentity: customer\nwhere: {exited: recent}\n"
LOYAL = "segment: loyal\nentity: customer\nwhere: {held: {segment: recent}, for: 7d}\n"
STILL = "segment: still\nentity: customer\nwhere: {held: {segment: quiet}, for: 7d}\n"


def asking(root: Path, *documents: str) -> None:
    """Adds segments to the files."""
    write(root, {"segments/past.yaml": "---\n".join(documents)})


def members(root: Path, name: str, at: Instant) -> set[int]:
    with world_at(root, at) as world:
        return set(segments.members(world, load(root, None).compiled, name, at))


@pytest.fixture
def week(root: Path) -> Path:
    """The deployed shop a week later: `recent` was refreshed, people came and went."""
    shop.write_purchases(root, until=shop.SECOND)
    refresh_at(root, shop.SECOND, ["recent"], shop.SECOND)
    return root


def test_who_came_and_went_is_what_the_log_recorded(week: Path):
    """The two sets are those of the refresh's entry, and who was in before and after is loyal."""
    asking(week, CAME, WENT, LOYAL)
    with world_at(week, shop.SECOND) as world:
        first, second = (
            set(segments.recorded_members(world, "recent", at)) for at in (shop.FIRST, shop.SECOND)
        )
    assert members(week, "came", shop.SECOND) == second - first != set()
    assert members(week, "went", shop.SECOND) == first - second != set()
    assert members(week, "loyal", shop.SECOND) == first & second != set()


def test_an_instant_before_the_refresh_does_not_know_of_it(week: Path):
    """A millisecond earlier nobody has come or gone."""
    asking(week, WENT)
    assert members(week, "went", Instant(shop.SECOND - 1)) == set()


def test_a_log_that_is_too_short_is_refused(week: Path):
    """A span that begins before the log is no question that it can answer, and the error says from
    when on it could."""
    asking(week, LOYAL.replace("7d", "8d"))
    with pytest.raises(
        RefusedError, match=r"begins at 2026-03-01.* asked from 2026-02-28"
    ) as error:
        members(week, "loyal", shop.SECOND)
    assert "shorter span" in (error.value.hint or "")
    with world_at(week, shop.SECOND) as world, pytest.raises(RefusedError, match="begins at"):
        make_plan(world, load(week, None).compiled, shop.SECOND)


def test_without_any_log_there_is_nothing_to_ask(fresh: Path):
    """Before the first apply nothing was recorded: the error says what to do."""
    asking(fresh, CAME)
    with pytest.raises(RefusedError, match="nothing was ever recorded") as error:
        members(fresh, "came", shop.FIRST)
    assert error.value.hint == "apply segment.recent first: its log begins then"


def test_a_first_apply_may_ask_for_all_of_the_log(fresh: Path):
    """With the segment itself its log begins, and nobody has come or gone yet."""
    asking(fresh, WENT)
    apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
    assert ledger(fresh).members["went"] == ()


def test_plan_apply_and_count_say_the_same(root: Path):
    """In one apply the data of `recent` moves, its definition is edited, and new segments ask its
    log: the plan foresees whom the apply records, and later the same instant is answered so."""
    shop.write_after(root)
    asking(root, CAME, WENT, STILL)
    plan = plan_at(root, shop.SECOND)
    planned = {
        change.address.name: change.impact.size_after
        for change in plan.changes
        if change.impact is not None and change.address.kind == "segment"
    }
    apply_at(root, shop.SECOND, to_bytes(plan))
    applied = ledger(root).members
    causes = {entry.cause for entry in ledger(root).logs["recent"][1:]}
    assert causes == {"data", "definition"}
    for name in ("came", "went", "still"):
        assert planned[name] == len(applied[name]) > 0
        assert members(root, name, shop.SECOND) == set(applied[name])


def test_a_refresh_shows_its_own_moves_to_those_who_ask(root: Path):
    """What is refreshed first is in the log for what rests on it, at the same instant."""
    asking(root, WENT)
    apply_at(root, shop.FIRST + DAY, to_bytes(plan_at(root, Instant(shop.FIRST + DAY))))
    shop.write_purchases(root, until=shop.SECOND)
    with world_at(root, shop.SECOND) as world:
        refresh(world, (), shop.SECOND)
    found = ledger(root)
    assert set(found.members["went"]) == members(root, "went", shop.SECOND) != set()


def test_explanations_say_when_somebody_came_and_went(week: Path):
    """For every user the explanation agrees with the members and shows the log's last word."""
    asking(week, CAME, LOYAL)
    compiled = load(week, None).compiled
    for name in ("came", "loyal"):
        inside = members(week, name, shop.SECOND)
        with world_at(week, shop.SECOND) as world:
            for key in range(0, shop.CUSTOMERS, 4):
                trace = segments.explain(world, compiled, name, key, shop.SECOND)
                assert trace.member == (key in inside)
                if name == "came" and trace.member:
                    assert trace.root is not None
                    shown = {value.text: value.value for value in trace.root.values}
                    assert shown["recent entered"] == "2026-03-08T00:00:00Z"


def test_the_audience_of_a_rule_may_ask_the_log(week: Path):
    """A rule's filter reaches those who came lately."""
    rule = (
        "rule: welcome\nsegment: recent\nwhere: {entered: recent, in_last: 7d}\n"
        "trigger: {every: 1d}\nsend: [{channel: outbox, template: hi.j2}]\n"
    )
    asking(week, CAME)
    write(week, {"rules/welcome.yaml": rule, "templates/hi.j2": "Hi\n"})
    plan = plan_at(week, shop.SECOND)
    reach = next(one for one in plan.changes if one.address == Address("rule", "welcome"))
    assert reach.impact is not None
    assert reach.impact.size_after == len(members(week, "came", shop.SECOND))
