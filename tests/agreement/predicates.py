"""Predicates about the users of a shop. Each leaf is drawn around a cell, by its form first, so
that rare forms are met as often as others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from segflow.model.operator import CountTest
from segflow.model.predicate import (
    Aggregate,
    EventHas,
    Everyone,
    FieldFeature,
    InSegment,
    Predicate,
    Test,
)
from segflow.model.types import ValueType
from tests.agreement.cells import Cell, cells_of, type_name
from tests.agreement.choices import Pick
from tests.agreement.forms import contacts, history, judged, keys, log, related
from tests.agreement.forms.features import (
    FIELD_FEATURES,
    aggregate,
    algebra,
    condition,
    event_where,
    of_type,
    other,
    properties_of,
    window,
)
from tests.agreement.forms.judged import EVENTS, Events
from tests.agreement.forms.operators import (
    INSTANT,
    Candidate,
    Keys,
    comparable,
    compared,
    count_test,
    fitting,
    in_order,
    tested,
)
from tests.agreement.shop import Shop, project, shop

Fits = Callable[[ValueType], bool]
Wishes = Callable[[Pick], Cell]
"""What leaves are to be about, one after another. A cell without a key or type leaves it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a leaf is drawn with: choices, its shop, the segments that it may rest on, predicates
    for its inside, and hints: the key and the type that are wished for, or ""."""

    pick: Pick
    of: Shop
    nested: Sequence[str]
    part: Callable[[], Predicate]
    key: str
    type: str

    def one(self, pool: Sequence[Candidate]) -> Candidate:
        """A feature of the pool, of the type that is wished for if there is one."""
        return self.pick.one(of_type(pool, self.type))

    def aggregate(self, kind: str, fits: Fits = lambda type_: True) -> Candidate:
        """An aggregate of a kind, of values of a type that fits."""

        def wished(type_: ValueType) -> bool:
            return fits(type_) and self.type in ("", type_name(type_))

        return aggregate(self.pick, self.of, (kind,), self.key, wished)

    def test(self, of: Candidate, allowed: Sequence[Keys] = ()) -> Test:
        """A test of a feature."""
        others = [*FIELD_FEATURES, other(self.pick, self.of)]
        return tested(self.pick, self.of, *of, others, self.key, allowed)

    def count(self, most: int = 3) -> CountTest:
        """A test of a number."""
        return count_test(self.pick, most, self.key)

    def where(self, events: Events) -> Predicate:
        """A condition on events."""
        return event_where(self.pick, self.of, events, 1)


KINDS = (
    *("sum", "avg", "min", "max", "mode", "first", "last", "count_distinct"),
    *("count", "first_time", "last_time"),
)
"""Of aggregates."""

# --- tests -----------------------------------------------------------------------------------


def _field(draw: Draw) -> Predicate:
    return draw.test(draw.one(FIELD_FEATURES))


def _value(kind: str, draw: Draw) -> Predicate:
    feature, type_ = draw.aggregate(kind)
    return draw.test((feature, type_), fitting(type_, INSTANT))


def _instant(kind: str, draw: Draw) -> Predicate:
    return draw.test(draw.aggregate(kind), INSTANT)


def _did(draw: Draw) -> Predicate:
    feature, _ = draw.aggregate("count")
    return Test(feature=feature, operators=(draw.pick.one([judged.SOME, draw.count()]),))


def _did_not(draw: Draw) -> Predicate:
    feature, _ = draw.aggregate("count")
    return Test(feature=feature, operators=(CountTest(op="exactly", count=0),))


def _count_distinct(draw: Draw) -> Predicate:
    feature, _ = draw.aggregate("count_distinct")
    return Test(feature=feature, operators=(draw.count(),))


def _algebra(head: str, draw: Draw) -> Predicate:
    return algebra(draw.pick, draw.part, head)


def _periods(draw: Draw) -> Predicate:
    return judged.periods(draw.pick, draw.where)


def _sequence(draw: Draw) -> Predicate:
    chosen = window(draw.pick, draw.of, draw.key)
    return judged.sequence(draw.pick, draw.where, chosen, draw.of.durations)


def _with_has(which: Literal["first", "last"], draw: Draw) -> Predicate:
    feature, _ = draw.aggregate("first_time")
    assert isinstance(feature, Aggregate)
    chosen = replace(feature, kind=which)
    return EventHas(which=which, aggregate=chosen, has=draw.where(feature.events))


# --- inside of events ------------------------------------------------------------------------


def _counted(draw: Draw, events: Events, where: Predicate) -> Predicate:
    """How often events with the condition happened, or whether the first of all was so."""
    chosen = Aggregate(kind="count", events=events, window=window(draw.pick, draw.of))
    if draw.pick.chance(4):
        return EventHas(which="first", aggregate=replace(chosen, kind="first"), has=where)
    counts = draw.pick.one([judged.SOME, judged.SOME, count_test(draw.pick, 3)])
    return Test(feature=replace(chosen, where=where), operators=(counts,))


def _algebra_in_where(head: str, draw: Draw) -> Predicate:
    events = draw.pick.one(EVENTS)
    where = algebra(draw.pick, lambda: event_where(draw.pick, draw.of, events, 0), head)
    return _counted(draw, events, where)


def _in_where(head: str, draw: Draw) -> Predicate:
    events = draw.pick.one(_having(draw.type) if head == "property" else EVENTS)
    where = condition(draw.pick, draw.of, events, head, draw.key, draw.type)
    return _counted(draw, events, where)


def _having(type_: str) -> Sequence[Events]:
    """The events with a property of the type."""
    return [events for events in EVENTS if of_type(properties_of(events), type_)]


# --- right sides -----------------------------------------------------------------------------


def _compared(draw: Draw, left: Sequence[Candidate], with_: Candidate) -> Test:
    """A feature of those on the left, compared with the one on the right."""
    feature, type_ = draw.pick.one([one for one in left if comparable(one[1], with_[1])])
    return Test(feature=feature, operators=(compared(draw.pick, type_, [with_]),))


def _aggregate_on_the_right(kind: str, draw: Draw) -> Predicate:
    of_lists = kind == "count_distinct"
    found = draw.aggregate(kind, lambda type_: of_lists or not type_.is_list)
    return _compared(draw, FIELD_FEATURES, found)


def _field_on_the_right(draw: Draw) -> Predicate:
    return _compared(draw, FIELD_FEATURES, draw.one(SINGLE_FIELDS))


def _property_on_the_right(draw: Draw) -> Predicate:
    events = draw.pick.one(_having(draw.type))
    single = [one for one in properties_of(events) if not one[1].is_list]
    where = _compared(draw, [*single, *SINGLE_FIELDS], draw.one(single))
    return _counted(draw, events, where)


SINGLE_FIELDS = [one for one in FIELD_FEATURES if not one[1].is_list]
RANKED_FIELDS = [one for one in FIELD_FEATURES if in_order(one[1])]

# --- ranks and the past ----------------------------------------------------------------------


def _rank(kinds: Sequence[str], draw: Draw) -> Predicate:
    """A rank by an aggregate of one of the kinds, or by a field."""
    kind = draw.pick.one(kinds)
    of_any = kind == "count_distinct"
    feature, _ = (
        draw.one(RANKED_FIELDS)
        if kind == "field"
        else draw.aggregate(kind, lambda type_: of_any or in_order(type_))
    )
    return judged.rank(draw.pick, [feature], draw.part)


def _held_field(draw: Draw) -> Predicate:
    feature, type_ = draw.one(PAST_FIELDS)
    return history.held(draw.pick, draw.test((feature, type_)), draw.of.literals(type_))


def _changed(draw: Draw) -> Predicate:
    feature, type_ = draw.one(PAST_FIELDS)
    assert isinstance(feature, FieldFeature)
    return history.changed(draw.pick, feature.field, draw.of.literals(type_))


PAST_FIELDS: Sequence[Candidate] = [
    (FieldFeature(field=name), type_) for name, type_ in history.TYPES.items()
]


def _held(draw: Draw) -> Predicate:
    return log.held(draw.pick, draw.nested) if draw.pick.chance(2) else _held_field(draw)


# --- others ----------------------------------------------------------------------------------


def _of_account(draw: Draw) -> Predicate:
    def test(feature: FieldFeature, type_: ValueType) -> Test:
        return tested(draw.pick, draw.of, feature, type_, [(feature, type_)])

    return related.of_account(draw.pick, draw.part, test, draw.count)


FORMS: Mapping[str, Callable[[Draw], Predicate]] = {
    "field": _field,
    **{
        kind: partial(_value, kind)
        for kind in ("sum", "avg", "min", "max", "mode", "first", "last")
    },
    **{kind: partial(_instant, kind) for kind in ("first_time", "last_time")},
    "did": _did,
    "did_not": _did_not,
    "count_distinct": _count_distinct,
    "first with has": partial(_with_has, "first"),
    "last with has": partial(_with_has, "last"),
    **{head: partial(_algebra, head) for head in ("all", "any", "none", "not")},
    "everyone": lambda draw: Everyone(),
    "in_file": lambda draw: keys.in_file(draw.pick),
    "sample": lambda draw: keys.sample(draw.pick),
    "sql": lambda draw: keys.query(draw.pick),
    "consent": lambda draw: contacts.consent(draw.pick),
    "reachable": lambda draw: contacts.reachable(draw.pick),
    **dict.fromkeys(("did with periods", "periods"), _periods),
    **dict.fromkeys(("sequence", "did in sequence", "did_not in sequence"), _sequence),
    "same": lambda draw: judged.same(draw.pick, draw.part),
    "property in where": partial(_in_where, "property"),
    "field in where": partial(_in_where, "field"),
    **{
        f"{head} in where": partial(_algebra_in_where, head)
        for head in ("all", "any", "none", "not")
    },
    "field on the right": _field_on_the_right,
    "property on the right": _property_on_the_right,
    **{f"{kind} on the right": partial(_aggregate_on_the_right, kind) for kind in KINDS},
    "rank": partial(_rank, ("avg", "sum", "field", "avg", "count", "max", "mode", "last_time")),
    **{f"{kind} in rank": partial(_rank, (kind,)) for kind in ("field", *KINDS)},
    "held": _held,
    "field in held": _held_field,
    "segment in held": lambda draw: log.held(draw.pick, draw.nested),
    "changed": _changed,
    "segment": lambda draw: InSegment(
        segment=draw.pick.one(draw.nested), snapshot=draw.pick.chance(3)
    ),
    "entered": lambda draw: log.transition(draw.pick, "entered", draw.nested),
    "exited": lambda draw: log.transition(draw.pick, "exited", draw.nested),
    "via": lambda draw: related.via(draw.pick, partial(_of_account, draw)),
    "members": lambda draw: related.members(
        draw.pick, "account", partial(_of_account, draw), draw.count
    ),
}
"""How a leaf of each form is drawn, all of them as often. The first is what examples shrink to."""
OF_SEGMENTS = ("held", "segment in held", "segment", "entered", "exited")
"""The forms that need another segment."""


def any_form(pick: Pick) -> Cell:
    """A wish for any form, with whatever key and type."""
    return Cell(pick.one(NAMES))


NAMES = list(FORMS)
ATTEMPTS = 2_000
DECLARED = project(shop(Pick(())), ())
"""Types are the same in every shop."""


def predicate(
    pick: Pick, of: Shop, nested: Sequence[str], depth: int, wishes: Wishes = any_form
) -> Predicate:
    """A predicate about a user; `nested` names the segments that it may rest on."""

    def part() -> Predicate:
        return predicate(pick, of, nested, depth - 1, wishes if depth > 0 else any_form)

    if depth > 0 and pick.below(5) < depth:
        return algebra(pick, part)
    return leaf(pick, of, nested, wishes(pick))


def leaf(pick: Pick, of: Shop, nested: Sequence[str], wish: Cell) -> Predicate:
    """A leaf in the cell that is wished for. Raises LookupError where none is drawn that is."""
    form = "field" if wish.form in OF_SEGMENTS and not nested else wish.form
    draw = Draw(
        pick=pick,
        of=of,
        nested=nested,
        part=lambda: predicate(pick, of, nested, 0),
        key=wish.key,
        type=wish.type,
    )
    for _ in range(ATTEMPTS):
        made = FORMS[form](draw)
        if wish == Cell(wish.form) or wish in cells_of(made, "customer", DECLARED):
            return made
    raise LookupError(f"no leaf is drawn for {wish}")
