"""The first or last matching event, with a condition on that very event."""

from collections.abc import Callable
from dataclasses import replace

from segflow.compiler.passes.walk import properties_in
from segflow.compiler.reference.properties import property_value
from segflow.compiler.values import Value
from segflow.compiler.worlds import EventRow, Subject, order_of_events
from segflow.model.predicate import Aggregate, EventHas, Predicate

Holds = Callable[[Predicate, Subject], bool]
Matching = Callable[[Aggregate, Subject], tuple[EventRow, ...]]


def event_has(leaf: EventHas, subject: Subject, matching: Matching, holds: Holds) -> bool:
    """There is a first, or last, matching event, and it satisfies the condition."""
    event = end_of(leaf, subject, matching)
    return event is not None and holds(leaf.has, replace(subject, event=event))


def end_of(leaf: EventHas, subject: Subject, matching: Matching) -> EventRow | None:
    """The event that is meant; None where none matches. Rows that nothing tells apart but their
    contents are ordered by the properties that are asked for, a missing value before all."""
    events = matching(leaf.aggregate, subject)
    if not events:
        return None
    end = order_of_events(events[0 if leaf.which == "first" else -1])
    tied = [event for event in events if order_of_events(event) == end]
    asked = properties_in(leaf.has, leaf.aggregate.events)

    def contents(event: EventRow) -> tuple[tuple[bool, Value], ...]:
        values = [property_value(event, name, subject) for name in asked]
        return tuple((value is not None, 0 if value is None else value) for value in values)

    return min(tied, key=contents) if leaf.which == "first" else max(tied, key=contents)
