"""Limits of a source: its hours, how many rows it gives, and by how many it is asked at a time."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import literal, select

from segflow.engines.limited import LimitedEngine
from segflow.engines.slots import Slots
from segflow.errors import SourceClosedError, SourceUnavailableError, TooLargeError
from segflow.model.catalog import Limits, Source
from segflow.model.instant import parse_instant
from segflow.ports import Selection, keys_of
from tests.engines.people import until
from tests.executor.worlds import GivenEngine, SetClock

BERLIN = ZoneInfo("Europe/Berlin")
KEY = select(literal(1).label("key"))
ASKED = Selection(source="crm", statement=KEY)


def limited(clock: SetClock, count: int = 0, **limits) -> LimitedEngine:
    """An engine within limits, whose segments have so many members."""
    source = Source(name="crm", engine="duckdb", url="crm.duckdb", limits=Limits(**limits))
    engine = GivenEngine(lambda: keys_of("integer", range(count)))
    return LimitedEngine(source, engine, clock=clock, zone=BERLIN, slots=None)


def at(text: str) -> SetClock:
    return SetClock(parse_instant(text))


QUESTIONS = {
    "members": lambda engine: engine.members(ASKED, {}),
    "memberships": lambda engine: engine.memberships(ASKED, {}, 1),
    "rows": lambda engine: engine.rows(KEY),
    "values": lambda engine: engine.values(ASKED, {}),
    "reached": lambda engine: engine.reached(),
    "newest": lambda engine: engine.newest("people", "at"),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_outside_of_its_hours_nothing_is_asked(question):
    """The error says when it may be, by the clocks of the project's zone."""
    clock = at("2026-07-01T22:59:59Z")  # 00:59 in Berlin
    engine = limited(clock, windows=("01:00-06:00", "22:00-23:30"))
    with pytest.raises(SourceClosedError, match=r"source crm .*01:00-06:00, 22:00-23:30") as caught:
        question(engine)
    assert caught.value.opens == parse_instant("2026-07-01T23:00:00Z")
    assert "2026-07-01T23:00:00Z" in (caught.value.hint or "")
    clock.instant = parse_instant("2026-07-01T23:00:00Z")
    question(engine)
    clock.instant = parse_instant("2026-07-02T04:00:00Z")  # 06:00
    with pytest.raises(SourceClosedError) as caught:
        question(engine)
    assert caught.value.opens == parse_instant("2026-07-02T20:00:00Z")


def test_what_a_table_looks_like_may_be_asked_at_any_hour():
    """So that a project is validated by day."""
    engine = limited(at("2026-07-01T12:00:00Z"), windows=("01:00-06:00",))
    assert engine.columns("people") is None


def test_more_rows_than_there_may_be_are_refused():
    """As many as there may be are not."""
    limited(at("2026-07-01T12:00:00Z"), count=5, rows=5).members(ASKED, {})
    engine = limited(at("2026-07-01T12:00:00Z"), count=6, rows=5)
    with pytest.raises(TooLargeError, match="source crm: .* more than 5 rows") as caught:
        engine.members(ASKED, {})
    assert "limits.rows" in (caught.value.hint or "")


# --- slots -----------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from segflow.engines.slots import Slots
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Slots(folder / "slots", "crm", count).one():
    (folder / name).touch()
    sys.stdin.readline()
"""


class Holder:
    """A process that holds a slot until it is told to let go."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        self._sign = folder / name
        given = [sys.executable, "-c", HOLDER, str(folder), name, str(count)]
        self.process = subprocess.Popen(given, stdin=subprocess.PIPE)

    @property
    def holds(self) -> bool:
        """Whether it came to hold a slot."""
        return self._sign.exists()

    @property
    def waits(self) -> bool:
        """Whether the system has it wait for a lock."""
        waiting = (line for line in Path("/proc/locks").read_text().splitlines() if "->" in line)
        return any(f" {self.process.pid} " in line for line in waiting)

    def let_go(self) -> None:
        """End it."""
        self.process.communicate(b"\n", timeout=20)


@pytest.fixture
def holder(tmp_path: Path):
    """Starts holders, and ends them."""
    started: list[Holder] = []

    def start(name: str, count: int) -> Holder:
        started.append(Holder(tmp_path, name, count))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_so_many_processes_ask_at_a_time_and_the_next_one_waits(holder):
    """Until one of them has its answer, or is killed."""
    first, second = holder("first", 2), holder("second", 2)
    until(lambda: first.holds and second.holds)
    third, fourth = holder("third", 2), holder("fourth", 2)
    until(lambda: third.waits and fourth.waits)
    assert not (third.holds or fourth.holds)
    first.let_go()
    os.kill(second.process.pid, signal.SIGKILL)
    until(lambda: third.holds or fourth.holds)
    (third if third.holds else fourth).let_go()
    until(lambda: third.holds and fourth.holds)


def test_a_slot_is_free_again_after_an_error(tmp_path: Path):
    """Whatever ended the question."""
    slots = Slots(tmp_path, "crm", 1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), slots.one():
            raise ZeroDivisionError


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path):
    """Nobody is asked who can't be counted."""
    (tmp_path / "file").touch()
    slots = Slots(tmp_path / "file" / "slots", "crm", 1)
    with pytest.raises(SourceUnavailableError, match="source crm"), slots.one():
        pass
