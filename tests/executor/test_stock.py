"""Codes of offers: what an apply puts into stock, and what it takes out of it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from segflow.errors import RefusedError, StalePlanError
from segflow.executor.apply import apply_plan
from segflow.executor.deployed import read_deployed
from segflow.executor.effects import Effects, no_progress
from segflow.model.channel import CODE_ALPHABET
from segflow.model.observed import Observed
from segflow.model.plan import Plan
from segflow.model.run import Stock
from segflow.planner.plan import build_plan
from segflow.planner.planfile import to_bytes
from tests.executor.worlds import effects
from tests.planner.worlds import AS_OF, compile_text
from tests.store.run_records import decided, of_offer, runner, sends

FROM_FILE = "offer: five\ncodes: {{file: codes/{name}.txt}}\n"
MADE = 'offer: five\ncodes: {{generate: {{pattern: "{pattern}", count: {count}}}}}\n'


@pytest.fixture
def world() -> Effects:
    return effects()


@pytest.fixture
def put(world: Effects, tmp_path: Path):
    """Applies a project of this text and these files."""

    def apply(text: str, files: Mapping[str, str] | None = None) -> Plan:
        made = planned(world, tmp_path, text, files)
        apply_plan(made, world, lambda path: (tmp_path / path).read_bytes(), "", no_progress)
        return made

    return apply


def planned(world: Effects, folder: Path, text: str, files: Mapping[str, str] | None) -> Plan:
    compiled = compile_text(folder, text, files=files)
    deployed = read_deployed(world.state)
    seen = Observed(as_of=AS_OF, version=deployed.version, deployed=deployed.objects)
    return build_plan(compiled, seen, with_impact=False)


def given(world: Effects, count: int, offer: str = "five") -> list[str | None]:
    """The codes that so many users get, in order."""
    lease = runner(world.state)
    made = sends(decided(world.ledger, lease), range(count))
    return [one.code for one in world.ledger.claim(lease, made, of_offer(made, offer))]


def stock(free: int, reserved: int = 0, offer: str = "five") -> Stock:
    return Stock(offer=offer, free=free, reserved=reserved, committed=0)


def test_codes_of_a_file_come_in_its_order(world, put):
    """Each once, and those that are there stay where they are when lines are added."""
    put(FROM_FILE.format(name="a"), {"codes/a.txt": "B\nA\n"})
    put(FROM_FILE.format(name="a"), {"codes/a.txt": "C\nA\nB\n"})
    assert given(world, 4) == ["B", "A", "C", None]


def test_what_left_the_file_leaves_the_stock(world, put):
    """A line that was removed is given to nobody any more; who has its code keeps it."""
    put(FROM_FILE.format(name="a"), {"codes/a.txt": "A\nB\nC\n"})
    assert given(world, 1) == ["A"]
    put(FROM_FILE.format(name="b"), {"codes/b.txt": "C\nD\n"})
    assert world.ledger.stock("five") == stock(2, reserved=1)
    assert world.ledger.known_codes("ABCD") == set("ACD")


def test_an_offer_under_another_name_gives_no_code_again(world, put):
    """Codes that users got from an offer are passed over by the one that has its file now."""
    put(FROM_FILE.format(name="a"), {"codes/a.txt": "A\nB\nC\n"})
    assert given(world, 1) == ["A"]
    put(FROM_FILE.format(name="a").replace("five", "cinq"), {"codes/a.txt": "A\nB\nC\n"})
    assert world.ledger.stock("cinq") == stock(2, offer="cinq")


def test_codes_are_made_from_the_pattern(world, put):
    """So many as were asked for, no two alike, of characters that can't be mistaken."""
    put(MADE.format(pattern="FIVE-******", count=300))
    codes = given(world, 300)
    assert len(set(codes)) == 300
    assert {len(code) for code in codes} == {11}
    assert {code[:5] for code in codes} == {"FIVE-"}
    assert set("".join(code[5:] for code in codes)) == set(CODE_ALPHABET)
    assert not set("01IO") & set(CODE_ALPHABET)


def test_the_stock_is_topped_up(world, put):
    """Given codes count; what is asked for twice is there once, and more is made when asked."""
    put(MADE.format(pattern="F-****", count=20))
    given(world, 5)
    put(MADE.format(pattern="F-****", count=20) + "value: 5\n")
    assert world.ledger.stock("five") == stock(15, reserved=5)
    put(MADE.format(pattern="F-****", count=30))
    assert world.ledger.stock("five") == stock(25, reserved=5)
    put(MADE.format(pattern="F-****", count=10))
    assert world.ledger.stock("five") == stock(25, reserved=5)


def test_two_patterns_never_give_the_same_code(world, put):
    """Nor one that stands in a file: here all that there are, 32, are divided without rest."""
    ten = 'offer: ten\ncodes: {generate: {pattern: "*", count: 15}}\n'
    file = "offer: file\ncodes: {file: codes/a.txt}\n"
    lone = MADE.format(pattern="*", count=15)
    put("---\n".join((lone, ten, file)), {"codes/a.txt": "A\nB\n"})
    assert world.ledger.stock("five") == stock(15)
    assert world.ledger.stock("ten") == stock(15, offer="ten")
    assert world.ledger.stock("file") == stock(2, offer="file")


def test_a_pattern_that_is_used_up_stops_the_apply(world, put):
    """Where other offers have its codes already, nothing is deployed."""
    put('offer: ten\ncodes: {generate: {pattern: "*", count: 30}}\n')
    both = 'offer: ten\ncodes: {generate: {pattern: "*", count: 30}}\n---\n'
    with pytest.raises(RefusedError, match=r"offer\.five is used up"):
        put(both + MADE.format(pattern="*", count=3))
    assert [address.name for address in world.state.deployed()] == ["ten"]
    assert world.ledger.stock("five") == stock(0)


def test_codes_stand_nowhere_but_in_stock(world, put):
    """Neither the plan nor the journal nor what is deployed holds one of them."""
    made = put(FROM_FILE.format(name="a"), {"codes/a.txt": "QQQ-1\nQQQ-2\n"})
    (record,) = world.state.applies()
    assert b"QQQ" not in to_bytes(made)
    assert world.state.journal(record.id) == []
    assert all("QQQ" not in found.canonical for found in world.state.deployed().values())


def test_a_code_file_that_changed_since_the_plan_is_refused(world, tmp_path):
    """What was planned is applied, or nothing."""
    files = {"codes/a.txt": "A\n"}
    made = planned(world, tmp_path, FROM_FILE.format(name="a"), files)
    with pytest.raises(StalePlanError, match=r"codes/a\.txt has changed"):
        apply_plan(made, world, lambda path: b"A\nB\n", "", no_progress)
    assert world.state.applies() == []


def test_another_file_deployed_meanwhile_makes_a_plan_stale(world, put, tmp_path):
    """Although the offer's own text is the same."""
    text = FROM_FILE.format(name="a")
    put(text, {"codes/a.txt": "A\n"})
    made = planned(world, tmp_path, text, {"codes/a.txt": "A\nB\n"})
    put(text, {"codes/a.txt": "A\nC\n"})
    with pytest.raises(StalePlanError, match=r"offer\.five was deployed with other files"):
        apply_plan(made, world, lambda path: b"A\nB\n", "", no_progress)
