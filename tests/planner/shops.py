"""Hypothesis strategies for whole small projects that compile, made to share names and differ."""

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from segflow.model.catalog import (
    Entity,
    Event,
    EventTable,
    Field,
    Location,
    Population,
    Property,
    Source,
)
from segflow.model.channel import Channel
from segflow.model.compiled import Compiled
from segflow.model.duration import Duration
from segflow.model.operator import CountTest
from segflow.model.predicate import (
    Aggregate,
    All,
    Compare,
    FieldFeature,
    InSegment,
    Not,
    Predicate,
    Test,
)
from segflow.model.rule import Action, EveryTrigger, Rule
from segflow.model.scalar import Text
from segflow.model.segment import Protect, Segment
from segflow.model.types import STRING, decimal_type
from segflow.model.window import Within
from tests.planner.worlds import compile_objects

FEWER = settings(max_examples=settings.default.max_examples // 2)
"""For properties whose examples are whole projects."""

NAMES = ("a", "b", "c", "d", "e")
EVENTS = ("purchase", "visit")

SOURCE = Source(name="warehouse", engine="duckdb", tables=(("customers", "c"), ("purchases", "p")))


def field(name: str, *, pii: bool = False) -> Field:
    place = Location(source="warehouse", table="customers", key="id", column=name)
    return Field(name=name, type=STRING, at=(place,), pii=pii)


CUSTOMER = Entity(
    name="customer",
    key_type="integer",
    population=Population(source="warehouse", table="customers", key="id"),
    fields=(field("country"), field("email", pii=True)),
)
PUSH = Channel(name="push", kind="webhook")


def event(name: str, table: str) -> Event:
    return Event(
        name=name,
        entities=(("customer", "customer_id"),),
        at=EventTable(source="warehouse", table=table, time="at", unique=True),
        properties=(Property(name="amount", type=decimal_type(18, 2), column="amount"),),
    )


def bought(name: str, days: int, op: str = "exactly", count: int = 0) -> Test:
    window = Within(duration=Duration(count=days, unit="d"))
    feature = Aggregate(kind="count", events=(name,), window=window)
    return Test(feature=feature, operators=(CountTest(op=op, count=count),))


def lives_in(country: str) -> Test:
    right = Text(text=country)
    feature = FieldFeature(field="country")
    return Test(feature=feature, operators=(Compare(op="eq", right=right),))


leaves = st.builds(bought, st.sampled_from(EVENTS), st.integers(1, 3)) | st.builds(
    lives_in, st.sampled_from(["US", "FR"])
)


@st.composite
def segments(draw, name: str, others: tuple[str, ...]):
    """A segment that may rest on others; those must have smaller names."""
    where: Predicate = draw(leaves)
    if others and draw(st.booleans()):
        nested = InSegment(segment=draw(st.sampled_from(others)))
        where = All(items=(Not(item=nested), where))
    return Segment(
        name=name,
        entity="customer",
        where=where,
        owner=draw(st.none() | st.just("growth")),
        mode=draw(st.sampled_from(["dynamic", "dynamic", "static"])),
        protect=draw(
            st.sampled_from(
                [Protect(), Protect(max_change=Decimal(10)), Protect(prevent_destroy=True)]
            )
        ),
    )


@st.composite
def shops(draw) -> Compiled:
    """A compiled project: a catalog, some segments of a few names, perhaps a rule."""
    names = tuple(sorted(draw(st.sets(st.sampled_from(NAMES)))))
    things = [SOURCE, CUSTOMER, PUSH]
    things += [event(name, draw(st.sampled_from(["one", "two"]))) for name in EVENTS]
    things += [draw(segments(name, names[:place])) for place, name in enumerate(names)]
    if names and draw(st.booleans()):
        rule = Rule(
            name="winback",
            segment=draw(st.sampled_from(names)),
            trigger=EveryTrigger(every=Duration(count=draw(st.integers(1, 2)), unit="d")),
            send=(Action(channel="push"),),
        )
        things.append(rule)
    return compile_objects(*things)
