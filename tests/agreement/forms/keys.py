"""Leaves that ask about the key alone: lists, samples, and queries whose answer is known."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from segflow.model.predicate import InFile, Predicate, Sample, Sql
from tests.agreement.choices import Pick
from tests.agreement.data import Tables

LIST = "lists/vips.csv"
PERCENTS = [Decimal(text) for text in ("0", "10", "33.3", "50", "66.6", "100")]
QUERIES: Mapping[str, Callable[[int], bool]] = {
    "SELECT customer_id FROM people WHERE customer_id % 3 = 1": lambda key: key % 3 == 1,
    "SELECT customer_id FROM people WHERE customer_id > 4 AND customer_id <> 7": (
        lambda key: key > 4 and key != 7
    ),
}
"""Queries over the keys of users, and for which keys they hold."""


def sample(pick: Pick) -> Sample:
    """A part of the keys."""
    low, high = pick.one(PERCENTS[:3]), pick.one(PERCENTS[2:])
    return Sample(low=low, high=high, salt=pick.one([None, "x", "é", ""]))


def in_file(pick: Pick) -> InFile:
    """The keys of the list."""
    return InFile(path=LIST)


def query(pick: Pick) -> Sql:
    """The keys that a query gives."""
    return Sql(query=pick.one(list(QUERIES)), source="shop")


def answers(tables: Tables) -> Mapping[Predicate, frozenset[int]]:
    """What the queries give over the rows."""
    keys = [row["customer_id"] for row in tables["people"]]
    return {
        Sql(query=text, source="shop"): frozenset(filter(holds, keys))
        for text, holds in QUERIES.items()
    }
