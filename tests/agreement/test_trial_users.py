"""Tests of segments with drawn users: what their condition says in words is what all sides find."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segflow.app import trials
from segflow.app.wiring import EMBEDDED
from segflow.compiler.pipeline import compile_project
from segflow.loader.project import load_project

AS_OF = "2026-03-31T00:00:00Z"

CATALOG = """\
source: shop
engine: duckdb
tables: {people: p.parquet, clubs: c.parquet, plans: h.parquet, games: g.parquet}
---
entity: customer
key: {type: integer}
population: {source: shop, table: people, key: id}
fields:
  tags: {type: list<string>, at: {source: shop, table: people, key: id, column: tags}}
---
entity: club
key: {type: string}
population: {source: shop, table: clubs, key: id}
fields:
  plan:
    type: string
    at: {source: shop, table: clubs, key: id, column: plan}
    history: {source: shop, table: plans, key: id, time: at, column: plan}
---
relation: home
from: {entity: customer, column: club_id}
to: {entity: club}
---
event: game
entities: {customer: player}
at: {source: shop, table: games, time: at}
"""
SEGMENT = """\
segment: tested
entity: customer
where:
  via: home
  where:
    all:
      - {held: {field: plan, eq: pro}, for: 5d}
      - members: customer
        where: {all: [{did: game, within: 5d}, {field: tags, has_any: [a]}]}
        at_least: 2
"""

DAYS = st.integers(0, 9)
PLANS = st.sampled_from(("pro", "free", None))
Said = dict[str, Any]


def without_missing(told: Mapping[str, Any]) -> Said:
    """What a test says: a key for each thing that is there."""
    return {name: value for name, value in told.items() if value not in (None, {}, [])}


CUSTOMERS = st.builds(
    lambda tags, club, games: without_missing(
        {
            "user": {"tags": tags},
            "via": without_missing({"home": club}),
            "events": [{"game": f"{day}d"} for day in games],
        }
    ),
    st.lists(st.sampled_from("ab"), max_size=2),
    st.sampled_from(("x", "x", "y", None)),
    st.lists(DAYS, max_size=2),
)
CLUBS = st.builds(
    lambda key, plan, changes: {
        "entity": "club",
        **(
            {"user": {"key": key}, "history": {"plan": changes}}
            if changes
            else {"user": without_missing({"key": key, "plan": plan})}
        ),
    },
    st.just("x"),
    PLANS,
    st.lists(
        st.builds(
            lambda day, plan: without_missing({"time": f"{day}d", "value": plan}), DAYS, PLANS
        ),
        max_size=3,
        unique_by=lambda change: change["time"],
    ),
)


def days(text: str) -> int:
    """How many days ago."""
    return int(text.removesuffix("d"))


def held_pro(club: Said) -> bool:
    """Whether the club was on `pro` at all times of the last five days, which are open at their
    start: changes of five days ago count, and what was before the first one is missing."""
    changes = club.get("history", {}).get("plan")
    if changes is None:
        return bool(club["user"].get("plan") == "pro")
    newest_first = sorted(changes, key=lambda change: days(change["time"]))
    within = [change for change in newest_first if days(change["time"]) < 5]
    at_start = next((change for change in newest_first if days(change["time"]) >= 5), {})
    return all(change.get("value") == "pro" for change in (*within, at_start))


def counts(customer: Said) -> bool:
    """Whether a customer played in the last five days and has the tag."""
    played = any(days(game["game"]) < 5 for game in customer.get("events", ()))
    return played and "a" in customer.get("user", {}).get("tags", ())


def is_member(customer: Said, customers: list[Said], club: Said) -> bool:
    """What the segment says, in words: only club x exists."""
    mates = [one for one in customers if one.get("via") == {"home": "x"}]
    return (
        customer.get("via") == {"home": "x"}
        and held_pro(club)
        and sum(counts(one) for one in mates) >= 2
    )


def base(text: str) -> Mapping[str, str]:
    """The files of a project with this check."""
    return {
        "segflow.toml": '[project]\nname = "case"\n',
        "catalog/all.yaml": CATALOG,
        "segments/all.yaml": SEGMENT,
        "checks/all.yaml": text,
    }


@settings(max_examples=30 * settings.default.max_examples // 100)
@given(st.lists(CUSTOMERS, min_size=1, max_size=4), CLUBS)
def test_users_decide_as_the_words_say(customers, club):
    """For drawn customers, their tags and games, and the past of a club, each is in as the
    condition reads, by the reference and by both engines."""
    tests = []
    for number, customer in enumerate(customers):
        others = [one for place, one in enumerate(customers) if place != number]
        expected = is_member(customer, customers, club)
        test = {"name": f"customer {number}", "as_of": AS_OF, **customer}
        tests.append({**test, "others": [*others, club], "expect": "in" if expected else "out"})
    text = yaml.safe_dump({"check": "drawn", "segment": "tested", "tests": tests}, sort_keys=False)
    with TemporaryDirectory() as folder:
        for name, content in base(text).items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_text(content)
        compiled, report = compile_project(load_project(Path(folder))[0])
    assert compiled is not None, [found.summary for found in report]
    outcomes = list(trials.run(compiled, compiled.trials, EMBEDDED, lambda *_: None))
    assert len(outcomes) == len(customers)
    assert [(one.trial.name, one.faults) for one in outcomes if not one.passed] == []
