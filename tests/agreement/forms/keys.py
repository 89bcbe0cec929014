"""Leaves that ask about the key alone: lists, samples, and queries whose answer is known."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from segflow.model.predicate import InFile, Predicate, Sample, Sql
from tests.agreement.choices import Pick
from tests.agreement.data import Row, Tables

LIST = "lists/vips.csv"
PERCENTS = [Decimal(text) for text in ("0", "10", "33.3", "50", "66.6", "100")]
QUERIES: Mapping[str, Callable[[Row], bool]] = {
    "SELECT customer_id FROM people WHERE account_id IS NULL": (
        lambda row: row["account_id"] is None
    ),
    "SELECT customer_id FROM people WHERE c_plan IS NOT NULL AND account_id IS NOT NULL": (
        lambda row: row["c_plan"] is not None and row["account_id"] is not None
    ),
}
"""Queries for keys of users, whatever type they have, and which rows they choose."""


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
    return {
        Sql(query=text, source="shop"): frozenset(
            row["customer_id"] for row in tables["people"] if chooses(row)
        )
        for text, chooses in QUERIES.items()
    }
