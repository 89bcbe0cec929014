"""The choice between sources, and how the sets of parts are told to meet."""

from decimal import Decimal

import pytest

from segflow.compiler.routing.choice import chosen
from segflow.compiler.routing.route import Router
from segflow.compiler.routing.worded import how_they_meet
from segflow.model.instant import Instant
from segflow.model.predicate import Predicate, Sample
from segflow.model.wording import phrase
from segflow.ports.documents import Difference, Given, Intersection, Joined
from tests.compiler.projects import compiled

SOURCES = """\
source: lake
engine: duckdb
url: lake.duckdb
---
source: mart
engine: duckdb
url: mart.duckdb
---
event: click
entities: {customer: customer_id}
at: {source: lake, table: clicks, time: at}
---
event: call
entities: {customer: customer_id}
at:
  - {source: mart, table: calls, time: at}
  - {source: lake, table: calls, time: at}
---
"""


def leaf(name: str) -> Predicate:
    """A leaf that others are not."""
    return Sample(high=Decimal(1), salt=name)


A, B, C = map(leaf, "abc")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({A: ["home", "x"], B: ["home"]}, {A: "home", B: "home"}),
        ({A: ["x", "y"], B: ["y", "z"]}, {A: "y", B: "y"}),
        ({A: ["y", "x"], B: ["home"]}, {A: "y", B: "home"}),
        ({A: ["x"], B: ["y"], C: ["home", "x", "y"]}, {A: "x", B: "y", C: "home"}),
        ({A: ["x"], B: ["y"], C: ["y", "x"]}, {A: "x", B: "y", C: "y"}),
    ],
)
def test_few_sources_are_asked_and_of_these_the_first(options, expected):
    """The population's own is asked anyway; beside it as few as will do, in order of preference."""
    assert chosen(options, "home") == expected


def test_of_equally_few_sources_the_cheapest_are_asked():
    """Cost decides before the order does, and never makes the sources more."""
    costs = {"home": 5.0, "x": 3.0, "y": 1.0}

    def cost(source: str, leaf: Predicate) -> float:
        return costs[source]

    assert chosen({A: ["x", "y"], B: ["home"]}, "home", cost) == {A: "y", B: "home"}
    assert chosen({A: ["home", "y"]}, "home", cost) == {A: "home"}
    assert chosen({A: ["home", "y"], B: ["y"]}, "home", cost) == {A: "y", B: "y"}


@pytest.mark.parametrize(
    ("where", "meet", "parts"),
    [
        (
            "{all: [{field: country, eq: NO}, {did_not: click}, {did_not: call}]}",
            "warehouse 1 but not lake 2",
            [
                ("warehouse", "own", "field: country, eq: NO"),
                ("lake", "mentioned", "not: {all: [{did_not: click}, {did_not: call}]}"),
            ],
        ),
        (
            "{not: {did: call}}",
            "warehouse 2 but not mart 1",
            [("mart", "mentioned", "did: call"), ("warehouse", "own", "everyone: true")],
        ),
        (
            "{any: [{did: call}, {rank: {count: click}, top: 10}]}",
            "",
            [("lake", "mentioned", "did: call"), ("lake", "sent", "rank: {count: click}, top: 10")],
        ),
    ],
)
def test_what_each_source_is_asked(tmp_path, where, meet, parts):
    """What one source answers is one question; others than the population's are asked for those who
    are otherwise than somebody of whom nothing is known."""
    text = f"{SOURCES}segment: s\nentity: customer\nwhere: {where}\n"
    router = Router(compiled=compiled(tmp_path, text), as_of=Instant(0))
    route = router.segment("s")
    found = [(part.source, part.people, phrase(part.where)) for part in route.parts.values()]
    assert found[: len(parts)] == [
        (source, people, asked.replace("eq: NO", 'eq: "NO"')) for source, people, asked in parts
    ]
    if meet:
        assert how_they_meet(route.members) == meet


def test_sets_that_meet_are_told_in_words():
    """What is put together first stands in brackets."""
    both = Intersection((Given("a 1"), Joined((Given("b 2"), Given("c 3")))))
    assert how_they_meet(Difference(both, Given("d 4"))) == ("(a 1 and (b 2 or c 3)) but not d 4")
