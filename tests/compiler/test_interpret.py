"""What the reference says of forms that no engine compiles yet, and of values by themselves."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from segflow.compiler.interpret import feature_value, holds
from segflow.compiler.values import compare, fold, times, value_of, version
from segflow.compiler.worlds import (
    Context,
    EventRow,
    NotSupportedError,
    Subject,
    User,
    events_that_count,
)
from segflow.model.catalog import Entity, Event, EventId, EventTable, Field, Population, Property
from segflow.model.compiled import Compiled
from segflow.model.duration import parse_duration
from segflow.model.hashing import stable_hash
from segflow.model.instant import Instant, parse_instant
from segflow.model.operator import CountTest, OnCalendar, TextMatch
from segflow.model.predicate import (
    Aggregate,
    Compare,
    Consent,
    ContextFeature,
    Everyone,
    FieldFeature,
    Held,
    InSegment,
    Predicate,
    PropertyFeature,
    Rank,
    Reachable,
    Sql,
    Test,
)
from segflow.model.project import Project, Settings
from segflow.model.scalar import Const, Text
from segflow.model.segment import Segment
from segflow.model.types import FLOAT, INTEGER, STRING, TIMESTAMP, VERSION
from segflow.model.window import CalendarSpan, InCalendar

T = parse_instant("2026-03-31T12:00:00Z")
COUNT = Aggregate(kind="count", events=("purchase",))
ONCE = (CountTest(op="at_least", count=1),)


def subject(fields: dict[str, Any] | None = None, events: tuple[EventRow, ...] = ()) -> Subject:
    """The user 1 of a small shop in Paris."""
    entity = Entity(
        name="customer",
        key_type="integer",
        population=Population(source="shop", table="people", key="id"),
        timezone_field="zone",
        timezone_default="Asia/Tokyo",
        fields=tuple(
            Field(name=name, type=type_)
            for name, type_ in (("app", VERSION), ("zone", STRING), ("seen", TIMESTAMP))
        ),
    )
    at = EventTable(source="shop", table="p", time="at", id=EventId(column="id"), version="updated")
    properties = (Property(name="weight", type=FLOAT), Property(name="sku", type=STRING))
    event = Event(name="purchase", entities=(("customer", "id"),), at=at, properties=properties)
    project = Project(
        settings=Settings(name="shop", timezone="Europe/Paris"),
        objects={event.address: event, entity.address: entity},
    )
    compiled = Compiled(project=project, segments={}, fingerprints={}, depends={})
    return Subject(
        context=Context(compiled=compiled, entity=entity, as_of=T),
        user=User(key=1, fields=fields or {}),
        events=events,
        segment="tested",
    )


UNSUPPORTED: list[Predicate] = [
    Held(item=Everyone(), for_=parse_duration("1d")),
    Rank(feature=COUNT, side="top", unit="count", high=Decimal(1)),
    Consent(topic="t"),
    Reachable(address="email"),
    Sql(query="select 1", source="shop"),
    Test(feature=ContextFeature(name="c"), operators=ONCE),
    Test(feature=PropertyFeature(property="sku"), operators=ONCE),
    Test(feature=FieldFeature(field="unknown"), operators=ONCE),
    Test(feature=FieldFeature(field="zone"), operators=(Compare(op="eq", right=Text(text="x")),)),
    Test(
        feature=FieldFeature(field="zone"),
        operators=(TextMatch(op="matches", text="x"),),
        ignore_case=True,
    ),
]


@pytest.mark.parametrize("predicate", UNSUPPORTED, ids=lambda node: type(node).__name__)
def test_what_is_not_known_yet_is_refused(predicate):
    """A form, feature or operator without a meaning here raises; it is never passed over."""
    with pytest.raises(NotSupportedError):
        holds(predicate, subject({"zone": "UTC"}))


def test_a_segment_without_a_record_is_refused():
    """A static segment of which nothing was recorded has no members to ask for."""
    frozen = Segment(name="frozen", entity="customer", where=Everyone(), mode="static")
    asked = subject()
    compiled = replace(asked.context.compiled, segments={"frozen": _compiled(frozen)})
    inside = replace(asked, context=replace(asked.context, compiled=compiled))
    with pytest.raises(NotSupportedError, match="frozen"):
        holds(InSegment(segment="frozen"), inside)


def _compiled(segment: Segment) -> Any:
    from_nothing: Any = type("Compiled", (), {"segment": segment, "where": segment.where})
    return from_nothing


def test_floats_are_not_summed():
    """A sum of floats depends on the order of its terms, so there is none."""
    row = EventRow(event="purchase", key=1, time=T, properties={"weight": 0.1})
    weight = Aggregate(kind="sum", events=("purchase",), property="weight")
    with pytest.raises(NotSupportedError, match="order"):
        feature_value(weight, subject(events=(row,)))


# --- zones of users --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "inside"),
    [
        ("America/New_York", False),  # 2026-03-30 at 23:00
        ("Europe/Paris", True),
        ("UTC", True),
        (None, True),  # the entity's default, Tokyo: 2026-03-31 at 12:00
        ("Mars/Olympus", True),
    ],
)
def test_a_users_own_zone_decides_what_day_it_is(zone, inside):
    """With the user's zone a calendar unit is the user's; an unusable zone is the default one."""
    today = CalendarSpan(unit="day", last=0)
    seen = parse_instant("2026-03-31T03:00:00Z")
    asked = subject({"zone": zone, "seen": seen})
    field = Test(
        feature=FieldFeature(field="seen"), operators=(OnCalendar(span=today),), user_zone=True
    )
    window = replace(COUNT, window=InCalendar(span=today), user_zone=True)
    event = EventRow(event="purchase", key=1, time=seen)
    assert holds(field, asked) is inside
    assert feature_value(window, replace(asked, events=(event,))) == int(inside)


# --- versions of events ----------------------------------------------------------------------


def test_the_highest_version_of_an_event_counts():
    """Of the rows with one id the highest version counts, whenever and whose it is; a missing
    version is the lowest, and rows without an id replace nothing."""
    project = subject().context.compiled.project

    def row(id_: str | None, version_: int | None, key: int) -> EventRow:
        return EventRow(event="purchase", key=key, time=Instant(key), id=id_, version=version_)

    rows = [row("a", None, 1), row("a", 2, 2), row("a", 1, 3), row(None, 1, 4), row(None, 2, 5)]
    for given in (rows, rows[::-1]):
        assert sorted(found.key or 0 for found in events_that_count(given, project)) == [2, 4, 5]


@pytest.mark.parametrize("versions", [(None, None), (7, 7)])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"time": T}, {"time": Instant(T + 1)}),
        ({"time": T}, {"time": None, "key": 0}),
        ({"key": 1, "keys": (9, 1)}, {"key": 2, "keys": (9, 2)}),
        ({"key": 2, "keys": (8, 2)}, {"key": 1, "keys": (9, 1)}),
        ({"key": 1}, {"key": None}),
        ({"key": 1, "properties": {"sku": "b"}}, {"key": 2, "properties": {"sku": "a"}}),
        ({"properties": {"sku": "a"}}, {"properties": {"sku": "b"}}),
        ({"properties": {"sku": "a"}}, {"properties": {"sku": None, "weight": 0.5}}),
        (
            {"properties": {"sku": "a", "weight": 0.5}},
            {"properties": {"sku": "a", "weight": float("nan")}},
        ),
    ],
)
def test_rows_of_one_id_have_an_order(versions, first, second):
    """Without a version, or with equal ones, the earliest row counts, then the one with the least
    keys in order of entities, then the one with the least properties in order of names."""
    project = subject().context.compiled.project
    same = {"event": "purchase", "id": "a", "key": 1, "time": T}
    rows = [
        EventRow(**{**same, **part, "version": version})
        for part, version in zip((first, second), versions, strict=True)
    ]
    for given in (rows, rows[::-1]):
        assert events_that_count(given, project) == (rows[0],)


# --- values ----------------------------------------------------------------------------------


def test_versions_compare_number_by_number():
    """1.10 is after 1.9, zeros at the end mean nothing, and other texts are missing."""
    assert compare("gt", version("1.10"), version("1.9"))
    assert compare("eq", version("1.0.0"), version("1"))
    assert compare("lt", version("0"), version("0.0.1"))
    assert [version(text) for text in ("", "1.", "v1", "1.2-beta", "١", "1\n")] == [None] * 6


def test_a_version_field_is_a_version():
    """The typed constant and the stored text meet as versions."""
    const = Const(type=VERSION, value="1.9")
    test = Test(feature=FieldFeature(field="app"), operators=(Compare(op="gt", right=const),))
    assert holds(test, subject({"app": "1.10"}))
    assert not holds(test, subject({"app": "newest"}))


def test_case_is_folded_in_ascii_only():
    """A-Z become a-z; the Kelvin sign, sharp s and dotted I stay what they are."""
    assert fold("AZ[`\u212a\u00dfÉİ") == "az[`\u212a\u00dfÉİ"


def test_numbers_of_all_types_compare_by_value():
    """Integers, decimals and floats are compared exactly, beyond what a double can tell apart."""
    large = 2**53
    assert compare("lt", value_of(float(large), FLOAT), value_of(large + 1, INTEGER))
    assert compare("ne", value_of(0.1, FLOAT), value_of(Decimal("0.1"), INTEGER))
    assert times(float("inf"), Decimal(0)) is None
    assert times(float("inf"), Decimal(-2)) == -float("inf")


def test_a_missing_side_makes_every_comparison_false_but_ne():
    """None on either side passes ne alone, which is not of eq."""
    for op in ("eq", "gt", "gte", "lt", "lte"):
        assert not compare(op, None, 1)
        assert not compare(op, date(2026, 1, 1), None)
        assert not compare(op, None, None)
    assert compare("ne", None, None)


def test_the_hash_of_a_sample_is_that_of_md5():
    """The first 16 hexadecimal digits that `printf 'x\\0001' | md5sum` prints, as a number."""
    assert f"{stable_hash('x', 1):016x}" == "97623bb68a5ef3c8"
