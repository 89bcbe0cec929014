"""Tests of segments: what a source would hold of them, which leaf decides, and that none counts."""

from datetime import date
from decimal import Decimal

import pytest

from segflow.compiler.trials import deciding, explained, judge, worlds_of
from segflow.compiler.worlds import EventRow
from segflow.model.codec import canonical
from segflow.model.instant import parse_instant
from segflow.model.trial import TypedEvent, TypedTrial
from segflow.model.wording import phrase
from tests.compiler.projects import compiled

SEGMENT = "segment: s\nentity: customer\nwhere: {everyone: true}\n"
AS_OF = parse_instant("2026-03-31T12:00:00Z")


def trial(folder, text: str) -> TypedTrial:
    """The one test of a project with these segments."""
    (found,) = compiled(folder, text).trials
    return found


def typed(folder, keys: str) -> TypedTrial:
    """A test of everyone with these keys."""
    test = f"tests: [{{name: t, as_of: 2026-03-31T12:00:00Z, expect: in, {keys}}}]\n"
    return trial(folder, SEGMENT + test)


# --- values ----------------------------------------------------------------------------------


def test_values_are_what_a_source_would_hold(tmp_path):
    """Each is of its declared type, decimals exactly; what is not given is not there."""
    found = typed(
        tmp_path,
        "user: {country: NO, age: -3, balance: 0.10, score: 1e3, vip: true, born: 2000-02-29},"
        " events: [{purchase: 2026-03-01, amount: 12.30, sku: 007, id: 5}]",
    )
    assert dict(found.user.fields) == {
        "country": "NO",
        "age": -3,
        "balance": Decimal("0.1"),
        "score": 1000.0,
        "vip": True,
        "born": date(2000, 2, 29),
    }
    assert found.user.events == (
        TypedEvent(
            event="purchase",
            time=parse_instant("2026-03-01T00:00:00Z"),
            id=5,
            properties=(("amount", Decimal("12.3")), ("sku", "007")),
        ),
    )


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-31T13:59:59.9999+02:00", "2026-03-31T11:59:59.999Z"),
        ("2026-03-31", "2026-03-31T00:00:00Z"),
        ("90min", "2026-03-31T10:30:00Z"),
        ("1mo", "2026-02-28T12:00:00Z"),
    ],
)
def test_instants_are_floored_and_may_be_so_long_ago(tmp_path, text, instant):
    """In a field, in `since` and of an event: a date is local midnight, a duration before as_of."""
    found = typed(
        tmp_path, f'user: {{seen: "{text}", since: "{text}"}}, events: [{{visit: "{text}"}}]'
    )
    expected = parse_instant(instant)
    assert dict(found.user.fields) == {"seen": expected}
    assert (found.user.since, found.user.events[0].time) == (expected, expected)


def test_a_date_is_midnight_in_the_projects_zone(tmp_path):
    """as_of too."""
    settings = '[project]\nname = "shop"\ntimezone = "Asia/Tokyo"\n'
    text = f"{SEGMENT}tests: [{{name: t, as_of: 2026-03-31, expect: in}}]\n"
    (found,) = compiled(tmp_path, text, settings=settings).trials
    assert found.as_of == parse_instant("2026-03-30T15:00:00Z")


def test_who_says_nothing_of_the_user_means_anybody(tmp_path):
    """The key is 1 and the user exists since ever; an entity without since has none."""
    found = typed(tmp_path, "user: {country: NO}")
    assert (found.user.key, found.user.since) == (1, 0)
    assert found.as_of == AS_OF


# --- judging ---------------------------------------------------------------------------------

WEEK = """\
segment: s
entity: customer
where: {did_not: purchase, within: 7d}
tests: [{name: t, as_of: 2026-03-31, events: [{purchase: AGO}], expect: in}]
"""


@pytest.mark.parametrize(("ago", "inside"), [("6d", False), ("7d", True), ("2026-04-01", True)])
def test_the_edge_of_a_window_is_that_of_the_language(tmp_path, ago, inside):
    """(T-7d, T] is open at its start, and what is later than T does not exist."""
    project = compiled(tmp_path, WEEK.replace("AGO", ago))
    assert judge(project, project.trials[0]).member is inside


def test_who_does_not_exist_yet_is_out(tmp_path):
    """Whatever the condition says, and no leaf decides then."""
    text = WEEK.replace("expect: in", "user: {since: 2026-04-01}, expect: out").replace(
        "events: [{purchase: AGO}]", "because: {did_not: purchase, within: 7d}"
    )
    project = compiled(tmp_path, text)
    (one,) = project.trials
    judgement = judge(project, one)
    assert (judgement.exists, judgement.member, judgement.decided) == (False, False, False)
    assert deciding(project, one) == ()
    trace = explained(project, one)
    assert (trace.exists, trace.root is not None and trace.root.holds) == (False, True)


