"""Operators on values of every type: which keys fit a type, and an operator for a key."""

from collections.abc import Sequence
from decimal import Decimal

from segflow.model.operator import (
    Ahead,
    Among,
    Anniversary,
    Between,
    CountOp,
    CountTest,
    Exists,
    InLast,
    InNext,
    ListMatch,
    MomentTest,
    OlderThan,
    OnCalendar,
    TextMatch,
)
from segflow.model.predicate import Compare, Feature, Operator, Scaled, Size, Test
from segflow.model.scalar import DatePoint, InstantPoint, Moment, Text
from segflow.model.types import ValueType
from tests.agreement.cells import COMPARING, OTHER
from tests.agreement.choices import Pick
from tests.agreement.forms import zones
from tests.agreement.rows import by_value
from tests.agreement.shop import Shop

Candidate = tuple[Feature, ValueType]
Keys = Sequence[str]

EQUAL = ("eq", "ne")
AMONG = ("in", "not_in")
TEXT = ("contains", "starts_with", "ends_with", "matches")
INSTANT: Sequence[Keys] = (
    *[("before", "after", "in_last", "older_than")] * 3,
    ("in_next", "ahead", "anniversary", "anniversary"),
)
STORED_INSTANT: Sequence[Keys] = (
    *[("before", "after", "since", "until", "in_last", "older_than", "calendar")] * 3,
    ("in_next", "ahead", "anniversary", "anniversary"),
)
"""Of stored values also what chooses events elsewhere. What is yet to come is rare in the data."""
LIST = ("has_any", "has_all", "has_none")
COUNT_OPS: tuple[CountOp, ...] = ("at_least", "at_most", "exactly", "more_than", "fewer_than")

PATTERNS = ["^a", "b$", "a.b", "(?s)a.b", "[A-Z]", "^$", "(?i)É", r"\w", "^a|b$", "(?i)k", "."]
FACTORS = [Decimal(text) for text in ("0.5", "1.2", "-1", "3", "0", "0.3333")]
ANNIVERSARIES = [
    Anniversary(),
    Anniversary(start_days=-7, end_days=7),
    Anniversary(month=2, day=28),
    Anniversary(month=2, day=29),
]


def fitting(type_: ValueType, instants: Sequence[Keys] = STORED_INSTANT) -> Sequence[Keys]:
    """The keys that fit a type, in groups of which each is drawn as often; those of `instants` fit
    dates and timestamps."""
    if type_.is_list:
        return (*[LIST] * 4, ("size",), ("exists",))
    if type_.name == "boolean":
        return (*[EQUAL, EQUAL, AMONG, (OTHER,)] * 2, ("exists",))
    more: Sequence[Keys] = (("between",), COMPARING)
    if type_.is_time:
        more = (("between",), *instants)
    elif type_.name == "string":
        more = (("between",), *[TEXT] * 3)
    return (*[COMPARING, COMPARING, AMONG, (OTHER,), *more] * 2, ("exists",))


def operator(
    pick: Pick,
    of: Shop,
    type_: ValueType,
    others: Sequence[Candidate],
    key: str = "",
) -> Operator:
    """An operator for values of the type, of that key or, for "", of one that fits; `others` are
    what may stand on the right."""
    key = key or pick.one(pick.one(fitting(type_)))
    literals = [Text(text=text) for text in of.literals(type_)]
    match key:
        case "in" | "not_in":
            return Among(values=tuple(pick.some(literals, 3)), negated=key == "not_in")
        case "between":
            one, other = pick.one(literals), pick.one(literals)
            low, high = sorted((one, other), key=lambda text: by_value(text.text, type_))
            return Between(low=low, high=high)
        case "exists":
            return Exists(expected=pick.chance(2))
        case "contains" | "starts_with" | "ends_with" | "matches":
            pool = PATTERNS if key == "matches" else of.scalars["string"]
            return TextMatch(op=key, text=pick.one(pool))
        case "has_any" | "has_all" | "has_none":
            return ListMatch(op=key, values=tuple(pick.some(literals, 3)))
        case "size":
            count = Text(text=str(pick.below(4)))
            return Size(tests=(Compare(op=pick.one(COMPARING), right=count),))
        case "eq" | "ne" | "gt" | "gte" | "lt" | "lte":
            return Compare(op=key, right=pick.one(literals))
        case _ if key == OTHER:
            return compared(pick, type_, others)
        case _:
            return time_operator(pick, of, key)


def tested(
    pick: Pick,
    of: Shop,
    feature: Feature,
    type_: ValueType,
    others: Sequence[Candidate],
    key: str = "",
    allowed: Sequence[Keys] = (),
) -> Test:
    """One or two operators on a feature, of keys that are allowed, or else of those that fit; the
    first of that key, if it is one of an operator."""
    allowed = allowed or fitting(type_)
    drawn = [pick.one(pick.one(allowed)) for _ in range(1 + pick.chance(5))]
    if any(key in group for group in allowed):
        drawn[0] = key
    found = [operator(pick, of, type_, others, one) for one in dict.fromkeys(drawn)]
    folds = type_.name == "string" and not any(
        isinstance(each, TextMatch) and each.op == "matches" for each in found
    )
    test = Test(
        feature=feature,
        operators=tuple(found),
        ignore_case=folds and (key == "ignore_case" or pick.chance(2)),
    )
    return zones.in_users_zone(pick, test, type_)


def compared(pick: Pick, left: ValueType, others: Sequence[Candidate]) -> Compare:
    """A comparison of a value of that type with another feature."""
    feature, type_ = pick.one([found for found in others if comparable(left, found[1])])
    exact = type_.name in ("integer", "decimal")
    right = Scaled(feature=feature, times=pick.one([None, *FACTORS]) if exact else None)
    return Compare(op=pick.one(EQUAL if left.name == "boolean" else COMPARING), right=right)


def comparable(left: ValueType, right: ValueType) -> bool:
    """Whether values of the types compare with each other."""
    exact = ("integer", "decimal")
    same = left.name == right.name or (left.name in exact and right.name in exact)
    return same and not left.is_list and not right.is_list


def in_order(type_: ValueType) -> bool:
    """Whether values of the type are greater and smaller."""
    return not type_.is_list and type_.name != "boolean"


def moment(pick: Pick, of: Shop) -> Moment:
    """A point in time: an instant or a date."""
    if pick.chance(3):
        return DatePoint(date=pick.one(of.days))
    return InstantPoint(instant=pick.one(of.edges))


def time_operator(pick: Pick, of: Shop, key: str) -> Operator:
    """A test of an instant or a date. Raises KeyError for a key that is none."""
    match key:
        case "before" | "after" | "since" | "until":
            return MomentTest(op=key, moment=moment(pick, of))
        case "in_last":
            return InLast(duration=pick.one(of.durations))
        case "older_than":
            return OlderThan(duration=pick.one(of.durations))
        case "in_next":
            return InNext(duration=pick.one(of.durations))
        case "ahead":
            return Ahead(start=pick.one([None, *of.durations]), end=pick.one([*of.durations, None]))
        case "calendar":
            return OnCalendar(span=pick.one(of.spans))
        case "anniversary":
            return pick.one(ANNIVERSARIES)
        case _:
            raise KeyError(f"no operator is drawn for {key}")


def count_test(pick: Pick, most: int, key: str = "") -> CountTest:
    """A test of a number of things, up to `most`."""
    ops = [op for op in COUNT_OPS if key in ("", op)] or COUNT_OPS
    return CountTest(op=pick.one(ops), count=pick.below(most + 1))
