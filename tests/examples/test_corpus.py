"""The corpus of segments after other systems: it loads, it runs, both sides agree, it is listed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segflow.compiler.passes.walk import segment_sites
from segflow.compiler.targets.queries import KeyQuery, select_query
from segflow.compiler.worlds import Logs, World
from segflow.model.catalog import Source
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, parse_instant
from segflow.model.predicate import Predicate, Sql
from segflow.model.project import Project
from segflow.model.segment import Segment
from segflow.ports import Engine
from tests.agreement.choices import Pick
from tests.agreement.data import columns, world_of, write_parquet
from tests.agreement.forms.log import log
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import (
    by_engine,
    by_reference,
    compiled_for_engines,
    compiled_for_reference,
)
from tests.docs import corpus_page
from tests.examples.corpus import CASES, examples, loaded, refused_form, runnable
from tests.examples.corpus_data import corpus_tables
from tests.examples.habits import TIMES

NOT_YET: frozenset[str] = frozenset()
"""What the corpus asks for and this version refuses. It only ever becomes shorter: an entry that is
not needed any more fails a test below, and the segments that it held back run from then on."""


def test_only_what_is_not_there_yet_is_refused():
    """The corpus has no fault but forms that this version refuses, each of them listed above."""
    _, found = loaded()
    assert {refused_form(one) or one.summary for one in found} == NOT_YET


def test_what_can_be_compiled_is_not_left_out():
    """Most of the corpus runs, and all of it as soon as nothing is refused."""
    project, _ = loaded()
    left_out = set(names(project)) - set(names(runnable(project)))
    assert len(left_out) < (len(project.segments()) / 2 if NOT_YET else 1)


def names(project: Project) -> Sequence[str]:
    """The names of the segments."""
    return [segment.name for segment in project.segments()]


# --- both sides ------------------------------------------------------------------------------


def write(folder: Path, project: Project, tables: Mapping[str, Any]) -> None:
    """Write every table of the source; those that no catalog describes with all they have."""
    write_parquet(folder, project, tables, {})
    described = columns(project)
    for source in (one for one in project if isinstance(one, Source)):
        for name, path in source.tables:
            if name not in described:
                pq.write_table(pa.Table.from_pylist(tables[name]), folder / path)


def logs_before(instants: Sequence[Instant]) -> Logs:
    """Logs of the segments whose past the corpus asks about, with changes around the instants."""
    days = (0, 1, 20, 40)
    edges = sorted(Instant(instant - 86_400_000 * back) for instant in instants for back in days)
    pick = Pick(bytes(range(1, 256)))
    return {name: log(pick, range(1, 151), edges) for name in ("churned", "harbour_regulars")}


def answers(
    engine: Engine, compiled: Compiled, world: World, segment: Segment, as_of: Instant
) -> Mapping[Predicate, frozenset[int]]:
    """The keys that the queries of `sql` leaves give: only an engine can say."""
    leaves = (site.node for site in segment_sites(segment) if isinstance(site.node, Sql))
    queries = {leaf: select_query(KeyQuery(leaf, "integer"), compiled, as_of) for leaf in leaves}
    return {leaf: frozenset(engine.members(query, {})) for leaf, query in queries.items()}


@pytest.mark.timeout(600)
def test_both_sides_give_the_same_members(tmp_path):
    """At three instants DuckDB gives the reference's members of every segment that compiles, and at
    least four in five of them have members and others at one of the instants."""
    project = runnable(loaded()[0])
    compiled, tables = compiled_for_engines(project), corpus_tables()
    reference = compiled_for_reference(compiled)
    instants = [parse_instant(time.isoformat()) for time in TIMES]
    logs = logs_before(instants)
    worlds = {
        entity: world_of(project, entity, tables, {}, logs) for entity in ("customer", "account")
    }
    write(tmp_path, project, tables)
    telling: dict[str, bool] = defaultdict(bool)
    with DUCKDB.opened(project, tmp_path) as engine:
        for segment in project.segments():
            world = worlds[segment.entity]
            for as_of in instants:
                given = answers(engine, compiled, world, segment, as_of)
                world = replace(world, given=given)
                expected, everyone = by_reference(reference, world, segment.name, as_of)
                found = by_engine(engine, compiled, world, segment.name, as_of)
                assert sorted(found) == sorted(expected), (segment.name, as_of)
                telling[segment.name] |= 0 < len(found) < everyone
    dull = sorted(name for name, tells in telling.items() if not tells)
    assert len(dull) <= len(telling) / 5, dull


# --- the cases -------------------------------------------------------------------------------


def test_every_segment_has_a_case():
    """Each segment of the corpus has the number of a case above it, and a description below."""
    project, _ = loaded()
    assert sorted(one.name for one in examples()) == sorted(names(project))


def test_the_page_lists_the_segments():
    """`python -m tests.docs.write` brings its table up to date."""
    assert corpus_page.PAGE.read_text(encoding="utf-8") == corpus_page.render()


def test_every_case_is_said_or_the_page_says_why_not():
    """The cases that segments say and those that the page gives reasons for are all, and no case is
    both; a segment that comes near to one is named by its reason."""
    rows = re.findall(r"^\| ([0-9]+) \|(.*)$", corpus_page.by_hand(), re.MULTILINE)
    reasons = {int(number): rest for number, rest in rows}
    said = {one.number for one in examples() if not one.near}
    assert sorted([*said, *reasons]) == list(range(1, CASES + 1))
    assert [
        one.name for one in examples() if one.near and one.name not in reasons[one.number]
    ] == []
