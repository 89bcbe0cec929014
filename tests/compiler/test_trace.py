"""Explanations of one user's membership."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from segflow.compiler.pipeline import compile_project
from segflow.compiler.trace import Trace, TraceNode, explain_user
from segflow.compiler.trace_values import FeatureValue, written
from segflow.compiler.values import version
from segflow.compiler.worlds import EventRow, User
from segflow.model.catalog import (
    Entity,
    Event,
    EventId,
    EventTable,
    Field,
    Location,
    Population,
    Property,
    Source,
)
from segflow.model.compiled import Compiled
from segflow.model.duration import parse_duration
from segflow.model.instant import parse_instant
from segflow.model.operator import CountTest, Exists, MomentTest
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Compare,
    FieldFeature,
    InSegment,
    NoneOf,
    Not,
    Predicate,
    Sample,
    Scaled,
    Test,
)
from segflow.model.project import Project, Settings
from segflow.model.scalar import InstantPoint, Text
from segflow.model.segment import Segment
from segflow.model.types import INTEGER, STRING, TIMESTAMP, decimal_type
from segflow.model.window import Within

T = parse_instant("2026-03-31T12:00:00Z")
AT = (Location(source="shop", table="people", key="id"),)
SPEND = Aggregate(
    kind="sum",
    events=("purchase",),
    property="amount",
    window=Within(duration=parse_duration("7d")),
)
LAPSED = Test(
    feature=Aggregate(kind="count", events=("purchase",)),
    operators=(CountTest(op="exactly", count=0),),
)
IS_PRO = Test(
    feature=FieldFeature(field="plan"), operators=(Compare(op="eq", right=Text(text="pro")),)
)


def compiled(where: Predicate, **others: Predicate) -> Compiled:
    """The shop with a segment called tested, and others."""
    money = decimal_type(18, 2)
    entity = Entity(
        name="customer",
        key_type="integer",
        population=Population(source="shop", table="people", key="id", since="joined"),
        fields=(
            Field(name="plan", type=STRING, at=AT),
            Field(name="visits", type=INTEGER, at=AT),
            Field(name="seen", type=TIMESTAMP, at=AT),
            Field(name="spend", type=decimal_type(38, 2), derived=SPEND),
        ),
    )
    event = Event(
        name="purchase",
        entities=(("customer", "customer_id"),),
        at=EventTable(
            source="shop", table="purchases", time="at", id=EventId(column="id", type="integer")
        ),
        properties=(Property(name="amount", type=money, column="amount"),),
    )
    made = [Segment(name=name, entity="customer", where=w) for name, w in others.items()]
    made.append(Segment(name="tested", entity="customer", where=where))
    source = Source(name="shop", engine="duckdb", tables=(("people", "p"), ("purchases", "q")))
    objects = (source, entity, event, *made)
    project = Project(
        settings=Settings(name="shop"), objects={found.address: found for found in objects}
    )
    result, report = compile_project(project)
    assert result is not None, list(report)
    return result


def bought(id_: int, at: str, amount: str) -> EventRow:
    """One purchase of the user."""
    time = parse_instant(at)
    return EventRow(
        event="purchase", key=1, time=time, id=id_, properties={"amount": Decimal(amount)}
    )


USER = User(
    key=1,
    since=parse_instant("2026-01-01T00:00:00Z"),
    fields={"plan": "pro", "visits": 3, "seen": parse_instant("2026-03-01T08:30:00Z")},
)
BOUGHT = (
    bought(1, "2026-03-30T00:00:00Z", "10.00"),
    bought(1, "2026-03-30T00:00:00Z", "10.00"),
    bought(2, "2026-03-29T00:00:00Z", "2.50"),
    bought(3, "2026-01-01T00:00:00Z", "99.00"),
)


def explained(where: Predicate, user: User | None = USER, **others: Predicate) -> Trace:
    """The trace of the user with the key 1."""
    return explain_user(compiled(where, **others), "tested", 1, user, BOUGHT, T, {}, {})


def leaf(predicate: Predicate, **others: Predicate) -> TraceNode:
    """The root of the trace."""
    root = explained(predicate, **others).root
    assert root is not None
    return root


def test_a_leaf_says_what_it_looked_at():
    """A field test gives the field, its value and whether it holds, in the words of the YAML."""
    assert leaf(IS_PRO) == TraceNode(
        text="field: plan, eq: pro",
        holds=True,
        values=(FeatureValue(text="field: plan", value="pro"),),
    )


def test_an_aggregate_says_how_many_events_it_was_over():
    """Duplicates and events outside of the window are not among the events."""
    node = leaf(Test(feature=SPEND, operators=(Compare(op="gte", right=Text(text="12.5")),)))
    assert node.holds
    assert node.values == (
        FeatureValue(text="sum: purchase.amount, within: 7d", value="12.5", events=2),
    )


def test_a_derived_field_shows_its_events_too():
    """A derived field is worth what its aggregate is, over as many events."""
    node = leaf(
        Test(
            feature=FieldFeature(field="spend"),
            operators=(Compare(op="lt", right=Text(text="12.5")),),
        )
    )
    assert not node.holds
    assert node.values == (FeatureValue(text="field: spend", value="12.5", events=2),)


def test_both_sides_of_a_comparison_are_shown():
    """A feature on the right side is shown after the one on the left, each as it is worth."""
    test = Test(
        feature=FieldFeature(field="visits"),
        operators=(Compare(op="gt", right=Scaled(feature=SPEND, times=Decimal("0.1"))),),
    )
    assert [(value.text, value.value) for value in leaf(test).values] == [
        ("field: visits", "3"),
        ("sum: purchase.amount, within: 7d", "12.5"),
    ]


def test_instants_are_written_as_instants():
    """Values of timestamps are shown in UTC, of fields and of times of events alike."""
    moment = InstantPoint(instant=T)
    before = (MomentTest(op="before", moment=moment),)
    field = leaf(Test(feature=FieldFeature(field="seen"), operators=before))
    last = leaf(Test(feature=Aggregate(kind="last_time", events=("purchase",)), operators=before))
    assert field.values[0].value == "2026-03-01T08:30:00Z"
    assert last.values[0].value == "2026-03-30T00:00:00Z"


def test_a_missing_value_is_none():
    """What is missing has no value, and exists says so."""
    user = User(key=1, since=USER.since, fields={})
    test = Test(feature=FieldFeature(field="plan"), operators=(Exists(expected=True),))
    root = explained(test, user).root
    assert root is not None
    assert not root.holds
    assert root.values[0].value is None


def test_boolean_algebra_is_a_tree():
    """Each node stands above its items and says by itself whether it holds."""
    root = leaf(All(items=(Not(item=IS_PRO), AnyOf(items=(LAPSED, IS_PRO)))))
    assert (root.text, root.holds) == ("all", False)
    negated, either = root.items
    assert (negated.text, negated.holds, negated.items[0].holds) == ("not", False, True)
    assert (either.text, either.holds) == ("any", True)
    assert [item.text for item in either.items] == ["did_not: purchase", "field: plan, eq: pro"]
    assert [item.holds for item in either.items] == [False, True]


def test_none_is_shown_as_not_any():
    """The compiler has one shape for both, and the explanation shows that one."""
    root = leaf(NoneOf(items=(LAPSED, IS_PRO)))
    assert (root.text, root.holds, root.items[0].text) == ("not", False, "any")


def test_a_nested_segment_shows_its_predicate():
    """Below a nested segment stands why the user is in it."""
    root = leaf(InSegment(segment="pros"), pros=IS_PRO)
    assert (root.text, root.holds) == ("segment: pros", True)
    assert root.items == (leaf(IS_PRO),)


def test_a_recorded_segment_is_a_leaf():
    """A snapshot says only whether the user is in it."""
    where = InSegment(segment="pros", snapshot=True)
    made = compiled(where, pros=IS_PRO)
    traces = [
        explain_user(made, "tested", 1, USER, (), T, {"pros": frozenset(kept)}, {})
        for kept in ({1}, ())
    ]
    assert [trace.member for trace in traces] == [True, False]
    assert [trace.root.items for trace in traces if trace.root] == [(), ()]


def test_a_sample_shows_where_the_user_falls():
    """A sample's value is the user's place between 0% and 100%."""
    (value,) = leaf(Sample(high=Decimal(50), salt="x")).values
    assert value.value == "59.134267%"  # md5 of x, zero and 1 begins with 0x97 of 0x100


@pytest.mark.parametrize(
    ("user", "exists", "member"),
    [
        (USER, True, True),
        (
            User(key=1, since=parse_instant("2026-04-01T00:00:00Z"), fields=USER.fields),
            False,
            False,
        ),
        (User(key=1, since=None, fields=USER.fields), False, False),
        (None, False, False),
    ],
)
def test_who_does_not_exist_is_no_member(user, exists, member):
    """The predicate may hold for a user who does not exist yet, but membership does not."""
    trace = explained(IS_PRO, user)
    assert (trace.exists, trace.member) == (exists, member)
    assert (trace.root is None) == (user is None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (12, "12"),
        (Fraction(1, 3), "0.333333…"),
        (Fraction(-5, 4), "-1.25"),
        (Fraction(10**30), "1000000000000000000000000000000"),
        (Fraction(1, 10**10), "0.0000000001"),
        (0.1, "0.1"),
        (date(2026, 1, 31), "2026-01-31"),
        ("é", "é"),
        (version("1.10.0"), "1.10"),
    ],
)
def test_values_are_written_as_people_write_them(value, text):
    """Decimals are exact where they end, and say with an ellipsis where they do not."""
    assert written(value) == text
