"""The same value in several events: for how many values a predicate holds on the events with it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from segflow.compiler.reference.periods import passes
from segflow.compiler.reference.properties import property_value
from segflow.compiler.values import Value
from segflow.compiler.worlds import EventRow, Subject
from segflow.model.predicate import Predicate, Same

Holds = Callable[[Predicate, Subject], bool]


def same_holds(leaf: Same, subject: Subject, holds: Holds) -> bool:
    """As many values as the leaf says make its predicate true."""
    held = sum(holding for _, holding in same_values(leaf, subject, holds))
    return passes(leaf.counts, held)


def same_values(leaf: Same, subject: Subject, holds: Holds) -> list[tuple[Value, bool]]:
    """The user's values in those events, each with whether the predicate holds where of these
    events only those with the value are there."""
    as_of = subject.context.as_of
    there = [event for event in subject.events if event.time is not None and event.time <= as_of]
    return [
        (value, holds(leaf.where, with_value(leaf, value, subject)))
        for value in values_in(leaf, there, subject)
    ]


def values_in(leaf: Same, events: Iterable[EventRow], subject: Subject) -> list[Value]:
    """The values of the tied properties in some of the user's events, each once."""
    by = dict(leaf.by)
    values = dict.fromkeys(_value(event, by, subject) for event in events)
    return [value for value in values if value is not None]


def with_value(leaf: Same, value: Value, subject: Subject) -> Subject:
    """The user with only those of the tied events that have the value."""
    by = dict(leaf.by)
    left = (
        one for one in subject.events if one.event not in by or _value(one, by, subject) == value
    )
    return replace(subject, events=tuple(left))


def _value(event: EventRow, by: dict[str, str], subject: Subject) -> Value | None:
    return property_value(event, by[event.event], subject) if event.event in by else None
