"""Rows for the tables of a shop, with every kind of awkward value."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from segflow.compiler.values import version
from segflow.model.instant import Instant, datetime_of
from segflow.model.scalar import Scalar
from segflow.model.types import ValueType, parse_type
from tests.agreement.choices import Pick
from tests.agreement.data import Row, Tables
from tests.agreement.forms import contacts, history, related, zones
from tests.agreement.shop import FIELDS, KEYS, PROPERTY_TYPES, STRANGERS, Shop


def tables(pick: Pick, of: Shop) -> Tables:
    """Rows for the tables."""
    early = datetime_of(of.as_of) - timedelta(days=5000)
    people, profiles = [], []
    for key in KEYS:
        since = _moment(pick, of, of.edges) if of.since and pick.chance(3) else early
        person = {"customer_id": key, "first_seen": since if not pick.chance(12) else None}
        person["account_id"] = related.belonging(pick)
        people.append(person | _fields(pick, of, "people"))
        if not pick.chance(6):
            profiles.append({"customer_id": key} | _fields(pick, of, "profiles"))
    profiles.append({"customer_id": STRANGERS[0]} | _fields(pick, of, "profiles"))
    return {
        "people": people,
        "profiles": profiles,
        "orders": _events(pick, of, "purchase"),
        "views": _events(pick, of, "view"),
        history.TABLE: history.rows(
            pick,
            [*KEYS[2:], None, STRANGERS[0]],
            lambda: _moment(pick, of, of.past),
            lambda type_: stored_value(pick, of, type_),
        ),
        related.TABLE: related.rows(
            pick,
            [*KEYS[:8], None, STRANGERS[0]],
            lambda: _moment(pick, of, of.past) if pick.chance(3) else early,
            lambda type_: stored_value(pick, of, type_),
        ),
        **contacts.tables(
            pick,
            KEYS,
            STRANGERS,
            lambda: _moment(pick, of, of.edges if pick.chance(3) else of.past),
            of.scalars["string"],
        ),
    }


def _fields(pick: Pick, of: Shop, table: str) -> Row:
    types = {name: parse_type(text) for name, (text, there) in FIELDS.items() if there == table}
    if table == "people":
        types |= history.TYPES
    return {
        f"c_{name}": pick.one(zones.POOL) if name == "zone" else stored_value(pick, of, type_)
        for name, type_ in types.items()
    }


def stored_value(pick: Pick, of: Shop, type_: ValueType) -> Any:
    """What a column of the type holds, now and then nothing."""
    if pick.chance(6):
        return None
    if type_.is_list:
        return [stored_value(pick, of, type_.element) for _ in range(pick.below(4))]
    match type_.name:
        case "timestamp":
            return _moment(pick, of, of.edges)
        case "date":
            return pick.one(of.days)
        case "float" if pick.chance(5):
            return pick.one([float("nan"), float("inf"), -float("inf"), -0.0])
        case "version" if pick.chance(5):
            return pick.one(["1.", "v1", ""])
        case _:
            return scalar(pick.one(of.literals(type_)), type_)


def scalar(text: str, type_: ValueType) -> Scalar:
    """The value of a literal."""
    match type_.name:
        case "integer":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "float":
            return float(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def by_value(text: str, type_: ValueType) -> Any:
    """What sorts literals of a type by their values, nearly enough for timestamps and dates."""
    return version(text) if type_.name == "version" else scalar(text, type_)


def _moment(pick: Pick, of: Shop, edges: Sequence[Instant]) -> datetime:
    """An instant at or beside an edge, with a rest below the millisecond that is to be cut off."""
    return datetime_of(pick.one(edges)) + timedelta(microseconds=pick.one([0, 1, 999]))


def _events(pick: Pick, of: Shop, name: str) -> list[Row]:
    found: list[Row] = []
    for number in range(pick.one([*[200] * 4, *[150] * 5, *[100] * 5, 5, 0])):
        made = _event_row(pick, of, name, number, found)
        if found and pick.chance(4) and not (name == "purchase" and of.unique_purchases):
            made = _same_id(pick, of, pick.one(found), made)
        found.append(made)
    return found


def _same_id(pick: Pick, of: Shop, old: Row, other: Row) -> Row:
    """Another row with the id of an old one: the same once more, at another time, near T also, with
    another value in one of its columns, with other properties, or different in all."""
    match pick.below(5):
        case 0:
            return old
        case 1:
            near = datetime_of(Instant(of.as_of + pick.one([-1, 0, 1])))
            return {**old, "happened_at": pick.one([other["happened_at"], near])}
        case 2:
            column = pick.one([column for column in old if column != "id"])
            return {**old, column: other[column]}
        case 3:
            return {**old, **{name: other[name] for name in other if name.startswith("c_")}}
        case _:
            return {**other, "id": old["id"]}


def _event_row(pick: Pick, of: Shop, name: str, number: int, before: Sequence[Row]) -> Row:
    row = {
        "customer_id": pick.one([*KEYS, *KEYS, *KEYS[:5], None, *STRANGERS]),
        "account_id": pick.one([1, 2, None]),
        "happened_at": None if pick.chance(40) else _moment(pick, of, of.past),
        # Ids sort otherwise as text than as numbers, and against the order of the rows.
        "id": 405 - number if number % 2 else 5 + number,
    }
    if before and pick.chance(6):  # another event of the same user and instant
        row |= {key: before[-1][key] for key in ("customer_id", "happened_at")}
    if pick.chance(12):
        row["id"] = None
    elif name == "view" and of.view_id == "string":
        row["id"] = ["é", "z", "Z", "a", ""][number % 5] + str(row["id"])
    if before and pick.chance(4):  # the same once more, at another time
        last = before[-1]
        return last | row | {"customer_id": last["customer_id"]}
    properties = PROPERTY_TYPES[name]
    return row | {f"c_{prop}": stored_value(pick, of, type_) for prop, type_ in properties.items()}
