"""What lint says of nobody and of everyone, asked of the reference: it never says it wrongly."""

import tempfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.interpret import members
from segflow.compiler.lint.codes import ALWAYS, NEVER
from segflow.compiler.lint.pipeline import lint
from segflow.compiler.worlds import EventRow, User, World
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, parse_instant
from tests.compiler.projects import compiled

T = parse_instant("2026-03-31T12:00:00Z")
DAY = 86_400_000
AGES = (None, -1, 0, 1, 2, 3)
COUNTRIES = (None, "DE", "FR")
SEEN = (None, -40, -20, -3, 3)
BOUGHT = ((), (3,), (20,), (3, 20), (50,))

ages = st.integers(-1, 3)
operators = st.sampled_from(("eq", "ne", "gt", "gte", "lt", "lte"))
# Tests that some satisfy and some do not, so that their opposites do so, too.
single = st.one_of(
    st.builds("{{field: age, {}: {}}}".format, operators, ages),
    st.builds("{{field: age, in: [{}, {}]}}".format, ages, ages),
    st.builds("{{field: age, exists: {}}}".format, st.sampled_from(("true", "false"))),
    st.sampled_from(("{field: country, eq: DE}", "{field: country, not_in: [DE, FR]}")),
    st.builds(
        "{{field: seen, {}: {}d}}".format,
        st.sampled_from(("in_last", "older_than", "in_next")),
        st.sampled_from((7, 30)),
    ),
    st.builds(
        "{{did: purchase, within: {}d, {}: {}}}".format,
        st.sampled_from((7, 30)),
        st.sampled_from(("at_least", "at_most", "exactly", "more_than")),
        st.integers(1, 2),
    ),
    st.builds("{{did_not: purchase, within: {}d}}".format, st.sampled_from((7, 30))),
    st.just("{sample: 50%}"),
)
certain = st.just("{everyone: true}") | st.builds(
    "{{field: orders, {}: {}}}".format, operators, ages
)
double = st.builds(
    "{{field: age, {}: {}, exists: {}}}".format,
    operators,
    ages,
    st.sampled_from(("true", "false")),
) | st.builds("{{field: age, gt: {}, lte: {}}}".format, ages, ages)
items = single | single.map("{{not: {}}}".format)


_CATALOG = """\
source: warehouse
engine: duckdb
tables: {customers: customers.parquet, purchases: purchases.parquet}
---
entity: customer
key: {type: integer}
population: {source: warehouse, table: customers, key: id}
fields:
  country: {type: string, at: {source: warehouse, table: customers, key: id, column: country}}
  age: {type: integer, at: {source: warehouse, table: customers, key: id, column: age}}
  seen: {type: timestamp, at: {source: warehouse, table: customers, key: id, column: seen}}
  orders: {type: integer, is: {count: purchase, within: 30d}}
---
event: purchase
entities: {customer: customer_id}
at: {source: warehouse, table: purchases, time: at, id: {column: id, type: integer}, unique: true}
"""


def world() -> World:
    """Every kind of user that the conditions can tell apart, each of them twice."""
    users, events = [], []
    kinds = product(AGES, COUNTRIES, SEEN, BOUGHT, range(2))
    for key, (age, country, seen, bought, _) in enumerate(kinds):
        fields = {
            "age": age,
            "country": country,
            "seen": None if seen is None else T + seen * DAY,
        }
        users.append(User(key=key, fields=fields))
        for days in bought:
            events.append(
                EventRow(event="purchase", key=key, time=Instant(T - days * DAY), id=len(events))
            )
    return World(users=tuple(users), events=tuple(events))


WORLD = world()


def project(**wheres: str) -> tuple[Compiled, dict[str, set[str]]]:
    """The segments compiled, and by the name of each what lint finds in it."""
    text = "---\n".join(
        f"segment: {name}\nentity: customer\nwhere: {where}\n" for name, where in wheres.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        made = compiled(Path(folder), text, catalog=_CATALOG)
    codes: dict[str, set[str]] = {name: set() for name in wheres}
    for one in lint(made, ()):
        codes[str(one.address).removeprefix("segment.")].add(one.code)
    return made, codes


@pytest.mark.timeout(600)
@given(parts=st.lists(items | double | certain, min_size=1, max_size=4))
def test_of_what_must_hold_together(parts):
    """Where lint says that nobody satisfies conditions together, nobody does."""
    made, codes = project(s=f"{{all: [{', '.join(parts)}]}}")
    if NEVER in codes["s"]:
        assert members(WORLD, made, "s", T) == frozenset()


@pytest.mark.timeout(600)
@given(parts=st.lists(items, min_size=2, max_size=4))
def test_of_what_one_may_be(parts):
    """Where lint says that everyone satisfies one of several conditions, everyone does; and none of
    them is what nobody satisfies."""
    listed = ", ".join(parts)
    made, codes = project(one=f"{{any: [{listed}]}}", none=f"{{none: [{listed}]}}")
    if ALWAYS in codes["one"]:
        assert members(WORLD, made, "one", T) == frozenset(user.key for user in WORLD.users)
    if NEVER in codes["none"]:
        assert members(WORLD, made, "none", T) == frozenset()
    assert (ALWAYS in codes["one"]) == (NEVER in codes["none"])
