"""Normalise: one shape for equal meanings, so that later passes and evaluators know fewer shapes.

Nested lists are flattened, `none` is not-any, double negation goes, counts are at_least, at_most
or exactly, and a sample without a salt is given the name of the object it stands in. Order is kept,
since people read explanations in the order in which they wrote.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from segflow.compiler.passes.draft import Draft
from segflow.model.catalog import Entity, Field
from segflow.model.operator import (
    Ahead,
    Among,
    Anniversary,
    Between,
    CountTest,
    InLast,
    InNext,
    ListMatch,
    MomentTest,
    OlderThan,
    OnCalendar,
)
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Compare,
    EventHas,
    Feature,
    Held,
    Members,
    NoneOf,
    Not,
    Operator,
    Periods,
    Predicate,
    Rank,
    Same,
    Sample,
    Scaled,
    Sequence,
    Step,
    Test,
    Via,
)
from segflow.model.scalar import Const
from segflow.model.types import DATE
from segflow.model.window import Ago, Fixed, Window, Within


def normalize(draft: Draft) -> Draft:
    """Give every segment, audience and entity its normal shape."""
    return replace(
        draft,
        wheres={name: _predicate(where, name) for name, where in draft.wheres.items()},
        audiences={name: _predicate(where, name) for name, where in draft.audiences.items()},
        entities={name: _entity(entity) for name, entity in draft.entities.items()},
    )


def normal(predicate: Predicate, salt: str) -> Predicate:
    """The normal shape of a typed predicate that stands in the object called `salt`."""
    return _predicate(predicate, salt)


def _entity(entity: Entity) -> Entity:
    population = entity.population
    if population.where is not None:
        population = replace(population, where=_predicate(population.where, entity.name))
    fields = tuple(_field(field, entity.name) for field in entity.fields)
    return replace(entity, population=population, fields=fields)


def _field(field: Field, salt: str) -> Field:
    return field if field.derived is None else replace(field, derived=_feature(field.derived, salt))


# --- predicates ------------------------------------------------------------------------------


def _predicate(node: Predicate, salt: str) -> Predicate:
    match node:
        case Test():
            return _test(node, salt)
        case All(items=items):
            return _one_or(All, _distinct(_flat(All, items, salt)))
        case AnyOf(items=items):
            return _one_or(AnyOf, _distinct(_flat(AnyOf, items, salt)))
        case NoneOf(items=items):
            return _not(_one_or(AnyOf, _distinct(_flat(AnyOf, items, salt))))
        case Not(item=item):
            return _not(_predicate(item, salt))
        case Via(where=where):
            return replace(node, where=_predicate(where, salt))
        case Members(where=where, counts=counts):
            return replace(node, where=_predicate(where, salt), counts=tuple(map(_count, counts)))
        case Held(item=item):
            return replace(node, item=_predicate(item, salt))
        case Sample(salt=None):
            return replace(node, salt=salt)
        case _:
            return _over_events(node, salt)


def _over_events(node: Predicate, salt: str) -> Predicate:
    """A leaf that is judged over rows of its own, in its normal shape."""
    match node:
        case Periods(aggregate=aggregate, counts=counts, holds=holds):
            return replace(
                node,
                aggregate=_aggregate(aggregate, salt),
                counts=tuple(map(_count, counts)),
                holds=tuple(map(_count, holds)),
            )
        case EventHas(aggregate=aggregate, has=has):
            return replace(node, aggregate=_aggregate(aggregate, salt), has=_predicate(has, salt))
        case Sequence(steps=steps, window=window, by=by):
            return replace(
                node,
                steps=tuple(_step(step, salt) for step in steps),
                window=None if window is None else _window(window),
                by=tuple(sorted(by)),
            )
        case Same(by=by, where=where, counts=counts):
            return Same(
                by=tuple(sorted(by)),
                where=_predicate(where, salt),
                counts=tuple(map(_count, counts)),
            )
        case Rank(feature=feature, among=among):
            among = None if among is None else _predicate(among, salt)
            return replace(node, feature=_feature(feature, salt), among=among)
        case _:
            return node


def _step(step: Step, salt: str) -> Step:
    where = None if step.where is None else _predicate(step.where, salt)
    return replace(step, events=tuple(sorted(set(step.events))), where=where)


def _flat(
    kind: type[All] | type[AnyOf], items: tuple[Predicate, ...], salt: str
) -> Iterator[Predicate]:
    for item in items:
        normal = _predicate(item, salt)
        if isinstance(normal, kind):
            yield from normal.items
        else:
            yield normal


def _distinct(items: Iterator[Predicate]) -> tuple[Predicate, ...]:
    return tuple(dict.fromkeys(items))


def _one_or(kind: type[All] | type[AnyOf], items: tuple[Predicate, ...]) -> Predicate:
    return items[0] if len(items) == 1 else kind(items=items)


def _not(item: Predicate) -> Predicate:
    return item.item if isinstance(item, Not) else Not(item=item)


def _test(test: Test, salt: str) -> Test:
    feature = _feature(test.feature, salt)
    operators = tuple(_operator(operator, salt) for operator in test.operators)
    user_zone = test.user_zone and any(map(_is_of_time, operators))
    same = feature is test.feature and operators == test.operators
    if same and user_zone == test.user_zone:
        return test
    return replace(test, feature=feature, operators=operators, user_zone=user_zone)


def _is_of_time(operator: Operator) -> bool:
    """Whether a zone may matter to the operator."""
    match operator:
        case MomentTest() | InLast() | OlderThan() | InNext() | Ahead() | Anniversary():
            return True
        case OnCalendar():
            return True
        case Compare(right=right):
            return _is_date(right)
        case Among(values=values):
            return any(map(_is_date, values))
        case Between(low=low, high=high):
            return _is_date(low) or _is_date(high)
        case _:
            return False


def _is_date(operand: object) -> bool:
    return isinstance(operand, Const) and operand.type == DATE


# --- features and operators ------------------------------------------------------------------


def _feature(feature: Feature, salt: str) -> Feature:
    return _aggregate(feature, salt) if isinstance(feature, Aggregate) else feature


def _aggregate(feature: Aggregate, salt: str) -> Aggregate:
    events = feature.events
    if len(events) > 1:
        events = tuple(sorted(set(events)))
    window = None if feature.window is None else _window(feature.window)
    where = None if feature.where is None else _predicate(feature.where, salt)
    if events == feature.events and window == feature.window and where is feature.where:
        return feature
    return replace(feature, events=events, window=window, where=where)


def _window(window: Window) -> Window | None:
    match window:
        case Ago(start=None, end=None) | Fixed(since=None, until=None):
            return None
        case Ago(start=start, end=None) if start is not None:
            return Within(duration=start)
        case _:
            return window


def _operator(operator: Operator, salt: str) -> Operator:
    match operator:
        case CountTest():
            return _count(operator)
        case Among(values=values):
            return replace(operator, values=_sorted(values))
        case ListMatch(values=values):
            return replace(operator, values=_sorted(values))
        case Compare(right=Scaled(feature=feature) as right):
            normal = _feature(feature, salt)
            if normal is feature:
                return operator
            return replace(operator, right=replace(right, feature=normal))
        case _:
            return operator


def _count(test: CountTest) -> CountTest:
    match test.op:
        case "more_than":
            return CountTest(op="at_least", count=test.count + 1)
        case "fewer_than":
            return CountTest(op="at_most", count=test.count - 1)
        case "at_least" | "at_most" | "exactly":
            return test
        case _:
            assert_never(test.op)


def _sorted(values: tuple[object, ...]) -> tuple[Const, ...]:
    """Each constant once, in the order of their values; they are of one type, save that dates may
    stand among instants."""
    typed = {value for value in values if isinstance(value, Const)}
    return tuple(sorted(typed, key=lambda value: (value.type.name, value.value)))