KEPT = """\
segment: s
entity: customer
where:
  all: [{segment: frozen}, {segment: base, as: snapshot}, {segment: inner}, {sample: 100%}]
tests: [{name: t, as_of: 2026-03-31, expect: in, user: {key: 7}, members_of: [MEMBERS]}]
---
segment: frozen
entity: customer
mode: static
where: {field: country, eq: XX}
---
segment: base
entity: customer
where: {field: country, eq: XX}
---
segment: inner
entity: customer
where: {not: {in_file: lists/staff.csv}}
"""


@pytest.mark.parametrize(
    ("members", "inside"),
    [
        ("frozen, base", True),
        ("frozen", False),
        ("base", False),
        ("frozen, base, lists/staff.csv", False),
    ],
)
def test_kept_sets_have_the_user_where_the_test_says_so(tmp_path, members, inside):
    """Of static segments, snapshots and list files, in nested segments too; what the file holds
    (key 7) is not looked at."""
    text = KEPT.replace("MEMBERS", members)
    project = compiled(tmp_path, text, files={"lists/staff.csv": "7\n"})
    assert judge(project, project.trials[0]).member is inside


# --- leaves that decide ----------------------------------------------------------------------


def deciding_leaves(folder, where: str, country: str = "FR", age: str = "20") -> list[str]:
    """The leaves that decide for a user of that country and age."""
    test = f"{{name: t, as_of: 2026-03-31, user: {{country: {country}, age: {age}}}, expect: in}}"
    text = f"segment: s\nentity: customer\nwhere: {where}\ntests: [{test}]\n"
    project = compiled(folder, text)
    (one,) = project.trials
    return [phrase(leaf) for leaf in deciding(project, one)]


FR, OLD = "{field: country, eq: FR}", "{field: age, gte: 18}"
IS_FR, IS_OLD = "field: country, eq: FR", "field: age, gte: 18"


@pytest.mark.parametrize(
    ("where", "country", "age", "leaves"),
    [
        (f"{{all: [{FR}, {OLD}]}}", "FR", "20", [IS_FR, IS_OLD]),
        (f"{{all: [{FR}, {OLD}]}}", "FR", "10", [IS_OLD]),
        (f"{{all: [{FR}, {OLD}]}}", "SE", "10", []),
        (f"{{any: [{FR}, {OLD}]}}", "FR", "20", []),
        (f"{{any: [{FR}, {OLD}]}}", "SE", "20", [IS_OLD]),
        (f"{{none: [{FR}, {OLD}]}}", "SE", "10", [IS_FR, IS_OLD]),
        (f"{{not: {{all: [{FR}, {{not: {OLD}}}]}}}}", "FR", "20", [IS_OLD]),
        # Equal leaves are one: they turn round together.
        (
            f"{{any: [{{all: [{FR}, {OLD}]}}, {{none: [{FR}, {OLD}]}}]}}",
            "FR",
            "20",
            [IS_FR, IS_OLD],
        ),
        (f"{{any: [{FR}, {{not: {FR}}}]}}", "FR", "20", []),
    ],
)
def test_a_leaf_decides_where_its_opposite_gives_the_opposite(
    tmp_path, where, country, age, leaves
):
    """Turning that leaf round, and nothing else, turns the answer round."""
    assert deciding_leaves(tmp_path, where, country, age) == leaves


# --- no part of a segment --------------------------------------------------------------------


def test_tests_are_no_part_of_a_segment(tmp_path):
    """Definition, fingerprint, canonical text and equality are those of the segment alone."""
    plain = compiled(tmp_path / "plain", WEEK.partition("tests:")[0])
    tested = compiled(tmp_path / "tested", WEEK.replace("AGO", "3d"))
    assert len(tested.trials) == 1
    assert (plain.fingerprints, plain.depends) == (tested.fingerprints, tested.depends)
    one, other = plain.segments["s"], tested.segments["s"]
    assert one.definition == other.definition
    assert one.segment == other.segment
    assert canonical(one.segment) == canonical(other.segment)


def test_a_check_is_no_object_of_plans(tmp_path):
    """What a check says is known as tests of its segment, and nothing else knows of it."""
    check = "---\ncheck: more\nsegment: s\n" + WEEK.partition("where")[2].partition("\n")[2]
    plain = compiled(tmp_path / "plain", WEEK.partition("tests:")[0])
    checked = compiled(
        tmp_path / "checked", WEEK.partition("tests:")[0] + check.replace("AGO", "3d")
    )
    assert [(str(one.address), one.segment) for one in checked.trials] == [("check.more", "s")]
    assert (plain.fingerprints, plain.depends) == (checked.fingerprints, checked.depends)


def test_events_are_rows_of_the_user(tmp_path):
    """The reference is shown the key, the id and the properties as they were typed."""
    text = (
        f"{SEGMENT}tests: [{{name: t, as_of: 2026-03-31T12:00:00Z, expect: in, user: {{key: 9}},"
        " events: [{purchase: 1d, id: 5, gift: true}]}]\n"
    )
    project = compiled(tmp_path, text)
    (found,) = project.trials
    assert worlds_of(project, found)["customer"].events == (
        EventRow(
            event="purchase",
            key=9,
            keys=(9,),
            time=AS_OF - 86_400_000,
            id=5,
            properties={"gift": True},
        ),
    )
