"""The users of a test: their past, their lists, and others that relations lead to or ranks ask."""

import pytest

from segflow.compiler.trials import explained, judge, worlds_of
from segflow.model.instant import parse_instant
from tests.compiler.projects import compiled

AS_OF = parse_instant("2026-03-31T12:00:00Z")
SEGMENT = "segment: s\nentity: customer\nwhere: {everyone: true}\n"
CLUBS = """\
entity: club
key: {type: string}
population: {source: warehouse, table: clubs, key: id, since: founded}
fields:
  plan:
    type: string
    at: {source: warehouse, table: clubs, key: id, column: plan}
    history: {source: warehouse, table: plans, key: id, time: at, column: plan}
  tags:
    type: list<string>
    at: {source: warehouse, table: clubs, key: id, column: tags}
    history: {source: warehouse, table: labels, key: id, time: at, column: tag}
---
relation: home
from: {entity: customer, column: club_id}
to: {entity: club}
---
event: match
entities: {customer: player_id, club: club_id}
at: {source: warehouse, table: matches, time: at, id: {column: id, type: integer}}
properties:
  marks: {type: list<integer>, column: marks}
---
"""


def test_the_past_of_a_field_and_lists_are_what_a_source_would_hold(tmp_path):
    """Changes have their instants and values, None where none is given; an empty list is one."""
    test = (
        "{name: t, as_of: 2026-03-31T12:00:00Z, expect: in,"
        " history: {plan: [{time: 1d, value: pro}, {time: 2026-03-01}],"
        " tags: [{time: 2d, value: []}]},"
        " events: [{match: 1h, marks: [2, 1, 2]}]}"
    )
    text = f"{CLUBS}segment: s\nentity: club\nwhere: {{everyone: true}}\ntests: [{test}]\n"
    (trial,) = compiled(tmp_path, text).trials
    found = trial.user
    assert dict(found.history) == {
        "plan": ((AS_OF - 86_400_000, "pro"), (parse_instant("2026-03-01T00:00:00Z"), None)),
        "tags": ((AS_OF - 2 * 86_400_000, ()),),
    }
    assert dict(found.events[0].properties) == {"marks": (2, 1, 2)}
    assert (found.entity, found.key) == ("club", "1")


def test_others_are_of_their_own_entities_and_number_themselves(tmp_path):
    """Without a key they are 2, 3, … in the type of their entity; an event is of whoever did it."""
    test = (
        "{name: t, as_of: 2026-03-31T12:00:00Z, expect: in, via: {home: x},"
        " events: [{match: 1h, id: 7}], others: [{entity: club, user: {since: 1d}},"
        " {via: {home: y}}, {entity: club, user: {key: x}, events: [{match: 2h}]}]}"
    )
    text = f"{CLUBS}{SEGMENT}tests: [{test}]\n"
    project = compiled(tmp_path, text)
    (found,) = project.trials
    assert [(one.entity, one.key, one.via) for one in found.users] == [
        ("customer", 1, (("home", "x"),)),
        ("club", "2", ()),
        ("customer", 3, (("home", "y"),)),
        ("club", "x", ()),
    ]
    assert found.others[0].since == AS_OF - 86_400_000
    worlds = worlds_of(project, found)
    assert [user.key for user in worlds["club"].users] == ["2", "x"]
    rows = {name: [(row.key, row.keys) for row in worlds[name].events] for name in worlds}
    assert rows == {
        "customer": [(1, (None, 1)), (None, ("x", None))],
        "club": [(None, (None, 1)), ("x", ("x", None))],
        "shop": [],
    }


OF_CLUBS = """\
segment: s
entity: customer
where:
  via: home
  where:
    all:
      - {held: {field: plan, eq: pro}, for: 7d}
      - {members: customer, at_least: 2, where: {did: purchase}}
tests:
  - name: t
    as_of: 2026-03-31
    events: [{purchase: 1d}]
    via: {home: x}
    others:
      - {entity: club, user: {key: x}, history: {plan: [{time: CHANGED, value: pro}]}}
      - {via: {home: LEADS}, events: [{purchase: 1d}]}
    expect: in
"""


@pytest.mark.parametrize(
    ("changed", "leads", "inside"),
    [("8d", "x", True), ("6d", "x", False), ("8d", "y", False)],
)
def test_related_users_decide(tmp_path, changed, leads, inside):
    """The club of the user must have had its plan for a week, and another member who bought; the
    user is one of its members too."""
    text = CLUBS + OF_CLUBS.replace("CHANGED", changed).replace("LEADS", leads)
    project = compiled(tmp_path, text)
    (one,) = project.trials
    assert judge(project, one).member is inside
    root = explained(project, one).root
    assert root is not None
    assert [(value.text, value.value) for value in root.values] == [("home", "x")]
    (below,) = root.items
    counted = [(value.text, value.value) for value in below.items[1].values]
    assert counted == [("customer", "2 of 2" if leads == "x" else "1 of 1")]


def test_a_related_user_who_is_not_there_is_none(tmp_path):
    """The key leads to nobody of the test: `via` is false, and the tree says nobody is there."""
    text = CLUBS + OF_CLUBS.replace("CHANGED", "8d").replace("home: x", "home: z")
    project = compiled(tmp_path, text)
    (one,) = project.trials
    root = explained(project, one).root
    assert root is not None
    assert (root.holds, root.items) == (False, ())
    assert [(value.text, value.value) for value in root.values] == [("home", None)]


@pytest.mark.parametrize(("members", "inside"), [("[7]", True), ("[8]", False), ("[7, 8]", True)])
def test_kept_members_are_users_of_the_test(tmp_path, members, inside):
    """Of a list and of a frozen segment of a related entity, whoever says so is in it."""
    others = "".join(
        f"      - {{entity: shop, user: {{key: {key}}}, members_of: [frozen, lists/big.csv]}}\n"
        if str(key) in members
        else f"      - {{entity: shop, user: {{key: {key}}}}}\n"
        for key in (7, 8)
    )
    text = (
        "segment: s\nentity: customer\n"
        "where: {via: shop, where: {all: [{segment: frozen}, {in_file: lists/big.csv}]}}\n"
        "tests:\n  - name: t\n    as_of: 2026-03-31\n    expect: in\n    via: {shop: 7}\n"
        f"    others:\n{others}"
        "---\nsegment: frozen\nentity: shop\nmode: static\nwhere: {not: {everyone: true}}\n"
        "---\nrelation: shop\nfrom: {entity: customer, column: shop_id}\nto: {entity: shop}\n"
    )
    project = compiled(tmp_path, text, files={"lists/big.csv": "7\n8\n9\n"})
    assert judge(project, project.trials[0]).member is inside


RANKED = """\
segment: s
entity: customer
where: {rank: {field: age}, top: 1}
tests:
  - name: t
    as_of: 2026-03-31
    user: {age: 40}
    others: [{user: {age: AGE, since: 1d}}]
    expect: in
"""


@pytest.mark.parametrize(("age", "inside"), [("39", True), ("40", True), ("41", False)])
def test_a_rank_is_among_the_users_of_the_test(tmp_path, age, inside):
    """Equal values rank by key, of which the asked user has the first."""
    project = compiled(tmp_path, RANKED.replace("AGE", age))
    assert judge(project, project.trials[0]).member is inside
