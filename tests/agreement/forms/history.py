"""Fields with a history: their catalog, rows for it, and leaves that ask what was so before."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from segflow.model.catalog import Field, History, Location
from segflow.model.duration import Duration, parse_duration
from segflow.model.operator import Ahead, Anniversary, InLast, InNext, OlderThan, OnCalendar
from segflow.model.predicate import Changed, Compare, Held, Scaled, Test
from segflow.model.scalar import Text
from segflow.model.types import ValueType, parse_type
from tests.agreement.choices import Pick

TABLE = "records"
TYPES: Mapping[str, ValueType] = {
    name: parse_type(text)
    for name, text in {
        "tier": "string",
        "level": "integer",
        "worth": "decimal(18,2)",
        "mood": "float",
        "member": "boolean",
        "renews": "timestamp",
        "wed": "date",
        "build": "version",
        "labels": "list<string>",
        "marks": "list<integer>",
    }.items()
}
FOR = [parse_duration(text) for text in ("1h", "1d", "7d", "30d", "1mo", "1y")]
_MOVING = (InLast, OlderThan, InNext, Ahead, OnCalendar)


def fields() -> tuple[Field, ...]:
    """The fields of which it is known what they were."""
    return tuple(
        Field(
            name=name,
            type=type_,
            at=(Location(source="shop", table="people", key="customer_id", column=f"c_{name}"),),
            history=History(
                source="shop", table=TABLE, key="customer_id", time="at", column=f"c_{name}"
            ),
        )
        for name, type_ in TYPES.items()
    )


def rows(
    pick: Pick,
    keys: Sequence[int | None],
    moment: Callable[[], datetime],
    value: Callable[[ValueType], Any],
) -> list[Mapping[str, Any]]:
    """Rows of the history in no order, some at one instant, some without a time; some keys have
    none."""
    found: list[Mapping[str, Any]] = []
    for _ in range(pick.one([70, 50, 30, 0])):
        row = {"customer_id": pick.one(keys), "at": None if pick.chance(30) else moment()}
        if found and pick.chance(6):
            row = {name: found[-1][name] for name in ("customer_id", "at")}
        row |= {f"c_{name}": value(type_) for name, type_ in TYPES.items()}
        found.append(row)
    return found


def changed(pick: Pick, name: str, literals: Sequence[str]) -> Changed:
    """A field that became another, from and to values of which these are some; of a list any."""
    named = [] if TYPES[name].is_list else [Text(text=text) for text in literals]
    texts = [*[None] * (1 + 3 * len(named)), *named]
    in_last: Sequence[Duration | None] = [None, *FOR, *FOR[3:]]
    return Changed(field=name, old=pick.one(texts), new=pick.one(texts), in_last=pick.one(in_last))


def held(pick: Pick, test: Test, literals: Sequence[str]) -> Held:
    """A test of a field that has held; one that moves with time is of a value instead."""
    if any(map(_moves, test.operators)):
        right = Text(text=pick.one(literals))
        operators = (Compare(op=pick.one(["ne", "eq"]), right=right),)  # type: ignore[arg-type]
        test = Test(feature=test.feature, operators=operators, user_zone=test.user_zone)
    return Held(item=test, for_=pick.one(FOR))


def _moves(operator: object) -> bool:
    if isinstance(operator, Compare):
        return isinstance(operator.right, Scaled)
    of_today = isinstance(operator, Anniversary) and operator.month is None
    return of_today or isinstance(operator, _MOVING)
