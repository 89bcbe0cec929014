"""Evaluating: which sets an engine is handed, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from pyroaring import BitMap64

from segflow.compiler.pipeline import compile_project
from segflow.errors import (
    RefusedError,
    SourceSilentError,
    SourceUnavailableError,
    TooLargeError,
)
from segflow.executor import evaluate
from segflow.executor.effects import Sources
from segflow.executor.evaluate import Evaluator
from segflow.executor.past import Past
from segflow.model.catalog import Entity, Event, EventTable, Population, Source
from segflow.model.channel import Channel
from segflow.model.compiled import Compiled, list_set, segment_set
from segflow.model.cost import Cost, Question
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.keys import KeyType
from segflow.model.operator import CountTest
from segflow.model.predicate import (
    Aggregate,
    All,
    Everyone,
    InFile,
    InSegment,
    Predicate,
    Rank,
    Sample,
    Sql,
    Test,
    Transition,
)
from segflow.model.project import ListFile, Object, Project, Settings
from segflow.model.rule import Action, EveryTrigger, Rule
from segflow.model.segment import Segment
from segflow.ports import Engine, Keys, Selection, Volume
from segflow.store.state import SqlStateStore
from tests.executor.worlds import GivenEngine, MemorySnapshots, SetClock, asking

SOURCE = Source(name="warehouse", engine="duckdb", tables=(("customers", "customers.parquet"),))
ENTITY = Entity(
    name="customer",
    key_type="integer",
    population=Population(source="warehouse", table="customers", key="id"),
)
VIPS = ListFile(path="lists/vips.csv", keys=("7", "9"), digest="d", content=b"7\n9\n")
NOW = Instant(1_000)
NOTHING = Past(SqlStateStore("sqlite://").log, MemorySnapshots().get)
"""A state of which nobody asks a log."""


def segment(name: str, where: Predicate, mode: str = "dynamic") -> Segment:
    return Segment(name=name, entity="customer", where=where, mode=mode)


def compiled(*segments: Object, key_type: KeyType = "integer") -> Compiled:
    things = (SOURCE, replace(ENTITY, key_type=key_type), *segments)
    project = Project(
        settings=Settings(name="shop"),
        objects={thing.address: thing for thing in things},
        lists={VIPS.path: replace(VIPS, key_type=key_type)},
    )
    found, report = compile_project(project)
    assert found is not None, list(report)
    return found


FROZEN = segment("frozen", Everyone(), "static")
LOYAL = segment("loyal", Everyone())
MIXED = segment(
    "mixed",
    All(
        items=(
            InSegment(segment="frozen"),
            InSegment(segment="loyal", snapshot=True),
            InFile(path=VIPS.path),
        )
    ),
)


def handed(kept: Mapping[str, BitMap64]) -> Mapping[str, BitMap64]:
    """The sets that the engine is handed for `mixed` in the end."""
    engine = GivenEngine(lambda: BitMap64([1]))
    evaluator = Evaluator(
        compiled(FROZEN, LOYAL, MIXED), NOW, asking(lambda source: engine), kept.get, NOTHING
    )
    evaluator.members("mixed")
    return engine.handed[-1]


def test_kept_sets_and_lists_are_handed_over():
    """A static segment is its frozen set, `as: snapshot` the last snapshot, a list its keys."""
    sets = handed({"frozen": BitMap64([1, 2]), "loyal": BitMap64([3])})
    assert sets == {
        segment_set("frozen"): BitMap64([1, 2]),
        segment_set("loyal"): BitMap64([3]),
        list_set(VIPS.path): BitMap64([7, 9]),
    }


def test_what_is_not_kept_yet_is_evaluated_at_the_same_instant():
    """Before its first apply a static segment is what an apply would freeze now."""
    sets = handed({"loyal": BitMap64()})
    assert sets[segment_set("frozen")] == BitMap64([1])
    assert sets[segment_set("loyal")] == BitMap64()


def test_keys_that_are_strings_are_handed_over_as_texts():
    """A list gives texts. What was kept while keys were integers is of other users."""
    engine = GivenEngine(lambda: frozenset(["a"]))
    kept = {"frozen": BitMap64([1, 2]), "loyal": BitMap64([3])}
    made = compiled(FROZEN, LOYAL, MIXED, key_type="string")
    evaluator = Evaluator(made, NOW, asking(lambda source: engine), kept.get, NOTHING)
    assert evaluator.keys("mixed") == frozenset(["a"])
    assert engine.handed[-1] == {
        segment_set("frozen"): frozenset(["a"]),
        segment_set("loyal"): frozenset(["a"]),
        list_set(VIPS.path): frozenset(["7", "9"]),
    }


def test_users_without_ordinals_are_no_members_to_keep():
    """Whoever keeps members is refused, with what can be done instead."""
    engine = GivenEngine(lambda: frozenset(["a"]))
    made = compiled(LOYAL, key_type="string")
    evaluator = Evaluator(made, NOW, asking(lambda source: engine), {}.get, NOTHING)
    with pytest.raises(RefusedError, match="keys are strings") as caught:
        evaluator.members("loyal")
    assert "segflow segment count" in (caught.value.hint or "")


def test_users_without_ordinals_have_no_log():
    """A log that was kept while keys were integers does not speak of them."""
    engine = GivenEngine(lambda: frozenset(["a"]))
    of_the_log = segment("asking", Transition(kind="entered", segment="loyal", in_last=None))
    made = compiled(LOYAL, of_the_log, key_type="string")
    evaluator = Evaluator(made, NOW, asking(lambda source: engine), {}.get, NOTHING)
    with pytest.raises(RefusedError, match=r"the log of segment\.loyal is asked.*strings"):
        evaluator.keys("asking")
    assert engine.handed == []


def test_set_is_made_once():
    """Two segments that name the same static one do not evaluate it twice."""
    engine = GivenEngine(lambda: BitMap64([1]))
    both = [segment(name, InSegment(segment="frozen")) for name in ("one", "two")]
    evaluator = Evaluator(
        compiled(FROZEN, *both), NOW, asking(lambda source: engine), {}.get, NOTHING
    )
    evaluator.members("one")
    evaluator.members("two")
    assert len(engine.handed) == 3


def test_nested_sets_of_a_segment_are_told():
    """An explanation needs the sets of other segments alone, not the lists."""
    engine = GivenEngine(lambda: BitMap64([1]))
    kept = {"frozen": BitMap64([4]), "loyal": BitMap64([5])}
    evaluator = Evaluator(
        compiled(FROZEN, LOYAL, MIXED), NOW, asking(lambda source: engine), kept.get, NOTHING
    )
    assert evaluator.nested("mixed") == kept


def test_audience_of_a_rule_is_evaluated():
    """It is asked for with the frozen set of the static segment that the rule is for."""
    rule = Rule(
        name="r",
        segment="frozen",
        trigger=EveryTrigger(every=Duration(count=1, unit="d")),
        send=(Action(channel="push"),),
    )
    engine = GivenEngine(lambda: BitMap64([1]))
    found = compiled(FROZEN, Channel(name="push", kind="webhook"), rule)
    kept = {"frozen": BitMap64([1, 2])}
    assert Evaluator(found, NOW, asking(lambda _: engine), kept.get, NOTHING).audience(
        "r"
    ) == BitMap64([1])
    assert engine.handed == [{segment_set("frozen"): BitMap64([1, 2])}]


@dataclass
class NarrowEngine(GivenEngine):
    """An engine that takes so many segments in one query, and notes how many it was asked for."""

    most: int = 0
    asked: list[int] = field(default_factory=list)

    def memberships(
        self, selection: Selection, sets: Mapping[str, BitMap64], count: int
    ) -> tuple[BitMap64, ...]:
        """The given members, or a refusal."""
        self.asked.append(count)
        if count > self.most:
            raise TooLargeError("too many tables")
        return GivenEngine.memberships(self, selection, sets, count)


LAKE = Source(name="lake", engine="duckdb", tables=(("clicks", "clicks.parquet"),))
CLICK = Event(
    name="click",
    entities=(("customer", "customer_id"),),
    at=EventTable(source="lake", table="clicks", time="at"),
)
CLICKED = Test(
    feature=Aggregate(kind="count", events=("click",)),
    operators=(CountTest(op="at_least", count=1),),
)


def test_a_source_that_fails_takes_no_segment_of_others_with_it():
    """Segments that it has a part of say so, one by one; the others are evaluated together."""
    of = compiled(
        LAKE,
        CLICK,
        segment("here", share("x")),
        segment("there", CLICKED),
        segment("both", All(items=(share("y"), CLICKED))),
    )
    whole = NarrowEngine(lambda: BitMap64([1]), most=5)

    def engines(source: Source) -> Engine:
        if source.name == "lake":
            raise SourceUnavailableError("lake is down")
        return whole

    evaluator = Evaluator(of, NOW, asking(engines), {}.get, NOTHING)
    evaluator.prepare(["here", "there", "both"])
    for name in ("there", "both"):
        with pytest.raises(SourceUnavailableError, match="lake is down"):
            evaluator.members(name)
    assert evaluator.members("here") == BitMap64([1])
    assert whole.asked == [3]


@dataclass
class SilentEngine(NarrowEngine):
    """An engine whose server hangs."""

    def memberships(
        self, selection: Selection, sets: Mapping[str, BitMap64], count: int
    ) -> tuple[BitMap64, ...]:
        """Nothing, after a while."""
        self.asked.append(count)
        raise SourceSilentError("nobody answers")

    def members(self, selection: Selection, sets: Mapping[str, BitMap64]) -> BitMap64:
        """The same."""
        self.asked.append(1)
        raise SourceSilentError("nobody answers")


def test_a_source_that_is_silent_is_waited_for_once():
    """However many segments have a part of it."""
    engine = SilentEngine(lambda: BitMap64([1]))
    names = ["a", "b", "c"]
    of = compiled(*(segment(name, share(name)) for name in names))
    evaluator = Evaluator(of, NOW, asking(lambda _: engine), {}.get, NOTHING)
    evaluator.prepare(names)
    for name in names:
        with pytest.raises(SourceSilentError, match="nobody answers"):
            evaluator.members(name)
    assert engine.asked == [3]


def share(salt: str) -> Sample:
    """A predicate that others are not."""
    return Sample(high=Decimal(50), salt=salt)


def test_segments_that_are_alike_are_asked_for_once():
    """Two names for one predicate are one question."""
    engine = NarrowEngine(lambda: BitMap64([1]), most=5)
    of = compiled(segment("a", share("x")), segment("b", share("y")), segment("c", share("x")))
    evaluator = Evaluator(of, NOW, asking(lambda _: engine), {}.get, NOTHING)
    evaluator.prepare(["a", "b", "c"])
    assert [evaluator.members(name) for name in "abc"] == [BitMap64([1])] * 3
    assert engine.asked == [2]


@pytest.mark.parametrize(
    ("most", "asked", "alone"),
    [(5, [5], 0), (2, [5, 2, 3, 1, 2], 0), (0, [5, 2, 1, 1, 3, 1, 2, 1, 1], 5)],
)
def test_segments_of_which_a_query_is_too_large_are_asked_in_halves(most, asked, alone):
    """Until it is not; one that is too large by itself is left to be asked alone, which says so."""
    engine = NarrowEngine(lambda: BitMap64([1]), most=most)
    names = [f"s{number}" for number in range(5)]
    of = compiled(*(segment(name, share(name)) for name in names))
    evaluator = Evaluator(of, NOW, asking(lambda _: engine), {}.get, NOTHING)
    evaluator.prepare(names)
    assert [evaluator.members(name) for name in names] == [BitMap64([1])] * 5
    assert engine.asked == asked
    assert len(engine.handed) - sum(count for count in asked if count <= most) == alone


def test_a_group_is_asked_when_the_first_of_it_is(monkeypatch):
    """So that no more sets are held than a group has, and none that nobody asks for."""
    monkeypatch.setattr(evaluate, "TOGETHER", 2)
    engine = NarrowEngine(lambda: BitMap64([1]), most=2)
    names = [f"s{number}" for number in range(5)]
    of = compiled(*(segment(name, share(name)) for name in names))
    evaluator = Evaluator(of, NOW, asking(lambda _: engine), {}.get, NOTHING)
    evaluator.prepare(names)
    assert engine.asked == []
    evaluator.members("s3")
    evaluator.members("s2")
    assert engine.asked == [2]
    evaluator.members("s4")
    assert engine.asked == [2, 1]


@dataclass(slots=True)
class CountedEngine(GivenEngine):
    """An engine whose questions take a second and read ten rows for each segment."""

    clock: SetClock = field(default_factory=SetClock)
    read: int = 0

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """The given members."""
        self.clock.instant += 1_000
        self.read += 10
        return GivenEngine.members(self, selection, sets)

    def read_so_far(self) -> Volume:
        """What was read for all questions."""
        return Volume(rows=self.read)


def counted(of: Compiled) -> tuple[Evaluator, CountedEngine]:
    """Evaluates segments by one engine that serves for all sources."""
    engine = CountedEngine(lambda: BitMap64([1, 2, 3]))
    sources = Sources(engines=lambda _: engine, clock=engine.clock)
    return Evaluator(of, NOW, sources, {}.get, NOTHING), engine


def asked_of(source: str, *tables: str, segments: int, seconds: int) -> Question:
    """A question that took so long, and so many times ten rows."""
    return Question(
        source=source,
        engine="duckdb",
        tables=tables,
        segments=segments,
        microseconds=seconds * 1_000_000,
        rows_read=seconds * 10,
    )


def costs_together(of: Compiled, *names: str) -> list[tuple[Cost, ...]]:
    """What segments cost that are evaluated together, in order."""
    evaluator, _ = counted(of)
    evaluator.prepare(names)
    for name in names:
        evaluator.members(name)
    return [evaluator.costs(name) for name in names]


def test_a_shared_question_is_one_cost_of_all_that_share_it():
    """Whole, with their number; a segment that two questions are asked for has two costs."""
    of = compiled(
        LAKE,
        CLICK,
        segment("a", share("x")),
        segment("b", share("y")),
        segment("both", All(items=(share("x"), CLICKED))),
    )
    costs = costs_together(of, "a", "b", "both")
    # Two parts that three segments need: `x` is the same in two of them.
    here = Cost(question=asked_of("warehouse", "customers", segments=3, seconds=2), ids=3)
    there = Cost(question=asked_of("lake", "clicks", segments=1, seconds=1), ids=3)
    assert list(map(set, costs)) == [{here}, {here}, {here, there}]


def test_a_segment_that_is_asked_for_alone_has_the_cost_of_that():
    """And not that of a question that it had no answer of."""
    evaluator, engine = counted(compiled(segment("a", share("x"))))
    evaluator.members("a")
    expected = asked_of("warehouse", "customers", segments=1, seconds=1)
    assert evaluator.costs("a") == (Cost(question=expected, ids=3),)
    engine.clock.instant += 99_000  # what passes between questions is nobody's cost
    evaluator.members("a")
    assert evaluator.costs("a") == (Cost(question=expected, ids=3),)


def test_a_query_of_a_person_is_a_cost_of_the_segments_that_have_it():
    """Not of those that are asked for together with these; also where it stands in a segment that
    they name."""
    query = Sql(query="select id from customers", source="warehouse")
    of = compiled(
        segment("plain", share("x")),
        segment("queried", All(items=(share("y"), query))),
        segment("nested", All(items=(share("z"), InSegment(segment="queried")))),
    )
    costs = costs_together(of, "plain", "queried", "nested")
    together = Cost(question=asked_of("warehouse", "customers", segments=3, seconds=3), ids=3)
    asked = Cost(question=asked_of("warehouse", segments=2, seconds=1), ids=3)
    assert costs == [(together,), (asked, together), (asked, together)]


def test_keys_that_are_sent_are_a_cost_of_whoever_needed_them_first():
    """The population is asked for once, and is a question of its own."""
    most = Rank(
        feature=Aggregate(kind="count", events=("click",)),
        side="top",
        unit="count",
        high=Decimal(5),
    )
    of = compiled(LAKE, CLICK, segment("first", most), segment("second", most))
    evaluator, _ = counted(of)
    for name in ("first", "second"):
        evaluator.members(name)
    sent = Cost(question=asked_of("warehouse", "customers", segments=1, seconds=1), ids=3)
    ranked = Cost(question=asked_of("lake", "clicks", segments=1, seconds=1), ids=3)
    assert evaluator.costs("first") == (sent, ranked)
    assert evaluator.costs("second") == (ranked,)
