"""What was measured decides which of two real stores is asked for what both of them have."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pytest

from segflow.app.apply import apply
from segflow.app.plan import make_plan
from segflow.app.query import routing
from segflow.app.refresh import refresh
from segflow.app.validate import load
from segflow.app.wiring import World
from segflow.engines.around import AroundEngine
from segflow.model.catalog import Source
from segflow.model.cost import Cost
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.planner.render import render_plan, text_of
from segflow.ports import Engine
from tests.faults import shop
from tests.faults.worker import world_at
from tests.warehouse import SETTINGS, write

NOW, HOUR = shop.SECOND, 3_600_000
CALLS = 2_000
CATALOG = """\
source: crm
engine: sqlite
url: crm.db
---
source: mart
engine: sqlite
url: mart.db
---
source: lake
engine: duckdb
url: lake.duckdb
---
entity: person
key: {type: integer, ordinals: direct}
population: {source: crm, table: people, key: id}
---
event: call
entities: {person: person}
at:
  - {source: mart, table: calls, time: called_at}
  - {source: lake, table: calls, time: called_at}
"""
CALLED = "segment: called\nentity: person\nwhere: {did: call}\n"
IN_LAKE = "---\nsegment: in_lake\nentity: person\nread_from: {call: lake}\nwhere: {did: call}\n"
OFTEN = "---\nsegment: often\nentity: person\nwhere: {did: call, at_least: 2}\n"


@dataclass(slots=True)
class Stopwatch:
    """A clock on which time passes only while a source is asked."""

    instant: int
    seconds: float = 0.0

    def now(self) -> int:
        """The instant that was set."""
        return self.instant

    def monotonic(self) -> float:
        """What all questions took together."""
        return self.seconds


class SlowEngine(AroundEngine):
    """A real engine that takes so many seconds for each question."""

    def __init__(self, engine: Engine, seconds: float, clock: Stopwatch) -> None:
        super().__init__(engine)
        self._seconds = seconds
        self._clock = clock

    @contextmanager
    def _asking(self) -> Iterator[Engine]:
        yield self._engine
        self._clock.seconds += self._seconds


@dataclass(slots=True)
class Stores:
    """A project over three stores, and how many seconds each of them takes for a question."""

    root: Path
    takes: dict[str, float] = field(
        default_factory=lambda: {"crm": 0.01, "mart": 20.0, "lake": 0.25}
    )

    def write(self, *segments: str) -> None:
        """The segments of the working tree."""
        write(self.root, {"segments/all.yaml": "".join(segments)})

    @contextmanager
    def world(self, now: int) -> Iterator[World]:
        """The world of the project at an instant."""
        clock = Stopwatch(now)
        with world_at(self.root, now) as world:

            def engines(source: Source) -> Engine:
                return SlowEngine(world.engines(source), self.takes[source.name], clock)

            yield replace(world, engines=engines, clock=clock)

    def plan(self, now: int) -> Plan:
        """The plan of the working tree."""
        with self.world(now) as world:
            return make_plan(world, load(self.root, None).compiled, None)

    def apply(self, plan: Plan, now: int) -> None:
        """Do what a plan says."""
        with self.world(now) as world:
            apply(world, plan)

    def refresh(self, now: int) -> None:
        """Refresh all segments, none of which fails."""
        with self.world(now) as world:
            assert not any(one.error for one in refresh(world, (), None))

    def asked(self, segment: str) -> Mapping[str, Cost]:
        """What each source was asked for the last members of a segment, by its name."""
        with self.world(NOW) as world:
            return {one.question.source: one for one in world.state.costs()[segment]}

    def size(self, segment: str) -> int:
        """How many members are recorded."""
        with self.world(NOW) as world:
            return world.state.snapshots()[segment].size

    def because(self, segment: str) -> Mapping[str, str]:
        """Why each source is asked for a segment of the working tree."""
        with self.world(NOW) as world:
            found = routing(world, load(self.root, None).compiled, segment, None, Instant(NOW))
        return {one.source: one.because for one in found.parts}


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """A hundred people, a few of whom called; two stores have the same calls."""
    write(tmp_path, {"segflow.toml": SETTINGS, "catalog/all.yaml": CATALOG})
    calls = [(number % 40, "2024-01-01 12:00:00") for number in range(CALLS)]
    with sqlite3.connect(tmp_path / "crm.db") as crm:
        crm.execute("CREATE TABLE people (id INTEGER PRIMARY KEY)")
        crm.executemany("INSERT INTO people VALUES (?)", [(number,) for number in range(100)])
    crm.close()
    with sqlite3.connect(tmp_path / "mart.db") as mart:
        mart.execute("CREATE TABLE calls (person INTEGER, called_at TEXT)")
        mart.executemany("INSERT INTO calls VALUES (?, ?)", calls)
    mart.close()
    with duckdb.connect(str(tmp_path / "lake.duckdb")) as lake:
        lake.execute("CREATE TABLE calls (person BIGINT, called_at TIMESTAMP)")
        lake.execute(
            f"INSERT INTO calls SELECT range % 40, '2024-01-01 12:00:00' FROM range({CALLS})"
        )
    return Stores(tmp_path)


Deploy = Callable[..., None]


@pytest.fixture
def deploy(stores: Stores) -> Deploy:
    """Deploys segments an hour after one another."""

    def deploy(now: int, *segments: str) -> None:
        stores.write(*segments)
        stores.apply(stores.plan(now), now)

    return deploy


def test_what_was_measured_turns_the_choice(stores: Stores, deploy: Deploy) -> None:
    """Calls are read where they stand first until both places were measured, then where they are
    cheaper, and stay there; members are the same all along."""
    deploy(NOW, CALLED, IN_LAKE)
    assert set(stores.asked("called")) == {"crm", "mart"}
    assert stores.size("called") == 40
    assert stores.because("called")["lake"] == (
        "has event call, which source.crm has not, and takes about 66 ms for a segment where"
        " source.mart takes about 16.8 s, as it was measured"
    )
    for hour in (1, 2, 3):
        stores.refresh(NOW + hour * HOUR)
        assert set(stores.asked("called")) == {"crm", "lake"}
        assert stores.size("called") == 40


def test_costs_are_kept_by_source_and_shared_questions_once(stores: Stores, deploy: Deploy) -> None:
    """Each question is kept whole, with the number of segments that shared it; what a store does
    not count is unknown."""
    deploy(NOW, CALLED, IN_LAKE, OFTEN)
    called, often = stores.asked("called"), stores.asked("often")
    lake = stores.asked("in_lake")["lake"]
    assert called["mart"].question == often["mart"].question
    assert called["crm"].question == lake_people(stores).question
    mart = called["mart"].question
    assert (mart.segments, mart.tables, mart.microseconds) == (2, ("calls",), 20_000_000)
    assert (mart.engine, mart.rows_read, mart.bytes_read) == ("sqlite", None, None)
    of_lake = lake.question
    assert (of_lake.segments, of_lake.tables, of_lake.microseconds) == (1, ("calls",), 250_000)
    # Calls are read for who is spoken of, and for what they did.
    assert (of_lake.engine, of_lake.rows_read, of_lake.bytes_read) == ("duckdb", 2 * CALLS, None)
    assert (called["mart"].ids, lake.ids, called["crm"].ids) == (40, 40, 100)
    assert called["crm"].question.segments == 3


def lake_people(stores: Stores) -> Cost:
    """What the segment that is read from the lake asked for the population."""
    return stores.asked("in_lake")["crm"]


def test_a_chance_slowness_turns_nothing(stores: Stores, deploy: Deploy) -> None:
    """What takes four times as long once is asked again all the same; what takes a hundred times as
    long is not, once that was seen."""
    deploy(NOW, CALLED, IN_LAKE)
    stores.refresh(NOW + HOUR)
    stores.takes["lake"] *= 4
    stores.refresh(NOW + 2 * HOUR)
    stores.refresh(NOW + 3 * HOUR)
    assert set(stores.asked("called")) == {"crm", "lake"}
    stores.takes["lake"] *= 200
    stores.refresh(NOW + 4 * HOUR)
    assert set(stores.asked("called")) == {"crm", "lake"}
    stores.refresh(NOW + 5 * HOUR)
    assert set(stores.asked("called")) == {"crm", "mart"}


def test_an_apply_chooses_as_its_plan_did(stores: Stores, deploy: Deploy) -> None:
    """Whatever is measured between them."""
    deploy(NOW, CALLED, IN_LAKE)
    stores.write(CALLED, IN_LAKE, OFTEN)
    plan = stores.plan(NOW + 9 * HOUR)
    stores.takes["lake"] *= 10_000
    stores.refresh(NOW + HOUR)
    assert stores.because("often").keys() == {"crm", "mart"}
    stores.apply(plan, NOW + 9 * HOUR)
    assert set(stores.asked("often")) == {"crm", "lake"}


def test_a_plan_says_what_its_segments_add(stores: Stores, deploy: Deploy) -> None:
    """A table that nobody read, with what the source took at last; then one that others read."""
    deploy(NOW, "segment: all\nentity: person\nwhere: {everyone: true}\n")
    stores.write("segment: all\nentity: person\nwhere: {everyone: true}\n---\n", CALLED)
    found = text_of(render_plan(stores.plan(NOW + HOUR)))
    assert "adds a scan of calls in source.mart (sqlite)\n" in found
    assert "shares the scan of people in source.crm (sqlite) with 1 other segment\n" in found

    deploy(NOW + HOUR, CALLED)
    stores.write(CALLED, OFTEN)
    found = text_of(render_plan(stores.plan(NOW + 2 * HOUR)))
    assert "shares the scan of calls in source.mart (sqlite) with 1 other segment\n" in found
    deploy(NOW + 2 * HOUR, "segment: all\nentity: person\nwhere: {everyone: true}\n")
    stores.write(CALLED)
    found = text_of(render_plan(stores.plan(NOW + 3 * HOUR)))
    assert "adds a scan of calls in source.mart (sqlite); the last one took 20.0 s for" in found
    assert "takes over the scan of people in source.crm (sqlite)\n" in found
