"""Zones of users, histories and the log: what of them is in a definition, and what is shown."""

import pytest

from segflow.compiler.timeline import zone
from segflow.compiler.trace import explain_user
from segflow.compiler.worlds import LoggedChange, User
from segflow.compiler.zones import default_zone, users_zone, ways, zone_names
from segflow.model.instant import parse_instant
from tests.compiler.projects import compiled

CATALOG = """\
source: warehouse
engine: duckdb
tables: {users: users.parquet, buys: buys.parquet, plans: plans.parquet, old: old.parquet}
---
entity: user
key: {type: integer}
population: {source: warehouse, table: users, key: id}
timezone: {field: zone, default: Asia/Tokyo}
fields:
  zone: {type: string, at: {source: warehouse, table: users, key: id, column: zone}}
  born: {type: date, at: {source: warehouse, table: users, key: id, column: born}}
  seen: {type: timestamp, at: {source: warehouse, table: users, key: id, column: seen}}
  age: {type: integer, at: {source: warehouse, table: users, key: id, column: age}}
  plan:
    type: string
    at: {source: warehouse, table: users, key: id, column: plan}
    history: {source: warehouse, table: plans, key: id, time: at, column: plan}
---
event: buy
entities: {user: user_id}
at: {source: warehouse, table: buys, time: at}
---
segment: other
entity: user
where: {field: age, gte: 1}
"""
SETTINGS = '[project]\nname = "shop"\ntimezone = "%s"\n'


def definition(folder, leaf, before="", after="", timezone="UTC"):
    """The definition hash of a segment with that leaf, in the catalog with one text replaced."""
    catalog = CATALOG.replace(before, after) if before else CATALOG
    assert not before or catalog != CATALOG
    text = f"segment: s\nentity: user\nwhere: {leaf}\n"
    made = compiled(folder, text, catalog=catalog, settings=SETTINGS % timezone)
    return made.segments["s"].definition


@pytest.mark.parametrize(
    ("leaf", "before", "after"),
    [
        ("{did: buy, calendar: today, timezone: user}", "column: zone", "column: tz"),
        ("{did: buy, calendar: today, timezone: user}", "Asia/Tokyo", "Asia/Seoul"),
        ("{field: born, in_last: 1d, timezone: user}", "Asia/Tokyo", "Asia/Seoul"),
        ("{field: seen, gte: 2026-01-01, timezone: user}", "Asia/Tokyo", "Asia/Seoul"),
        ("{field: plan, eq: a}", "table: plans", "table: old"),
        ("{held: {field: plan, eq: a}, for: 7d}", "time: at, column", "time: since, column"),
        ("{changed: plan}", "table: plans", "table: old"),
        ("{changed: plan}", "column: plan}\n    history", "column: tariff}\n    history"),
        ("{entered: other}", "gte: 1}", "gte: 2}"),
        ("{held: {segment: other}, for: 7d}", "gte: 1}", "gte: 2}"),
    ],
)
def test_what_a_leaf_rests_on_is_in_its_definition(leaf, before, after, tmp_path):
    """Zones of users, the table of a history, and the segment whose log is asked."""
    assert definition(tmp_path, leaf) != definition(tmp_path, leaf, before, after)


@pytest.mark.parametrize(
    ("leaf", "before", "after"),
    [
        ("{did: buy, calendar: today}", "Asia/Tokyo", "Asia/Seoul"),
        ("{did: buy, within: 7d, timezone: user}", "Asia/Tokyo", "Asia/Seoul"),
        ("{field: age, gte: 1, timezone: user}", "column: zone", "column: tz"),
        ("{field: age, gte: 1}", "table: plans", "table: old"),
    ],
)
def test_what_a_leaf_does_not_rest_on_is_not(leaf, before, after, tmp_path):
    """Where nothing is local, `timezone: user` changes nothing; histories of others don't, too."""
    assert definition(tmp_path, leaf) == definition(tmp_path, leaf, before, after)


