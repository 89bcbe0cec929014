"""Whom a rule reaches: the users of its segment that its own filter lets through."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from segflow.model.channel import Channel
from segflow.model.duration import Duration
from segflow.model.predicate import Everyone
from segflow.model.project import Project
from segflow.model.rule import Action, EveryTrigger, Rule
from segflow.model.segment import Segment
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import (
    by_engine,
    by_reference,
    compiled_for_engines,
    sets_of,
)
from tests.selections import select_audience
from tests.strategies import Example, examples

SEGMENTS = 4
PUSH = Channel(name="push", kind="webhook")


def with_rules(project: Project) -> Project:
    """The project with a rule for each of its segments but the first: it reaches whom of the one
    before its predicate lets through. Samples are salted by name, so it is called as its own."""
    segments = project.segments()
    rules = (
        Rule(
            name=of.name,
            segment=before.name,
            where=of.where,
            trigger=EveryTrigger(every=Duration(count=1, unit="d")),
            send=(Action(channel=PUSH.name),),
        )
        for before, of in zip(segments, segments[1:], strict=False)
    )
    everyone = Segment(name="everyone", entity="customer", where=Everyone())
    added = {thing.address: thing for thing in (PUSH, everyone, *rules)}
    return replace(project, objects={**project.objects, **added})


@pytest.mark.timeout(600)
def test_an_audience_is_the_segment_cut_by_the_filter(tmp_path):
    """DuckDB and the reference both give the members of the segment for whom the filter holds."""
    sizes: list[int] = []

    def run(example: Example) -> None:
        project, as_of = with_rules(example.project), example.shop.as_of
        compiled = compiled_for_engines(project)
        DUCKDB.write(tmp_path, project, example.tables, example.shop.stored_as)
        with DUCKDB.opened(project, tmp_path) as engine:
            everyone = by_engine(engine, compiled, example.world, "everyone", as_of)
            for name, rule in compiled.rules.items():
                selection = select_audience(compiled, name, as_of)
                wanted = sets_of(selection, engine, compiled, example.world, as_of)
                found = frozenset(engine.members(selection, wanted))
                segment = compiled.segments[rule.rule.segment].segment
                if segment.mode == "static":
                    inside = example.world.snapshots[segment.name] & everyone
                else:
                    inside = by_engine(engine, compiled, example.world, segment.name, as_of)
                passing = by_engine(engine, compiled, example.world, name, as_of)
                assert found == inside & passing
                judged = replace(compiled, segments={**compiled.segments, name: rule.audience})
                assert by_reference(judged, example.world, name, as_of)[0] == found
                sizes.append(len(found))

    settings(max_examples=6, suppress_health_check=list(HealthCheck))(
        given(examples(SEGMENTS))(run)
    )()
    assert any(sizes)
    assert not all(sizes)
