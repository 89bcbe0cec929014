"""The choice between sources, and how the sets of parts are told to meet."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.routing.choice import chosen
from segflow.compiler.routing.costs import by_table
from segflow.compiler.routing.reasons import why
from segflow.compiler.routing.route import Router
from segflow.compiler.routing.worded import how_they_meet
from segflow.model.cost import Question, ScanCost
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


SOURCES_DRAWN = ("home", "w", "x", "y", "z")
drawn_options = st.dictionaries(
    st.sampled_from([A, B, C]),
    st.lists(st.sampled_from(SOURCES_DRAWN), unique=True, min_size=1).map(
        lambda found: sorted(found, key=lambda one: one != "home")
    ),
)
drawn_costs = st.fixed_dictionaries(
    {(one, leaf): st.integers(0, 5) for one in SOURCES_DRAWN for leaf in (A, B, C)}
)


def every_choice(options: Mapping[Predicate, list[str]]) -> Iterator[dict[Predicate, str]]:
    """All ways to give each leaf a source that can answer it."""
    for sources in product(*options.values()):
        yield dict(zip(options, sources, strict=True))


@given(drawn_options, drawn_costs)
def test_the_choice_is_the_fewest_sources_and_then_the_cheapest(options, costs):
    """Of all choices there is none with fewer sources beside home, and of those with as few none
    that costs less."""

    def rank(assigned: Mapping[Predicate, str]) -> tuple[int, int]:
        total = sum(costs[source, leaf] for leaf, source in assigned.items())
        return len({"home", *assigned.values()}), total

    found = chosen(options, "home", lambda source, leaf: costs[source, leaf])
    fewest = min(len({"home", *one.values()}) for one in every_choice(options))
    # Sources that are asked for one leaf may answer others, so that costs are looked at last.
    assert rank(found) == min(
        filter(lambda one: one[0] == fewest, map(rank, every_choice(options)))
    )


@given(drawn_options, drawn_costs, st.sets(st.sampled_from(SOURCES_DRAWN)))
def test_what_was_not_measured_is_a_reason_for_nothing(options, costs, unknown):
    """A leaf leaves the source that it has by order only for one that is known to cost less, where
    that one's own cost is known."""

    def cost(source: str, leaf: Predicate) -> int | None:
        return None if source in unknown else costs[source, leaf]

    by_order, found = chosen(options, "home"), chosen(options, "home", cost)
    moved = [leaf for leaf in options if found[leaf] != by_order[leaf]]
    assert all(by_order[leaf] not in unknown and found[leaf] not in unknown for leaf in moved)
    before, after = (sum(costs[of[leaf], leaf] for leaf in moved) for of in (by_order, found))
    assert after < before if moved else found == by_order


def measured(**levels: int) -> tuple[ScanCost, ...]:
    """What reading the tables of calls costs in sources."""
    return tuple(
        ScanCost(
            source=source,
            table="calls",
            level=level,
            segments=1,
            last=Question(
                source=source, engine="duckdb", tables=("calls",), segments=1, microseconds=1
            ),
        )
        for source, level in levels.items()
    )


@pytest.mark.parametrize(
    ("costs", "where", "source", "because"),
    [
        ({}, "did: call", "mart", "has event call, which source.warehouse has not"),
        ({"lake": 1}, "did: call", "mart", "has event call, which source.warehouse has not"),
        (
            {"lake": 5, "mart": 5},
            "did: call",
            "mart",
            "has event call, which source.warehouse has not",
        ),
        (
            {"lake": 5, "mart": 8},
            "did: call",
            "lake",
            "has event call, which source.warehouse has not, and takes about 1 ms for a segment"
            " where source.mart takes about 66 ms, as it was measured",
        ),
        (
            {"lake": 8, "mart": 1},
            "all: [{did: call}, {did: click}]",
            "lake",
            "has event call, event click, which source.warehouse has not",
        ),
    ],
)
def test_what_was_measured_decides_between_equally_many(tmp_path, costs, where, source, because):
    """A source is asked because it is cheaper only where as many would be asked otherwise, and says
    so."""
    text = f"{SOURCES}segment: s\nentity: customer\nwhere: {{{where}}}\n"
    router = Router(
        compiled=compiled(tmp_path, text),
        as_of=Instant(0),
        measured=by_table(measured(**costs)),
    )
    route = router.segment("s")
    (part,) = (one for one in route.parts.values() if one.source != "warehouse")
    assert (part.source, why(router, part, router.dearer("s"))) == (source, because)


def test_what_is_wished_is_done_whatever_it_costs(tmp_path):
    """`read_from` is no matter of price."""
    text = (
        f"{SOURCES}segment: s\nentity: customer\nread_from: {{call: mart}}\nwhere: {{did: call}}\n"
    )
    costs = by_table(measured(lake=1, mart=9))
    router = Router(compiled=compiled(tmp_path, text), as_of=Instant(0), measured=costs)
    assert {one.source for one in router.segment("s").parts.values()} == {"warehouse", "mart"}


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