@pytest.mark.parametrize(
    ("leaf", "matters"),
    [
        ("{did: buy, calendar: today, timezone: user}", False),  # the entity has a default
        ("{held: {field: plan, eq: a}, for: 1mo}", True),
        ("{held: {field: plan, eq: a}, for: 30d}", False),
        ("{changed: plan, in_last: 1y}", True),
        ("{changed: plan}", False),
        ("{entered: other, in_last: 1mo}", True),
        ("{held: {segment: other}, for: 2mo}", True),
        ("{exited: other, in_last: 7d}", False),
    ],
)
def test_the_projects_zone_counts_where_it_matters(leaf, matters, tmp_path):
    """Months and years of being held, changed or entered are by the project's clocks."""
    here = definition(tmp_path, leaf)
    assert (here != definition(tmp_path, leaf, timezone="Asia/Seoul")) == matters


def test_timezone_user_without_anything_local_is_no_other_definition(tmp_path):
    """Two ways to write one thing are one definition."""
    plain = definition(tmp_path, "{field: age, gte: 1}")
    assert definition(tmp_path, "{field: age, gte: 1, timezone: user}") == plain


def test_names_of_zones_are_exact():
    """Old names count, other spellings and what differs between machines do not."""
    tokyo = zone("Asia/Tokyo")
    assert users_zone("Asia/Calcutta", tokyo).key == "Asia/Calcutta"
    for text in ("asia/calcutta", "Asia/Calcutta ", "", None, 3, "localtime", "posixrules"):
        assert users_zone(text, tokyo) is tokyo
    assert {"UTC", "Europe/Paris", "US/Pacific"} <= zone_names()


def test_zones_with_the_same_result_are_one_way():
    """What the default gives needs no names; every other zone stands in exactly one way."""
    found = ways(zone("Asia/Tokyo"), lambda there: there.key[0])
    assert found.default == "A"
    others = {letter: names for letter, names in found.others}
    assert "A" not in others
    assert "Europe/Paris" in others["E"]
    named = [name for names in others.values() for name in names]
    assert sorted(named) == sorted(name for name in zone_names() if name[0] != "A")


def test_the_default_zone_is_the_entitys_or_the_projects(tmp_path):
    """The entity's default goes before the project's zone."""
    made = compiled(tmp_path, "", catalog=CATALOG, settings=SETTINGS % "UTC")
    entity = made.entities["user"]
    assert default_zone(entity, zone("UTC")).key == "Asia/Tokyo"


T = parse_instant("2026-03-31T12:00:00Z")
USER = User(
    key=1,
    fields={"zone": "Europe/Paris", "plan": "c"},
    history={
        "plan": (
            (parse_instant("2026-03-01T00:00:00Z"), "a"),
            (parse_instant("2026-03-20T00:00:00Z"), "b"),
            (parse_instant("2026-04-01T00:00:00Z"), "c"),
        )
    },
)
LOG = (
    LoggedChange(as_of=parse_instant("2026-01-01T00:00:00Z"), cause="definition"),
    LoggedChange(as_of=parse_instant("2026-03-02T00:00:00Z"), cause="data", entered=frozenset({1})),
    LoggedChange(as_of=parse_instant("2026-04-02T00:00:00Z"), cause="data", exited=frozenset({1})),
)


@pytest.mark.parametrize(
    ("leaf", "holds", "shown"),
    [
        ("{field: seen, calendar: today, timezone: user}", False,
         {"field: seen": None, "timezone: user": "Europe/Paris"}),
        ("{changed: plan, to: b}", True,
         {"field: plan": "b", "plan since": "2026-03-20T00:00:00Z"}),
        ("{held: {field: plan, in: [a, b]}, for: 30d}", True,
         {"field: plan": "b", "plan since": "2026-03-20T00:00:00Z"}),
        ("{held: {segment: other}, for: 7d}", True,
         {"other entered": "2026-03-02T00:00:00Z", "other exited": None}),
        ("{exited: other}", False,
         {"other entered": "2026-03-02T00:00:00Z", "other exited": None}),
    ],
)  # fmt: skip
def test_explanations_show_what_a_leaf_looked_at(leaf, holds, shown, tmp_path):
    """The zone that was taken, since when a value is so, when somebody came and went up to T."""
    text = f"segment: s\nentity: user\nwhere: {leaf}\n"
    made = compiled(tmp_path, text, catalog=CATALOG, settings=SETTINGS % "UTC")
    root = explain_user(made, "s", 1, USER, (), T, {}, {"other": LOG}).root
    assert root is not None
    assert root.holds == holds
    assert {value.text: value.value for value in root.values} == shown
