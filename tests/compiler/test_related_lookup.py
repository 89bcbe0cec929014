"""Related users looked up for an explanation: who is, who is not, and what the answers are then."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from segflow.compiler.targets import related_lookup
from segflow.compiler.targets.related_lookup import Around, look_around
from segflow.compiler.trace import Trace
from segflow.compiler.worlds import World
from segflow.errors import UnusableDataError
from segflow.model.instant import format_instant, parse_instant
from segflow.model.wording import phrase
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import by_engine, compiled_for_engines, explained
from tests.test_cases import project_of, rows

T = parse_instant("2026-03-31T12:00:00Z")
OPENED = "2020-01-01T00:00:00Z"
TABLES: Mapping[str, Sequence[Mapping[str, str]]] = {
    "people": [
        {"customer_id": "1", "account_id": "10", "plan": "pro", "age": "30"},
        {"customer_id": "2", "account_id": "10", "plan": "pro", "age": "40"},
        {"customer_id": "3", "account_id": "11", "plan": "free", "age": "50"},
        {"customer_id": "4", "plan": "free", "age": "60"},
    ],
    "accounts": [{"account_id": key, "opened": OPENED, "tier": "gold"} for key in ("10", "11")],
    "purchases": [
        {"id": "1", "customer_id": "1", "at": "2026-03-28T00:00:00Z"},
        {"id": "2", "customer_id": "2", "at": "2026-03-26T00:00:00Z"},
    ],
    "invoices": [{"id": "1", "account_id": "10", "at": "2026-03-20T00:00:00Z", "total": "5.00"}],
}


class Shop:
    """A source with the tables, asked for segments whose `where` is written as in YAML."""

    def __init__(self, folder, where: str, entity: str, tables: Any) -> None:
        segments = (
            "segment: inner\nentity: account\nwhere: {field: tier, eq: gold}\n---\n"
            f"segment: tested\nentity: {entity}\nwhere: {where}\n"
        )
        self.project = project_of({"segments": segments}, folder)
        self.compiled = compiled_for_engines(self.project)
        self.asked: list[str] = []
        DUCKDB.write(folder, self.project, rows(self.project, tables), {})
        self._folder = folder

    @contextmanager
    def engine(self) -> Iterator[Any]:
        with DUCKDB.opened(self.project, self._folder) as engine:
            yield engine

    def around(self, key: int) -> Around:
        """What is looked up; the queries are noted."""
        with self.engine() as engine:

            def ask(source: str, statement: Any) -> Any:
                self.asked.append(str(statement))
                return engine.rows(statement)

            return look_around(self.compiled, "tested", key, ask)

    def traces(self, keys: Sequence[int]) -> Mapping[int, Trace]:
        """The explanations of some users."""
        world = World(users=())
        with self.engine() as engine:
            return {
                key: explained(engine, self.compiled, world, "tested", key, T, ahead=True)
                for key in keys
            }

    def members(self) -> frozenset[int]:
        with self.engine() as engine:
            return by_engine(engine, self.compiled, World(users=()), "tested", T)


def shop(folder, where: str, entity: str = "customer", tables: Any = TABLES) -> Shop:
    return Shop(folder, where, entity, tables)


def test_who_asks_nobody_else_is_looked_up_alone(tmp_path):
    """Not even the key that a relation leads to is read."""
    found = shop(tmp_path, "{did: purchase}")
    around = found.around(1)
    assert (around.worlds, around.follows) == ({}, frozenset())
    assert not any("account_id" in statement for statement in found.asked)


def test_all_that_decide_are_looked_up(tmp_path):
    """The account, and everybody of it; nobody else, and of the account its own events only."""
    where = (
        "{via: account, where: {all: [{did: invoice},"
        " {members: customer, where: {did: purchase}, at_least: 2}]}}"
    )
    around = shop(tmp_path, where).around(1)
    assert {name: {user.key for user in world.users} for name, world in around.worlds.items()} == {
        "customer": {1, 2},
        "account": {10},
    }
    assert [row.event for row in around.worlds["account"].events] == ["invoice"]
    assert {row.key for row in around.worlds["customer"].events} == {1, 2}


@pytest.mark.parametrize(
    "where",
    [
        "{via: account, where: {rank: {sum: invoice.total}, top: 1}}",
        "{via: account, where: {any: [{field: tier, eq: gold}, {entered: inner}]}}",
        "{via: account, where: {held: {segment: inner}, for: 7d}}",
        "{via: account, where: {segment: inner, as: snapshot}}",
        "{via: account, where: {members: customer, where: {rank: {field: age}, top: 1}}}",
    ],
)
def test_what_rows_do_not_tell_is_not_followed(where, tmp_path):
    """Ranks, logs and kept sets of others take more than the rows of a few users."""
    found = shop(tmp_path, where)
    around = found.around(1)
    assert (around.worlds, around.follows) == ({}, frozenset())
    assert not any("account_id" in statement for statement in found.asked)


def test_a_leaf_that_is_not_followed_is_taken_as_it_is(tmp_path):
    """Beside one that is: the engine says what it comes to, and the deadline names it."""
    where = (
        "{all: [{via: account, where: {did: invoice, within: 30d}},"
        " {via: account, where: {rank: {sum: invoice.total}, top: 1}}]}"
    )
    found = shop(tmp_path, where)
    traces = found.traces((1, 2, 3, 4))
    assert {key for key, trace in traces.items() if trace.member} == found.members() == {1, 2}
    deadline = traces[1].deadline
    assert deadline is not None
    assert deadline.at is not None
    assert format_instant(deadline.at) == "2026-04-19T00:00:00Z"
    assert [phrase(leaf) for leaf in deadline.unforeseen] == [
        "via: account, where: {rank: {sum: invoice.total}, top: 1}"
    ]


def test_too_many_are_not_followed(tmp_path, monkeypatch):
    """Beyond the limit the engine says what the leaf comes to now."""
    where = "{via: account, where: {members: customer, where: {did: purchase, within: 7d}}}"
    found = shop(tmp_path, where)
    assert found.around(1).follows
    monkeypatch.setattr(related_lookup, "MOST", 2)
    around = found.around(1)
    assert (around.worlds, around.follows) == ({}, frozenset())
    assert around.user is not None
    trace = found.traces((1,))[1]
    assert trace.member
    assert trace.deadline is not None
    assert (trace.deadline.at, len(trace.deadline.unforeseen)) == (None, 1)


@pytest.mark.parametrize(
    ("where", "inside"),
    [
        ("{members: customer, where: {field: plan, eq: pro}, at_least: 2}", {10}),
        ("{members: customer, where: {field: plan, eq: pro}, every: true}", {10}),
        ("{members: customer, where: {rank: {field: age}, top: 2}}", {11}),
        ("{members: customer, where: {via: account, where: {did_not: invoice}}}", {11}),
    ],
)
def test_members_are_explained_of_the_entity_that_they_lead_to(where, inside, tmp_path):
    """An account is explained by the fields of customers, not by fields of its own."""
    found = shop(tmp_path, where, "account")
    traces = found.traces((10, 11))
    assert {key for key, trace in traces.items() if trace.member} == inside == found.members()


def test_a_key_that_nobody_has_is_nobody(tmp_path):
    """Neither the user nor those around it are there."""
    around = shop(tmp_path, "{via: account, where: {did: invoice}}").around(99)
    assert around.user is None
    assert around.worlds == {"customer": World(users=()), "account": World(users=())}


def test_a_relation_with_two_values_is_refused(tmp_path):
    """It leads to one user, as a field has one value."""
    twice = {**TABLES, "people": [*TABLES["people"], {"customer_id": "1", "account_id": "11"}]}
    found = shop(tmp_path, "{via: account, where: {did: invoice}}", tables=twice)
    with pytest.raises(UnusableDataError, match="people has more than one row for key 1"):
        found.around(1)
