"""The properties of events as values."""

from segflow.compiler.values import Value, value_of
from segflow.compiler.worlds import EventRow, NotSupportedError, Subject


def property_value(event: EventRow | None, name: str, subject: Subject) -> Value | None:
    """The value of a property of an event; None is missing."""
    if event is None:
        raise NotSupportedError(f"property {name} stands outside of an event's where")
    described = subject.context.compiled.project.event(event.event)
    declared = described.property_named(name) if described else None
    if declared is None:
        raise NotSupportedError(f"event {event.event} has no property {name}")
    return value_of(event.properties.get(name), declared.type)
