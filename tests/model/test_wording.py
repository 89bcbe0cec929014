"""Objects are given back in the words of their YAML."""

from decimal import Decimal

import pytest
from hypothesis import given

from segflow.model.channel import Channel
from segflow.model.duration import Duration
from segflow.model.operator import CountTest
from segflow.model.predicate import Aggregate, All, Compare, FieldFeature, InSegment, Test
from segflow.model.scalar import Const, Text
from segflow.model.segment import Protect, Segment
from segflow.model.settings import SecretRef, SettingMap
from segflow.model.types import INTEGER, TIMESTAMP, decimal_type
from segflow.model.window import CalendarSpan, Within
from segflow.model.wording import phrase, to_words
from segflow.model.wording_scalar import calendar
from segflow.model.wording_text import document, flow
from tests.model.strategies import objects, of_one_kind, variations

WEEK = Within(duration=Duration(count=7, unit="d"))


def bought(op: str, count: int, window=WEEK) -> Test:
    aggregate = Aggregate(kind="count", events=("purchase",), window=window)
    return Test(feature=aggregate, operators=(CountTest(op=op, count=count),))


def field(operator) -> Test:
    return Test(feature=FieldFeature(field="country"), operators=(operator,))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (bought("exactly", 0), "did_not: purchase, within: 7d"),
        (bought("at_least", 1), "did: purchase, within: 7d"),
        (bought("at_least", 3, None), "did: purchase, at_least: 3"),
        (field(Compare(op="eq", right=Text(text="US"))), "field: country, eq: US"),
        (field(Compare(op="eq", right=Text(text="07", quoted=True))), 'field: country, eq: "07"'),
        (InSegment(segment="vip"), "segment: vip"),
        (InSegment(segment="vip", snapshot=True), "segment: vip, as: snapshot"),
        (All(items=(InSegment(segment="vip"),)), "all: [{segment: vip}]"),
    ],
)
def test_a_leaf_is_one_short_line(node, expected):
    """A predicate's phrase is its YAML on one line, with its head key first."""
    assert phrase(node) == expected


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (CalendarSpan(unit="day", last=0), "today"),
        (CalendarSpan(unit="day", last=-1), "yesterday"),
        (CalendarSpan(unit="week", last=0), "this_week"),
        (CalendarSpan(unit="year", last=-1), "last_year"),
        (CalendarSpan(unit="day", last=-1, count=7), "last_7_days"),
        (CalendarSpan(unit="month", last=-3), {"month": -3}),
        (CalendarSpan(unit="day", last=-2), {"day": -2}),
    ],
)
def test_calendar_spans_have_their_names(span, expected):
    """A span that the language has a name for is given by it."""
    assert calendar(span) == expected


def test_typed_constants_are_written_as_a_person_would():
    """A typed constant has the words of the literal that it was made from."""
    timestamp = Const(type=TIMESTAMP, value=1_769_817_600_000)
    price = Const(type=decimal_type(18, 2), value=Decimal("100.50"))

    assert phrase(field(Compare(op="gt", right=timestamp))).endswith("gt: 2026-01-31T00:00:00Z")
    assert phrase(field(Compare(op="gt", right=price))).endswith("gt: 100.5")
    assert phrase(field(Compare(op="gt", right=Const(type=INTEGER, value=5)))).endswith("gt: 5")


def test_defaults_are_left_out():
    """Of a segment with nothing but defaults only the required keys are given."""
    segment = Segment(name="lapsed_7d", entity="customer", where=bought("exactly", 0))

    assert to_words(segment) == {
        "segment": "lapsed_7d",
        "entity": "customer",
        "where": {"did_not": "purchase", "within": "7d"},
    }


def test_percentages_are_written_with_their_sign():
    """protect.max_change is a percentage, without zeros that say nothing."""
    segment = Segment(
        name="s",
        entity="customer",
        where=InSegment(segment="vip"),
        protect=Protect(max_change=Decimal("30.00"), max_size=5, prevent_destroy=True),
    )

    expected = {"max_change": "30%", "max_size": 5, "prevent_destroy": True}
    assert to_words(segment)["protect"] == expected


def test_secrets_stay_references():
    """A secret is given by its name, at any depth of a channel's settings."""
    headers = SettingMap(items=(("Authorization", SecretRef(name="TOKEN")),))
    settings = SettingMap(items=(("headers", headers),))
    words = to_words(Channel(name="hook", kind="webhook", settings=settings))

    assert words["headers"] == {"Authorization": "${TOKEN}"}


@given(objects)
def test_long_and_short_text_say_the_same(thing):
    """Every object has words that can be written out as a document."""
    text = document(to_words(thing))

    assert text.startswith(f"{thing.address.kind}: ")
    assert text.endswith("\n")


@given(of_one_kind)
def test_objects_that_differ_have_different_words(pair):
    """Whatever attribute of an object is changed, its words change with it."""
    first, second = pair
    seen = {document(to_words(first)): first}
    for varied in variations(first, second):
        text = document(to_words(varied))
        assert seen.get(text, varied) == varied
        seen[text] = varied


@pytest.mark.parametrize("text", ["NO", "on", "null", "1.10", "0123", "22:00", "2026-01-01", ""])
def test_text_that_looks_like_something_else_is_quoted(text):
    """What a reader of YAML could take for another type stands in quotes."""
    assert flow(text) == f'"{text}"'


@pytest.mark.parametrize("text", ["7d", "10%", "500/min", "purchase.amount", "a b", "lists/x.csv"])
def test_plain_text_is_not_quoted(text):
    """What can only be text stands as it is."""
    assert flow(text) == text
