"""The same value in several events: for how many values a predicate holds on the events with it."""

from collections.abc import Callable
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
    by = dict(leaf.by)
    seen = [(event, _value(event, by, subject)) for event in subject.events]
    values = dict.fromkeys(value for event, value in seen if _counts(event, subject))
    found = []
    for value in values:
        if value is not None:
            left = tuple(one for one, its in seen if one.event not in by or its == value)
            found.append((value, holds(leaf.where, replace(subject, events=left))))
    return found


def _counts(event: EventRow, subject: Subject) -> bool:
    return event.time is not None and event.time <= subject.context.as_of


def _value(event: EventRow, by: dict[str, str], subject: Subject) -> Value | None:
    return property_value(event, by[event.event], subject) if event.event in by else None
