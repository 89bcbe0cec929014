"""Accounts, which users belong to and own: their catalog, rows for it, and leaves about others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from segflow.model.catalog import Entity, Field, Location, Population, Relation
from segflow.model.operator import CountTest
from segflow.model.predicate import Aggregate, FieldFeature, Members, Predicate, Test, Via
from segflow.model.types import ValueType, parse_type
from tests.agreement.choices import Pick

TABLE = "accounts"
KEYS = (1, 2, 3, 4)
TYPES: Mapping[str, ValueType] = {"grade": parse_type("string"), "seats": parse_type("integer")}
BELONGS, OWNED = "account", "owner"
"""The relations from users to accounts and back."""


def catalog() -> tuple[Entity | Relation, ...]:
    """Accounts, and the relations between them and users."""
    fields = tuple(
        Field(
            name=name,
            type=type_,
            at=(Location(source="shop", table=TABLE, key="account_id", column=f"c_{name}"),),
        )
        for name, type_ in TYPES.items()
    )
    population = Population(source="shop", table=TABLE, key="account_id", since="opened")
    return (
        Entity(name="account", key_type="integer", population=population, fields=fields),
        Relation(
            name=BELONGS, from_entity="customer", from_column="account_id", to_entity="account"
        ),
        Relation(name=OWNED, from_entity="account", from_column="owner_id", to_entity="customer"),
    )


def rows(
    pick: Pick,
    users: Sequence[int | None],
    opened: Callable[[], datetime | None],
    value: Callable[[ValueType], Any],
) -> list[Mapping[str, Any]]:
    """Rows of accounts, some of which nobody owns or do not exist yet."""
    return [
        {"account_id": key, "opened": opened(), "owner_id": pick.one(users)}
        | {f"c_{name}": value(type_) for name, type_ in TYPES.items()}
        for key in KEYS
    ]


def belonging(pick: Pick) -> int | None:
    """The account of a user, if any."""
    return pick.one([*KEYS[:3], *KEYS, None, 99])


def via(pick: Pick, of_account: Callable[[], Predicate]) -> Via:
    """What is so of the account that a user belongs to."""
    return Via(relation=BELONGS, where=of_account())


def members(
    pick: Pick, entity: str, inside: Callable[[], Predicate], count: Callable[[], CountTest]
) -> Members:
    """Of how many of an entity that lead to the user or account it is so."""
    if pick.chance(4):
        return Members(entity=entity, where=inside(), every=True)
    return Members(entity=entity, where=inside(), counts=(count(),))


def of_account(
    pick: Pick,
    of_user: Callable[[], Predicate],
    tested: Callable[[FieldFeature, ValueType], Test],
    count: Callable[[], CountTest],
) -> Predicate:
    """A predicate about an account."""
    match pick.below(5):
        case 0:
            views = Aggregate(kind="count", events=("view",))
            return Test(feature=views, operators=(count(),))
        case 1:
            return members(pick, "customer", of_user, count)
        case 2:
            return Via(relation=OWNED, where=of_user())
        case _:
            name = pick.one(list(TYPES))
            return tested(FieldFeature(field=name), TYPES[name])
