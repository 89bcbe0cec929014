"""Which instant a refresh is judged at, of sources that have come to different ones."""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segflow.engines.around import AroundEngine
from segflow.errors import SourceUnavailableError
from segflow.executor.effects import Effects, no_progress
from segflow.executor.refresh import Refreshed, refresh_segments
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.planner.planfile import to_bytes
from segflow.ports import Engine, Reached
from tests.faults.shop import FIRST
from tests.faults.worker import apply_at, plan_at, world_at
from tests.warehouse import SETTINGS, write

STORES = ("crm", "search", "shop")
CATALOG = """\
source: {name}
engine: sqlite
url: {name}.db
---
entity: of_{name}
key: {{type: integer}}
population: {{source: {name}, table: people, key: id}}
"""
SEGMENT = "segment: {name}\nentity: of_{entity}\nwhere: {where}\n"
SEGMENTS = [SEGMENT.format(name=name, entity=name, where="{everyone: true}") for name in STORES]
SEGMENTS += [SEGMENT.format(name="nested", entity="shop", where="{not: {segment: shop}}")]
RESTS_ON = {name: name for name in STORES} | {"nested": "shop"}


class Told(AroundEngine):
    """An engine whose data go as far as it is told; None: all. `gone` can't be asked."""

    def __init__(self, engine: Engine, until: Instant | None, *, gone: bool = False) -> None:
        super().__init__(engine)
        self._until = until
        self._gone = gone

    @contextmanager
    def _asking(self) -> Iterator[Engine]:
        if self._gone:
            raise SourceUnavailableError("nobody answers")
        yield self._engine

    def reached(self) -> Reached:
        """What was told."""
        with self._asking():
            return Reached(until=self._until, follows=True)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Segments of three sources, deployed as of FIRST."""
    root = tmp_path_factory.mktemp("sources")
    catalog = "---\n".join(CATALOG.format(name=name) for name in STORES)
    files = {"catalog/all.yaml": catalog, "segments/all.yaml": "---\n".join(SEGMENTS)}
    write(root, {"segflow.toml": SETTINGS} | files)
    for name in STORES:
        with closing(sqlite3.connect(root / f"{name}.db")) as connection:
            connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY)")
            connection.execute("INSERT INTO people VALUES (1)")
            connection.commit()
    apply_at(root, FIRST, to_bytes(plan_at(root, FIRST)))
    return root


def told(effects: Effects, until: Mapping[str, Instant | None], gone: str | None) -> Effects:
    """The same with engines that are as far as they are told to be."""

    def engines(source: Source) -> Engine:
        engine = effects.engines(source)
        return Told(engine, until.get(source.name), gone=source.name == gone)

    return replace(effects, engines=engines)


def after(least: int, most: int) -> st.SearchStrategy[Instant]:
    return st.integers(least, most).map(lambda number: Instant(FIRST + number))


@settings(max_examples=25, deadline=None)
@given(
    recorded=st.dictionaries(st.sampled_from([*RESTS_ON]), after(1, 4)),
    until=st.dictionaries(st.sampled_from(STORES), after(0, 8)),
    gone=st.sampled_from([None, *STORES]),
    asked=after(5, 8),
    kind=st.sampled_from(["now", "given", "given or earlier"]),
)
def test_a_refresh_is_judged_at_what_all_its_sources_have_reached(
    deployed: Path,
    recorded: Mapping[str, Instant],
    until: Mapping[str, Instant],
    gone: str | None,
    asked: Instant,
    kind: str,
) -> None:
    """The least of that and of what is asked for, unless that is given and no earlier one will do.
    Whoever is recorded as of that or a later instant, or whose source has not come to it, is kept.
    A source that can't be asked bounds nobody, and fails its own segments."""
    with TemporaryDirectory() as folder:
        root = shutil.copytree(deployed, Path(folder) / "shop")
        with world_at(root, asked) as world:
            for name, instant in sorted(recorded.items(), key=lambda one: one[1]):
                refresh_segments(world.effects, [name], instant, no_progress)
            effects = told(world.effects, until, gone)
            as_of = None if kind == "now" else asked
            or_earlier = kind == "given or earlier"
            reports = refresh_segments(effects, (), as_of, no_progress, or_earlier=or_earlier)
            snapshots = world.state.snapshots()
    bounds = {name: one for name, one in until.items() if name != gone}
    instant = asked if kind == "given" else min([asked, *bounds.values()])
    found = {one.segment: one for one in reports}
    assert set(found) == set(RESTS_ON)
    for name, source in RESTS_ON.items():
        before = recorded.get(name, FIRST)
        is_late = bounds.get(source, instant) < instant
        if is_late or before >= instant:
            expected, ending = before, "kept"
        elif source == gone:
            expected, ending = before, "failed"
        else:
            expected, ending = instant, "done"
        assert (snapshots[name].as_of, ended(found[name])) == (expected, ending)
        assert found[name].as_of == expected
        held_back = ending == "done" and instant < asked
        assert (found[name].held_back_by is not None) == held_back


def ended(one: Refreshed) -> str:
    """What became of a segment."""
    assert one.error is None or one.kept is None
    return "failed" if one.error is not None else "kept" if one.kept is not None else "done"
