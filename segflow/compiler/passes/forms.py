"""Typecheck of the forms that are more than a test: what is inside of them, and what fits there."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from segflow.compiler.codes import MISFIT, MISPLACED
from segflow.compiler.passes.slots import Scope, Slot
from segflow.model.duration import Duration
from segflow.model.predicate import (
    Aggregate,
    EventHas,
    Feature,
    Periods,
    Predicate,
    Rank,
    Same,
    Sequence,
    Step,
)
from segflow.model.project import KeyPath
from segflow.model.types import UNREAD, ValueType

OfPredicate = Callable[[Predicate, KeyPath, Scope], Predicate]
OfFeature = Callable[[Feature, KeyPath, Scope], tuple[Feature, Slot | None]]


def typed_form(
    node: Predicate, path: KeyPath, scope: Scope, predicate: OfPredicate, feature: OfFeature
) -> Predicate:
    """The form with all inside of it typed; a node that is none of them as it is."""
    match node:
        case Periods(aggregate=aggregate):
            return replace(node, aggregate=_chosen(aggregate, path, scope, predicate))
        case EventHas(aggregate=aggregate, has=has):
            inside = scope._replace(events=aggregate.events)
            return replace(
                node,
                aggregate=_chosen(aggregate, path, scope, predicate),
                has=predicate(has, (*path, "has"), inside),
            )
        case Sequence():
            return _sequence(node, path, scope, predicate)
        case Same(by=by, where=where):
            _tied(by, (*path, "same"), scope)
            return replace(node, where=predicate(where, (*path, "where"), scope))
        case Rank():
            return _rank(node, path, scope, predicate, feature)
        case _:
            return node


def _chosen(aggregate: Aggregate, path: KeyPath, scope: Scope, predicate: OfPredicate) -> Aggregate:
    """An aggregate that only chooses events, with its `where` typed."""
    if aggregate.where is None:
        return aggregate
    inside = scope._replace(events=aggregate.events)
    return replace(aggregate, where=predicate(aggregate.where, (*path, "where"), inside))


# --- sequences -------------------------------------------------------------------------------


def _sequence(node: Sequence, path: KeyPath, scope: Scope, predicate: OfPredicate) -> Predicate:
    _exact(node.span, (*path, "span"), scope)
    steps = []
    for number, step in enumerate(node.steps):
        here: KeyPath = (*path, "sequence", number)
        _exact(step.max_gap, (*here, "max_gap"), scope)
        _exact(step.for_, (*here, "for"), scope)
        if step.where is not None:
            inside = scope._replace(events=step.events)
            step = replace(step, where=predicate(step.where, (*here, "where"), inside))
        steps.append(step)
    if node.by:
        _tied(node.by, (*path, "by"), scope)
        _all_tied(node, path, scope)
    return replace(node, steps=tuple(steps))


def _exact(duration: Duration | None, path: KeyPath, scope: Scope) -> None:
    """Report a distance between two events that has no fixed length."""
    if duration is not None and duration.milliseconds is None:
        days = duration.count * (30 if duration.unit == "mo" else 365)
        scope.complain(
            MISFIT,
            path,
            f"{duration} is of no fixed length, and a distance between events is",
            f"write {days}d",
        )


def _all_tied(node: Sequence, path: KeyPath, scope: Scope) -> None:
    """Report events that `by` leaves out, and those that no step is about."""
    named, used = dict(node.by), dict.fromkeys(_events(node.steps))
    for event in used:
        if event not in named:
            scope.complain(
                MISPLACED,
                (*path, "by"),
                f"`by` does not say which property of event {event} ties it to the others",
                f"add {event} and its property",
            )
    for event in named:
        if event not in used:
            summary = f"`by` names event {event}, and no step is about it"
            scope.complain(MISPLACED, (*path, "by", event), summary, f"remove {event}", key=True)


def _events(steps: Iterable[Step]) -> Iterable[str]:
    return (event for step in steps for event in step.events)


def _tied(by: tuple[tuple[str, str], ...], path: KeyPath, scope: Scope) -> None:
    """Report properties that can't have one value in common."""
    found: dict[str, ValueType] = {}
    for event, name in by:
        declared = scope.draft.index.properties.get(event, {}).get(name)
        if declared is None or declared.type == UNREAD:
            continue
        if declared.type.is_list:
            summary = f"property {name} of event {event} is a list and ties nothing"
            scope.complain(MISFIT, (*path, event), summary, "name a property with one value")
            continue
        found[event] = declared.type
    if len(set(found.values())) > 1:
        kinds = ", ".join(f"{type_} in {event}" for event, type_ in found.items())
        scope.complain(MISFIT, path, f"values of one type are tied, and these are {kinds}")


# --- ranks -----------------------------------------------------------------------------------


def _rank(
    node: Rank, path: KeyPath, scope: Scope, predicate: OfPredicate, feature: OfFeature
) -> Predicate:
    here = (*path, "rank")
    typed, slot = feature(node.feature, here, scope)
    if slot is not None and (slot.type.is_list or slot.type.name == "boolean"):
        scope.complain(
            MISFIT,
            here,
            f"{slot.name} is of type {slot.type}, which puts users in no order",
            "rank by a number, a text, a date or an instant",
        )
    among = None if node.among is None else predicate(node.among, (*path, "among"), scope)
    return replace(node, feature=typed, among=among)
