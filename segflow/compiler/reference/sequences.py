"""Sequences, by a plain search over all ways to choose an event for every step that happens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from segflow.compiler.reference.properties import property_value
from segflow.compiler.timeline import Bounds, window_bounds
from segflow.compiler.values import Value
from segflow.compiler.worlds import EventRow, NotSupportedError, Subject
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate, Sequence, Step
from segflow.model.window import Window, Within

Matching = Callable[[Aggregate, Subject], tuple[EventRow, ...]]

Found = tuple[Instant, ...]
"""An instant for every step that happens, in their order."""


def sequence_holds(leaf: Sequence, subject: Subject, matching: Matching) -> bool:
    """There is a way to choose."""
    return sequence_found(leaf, subject, matching) is not None


def sequence_found(leaf: Sequence, subject: Subject, matching: Matching) -> Found | None:
    """The first way to choose that is found; None where there is none."""
    every = [_instants(step, leaf, subject, matching) for step in leaf.steps]
    for value in _values(every, leaf):
        found = _Search(
            leaf=leaf,
            instants=[[at for at, its in found if its == value] for found in every],
            as_of=subject.context.as_of,
        ).found()
        if found is not None:
            return found
    return None


def step_instants(
    leaf: Sequence, subject: Subject, matching: Matching
) -> Iterator[tuple[Step, list[Instant]]]:
    """Every step with the instants at which an event of it happened, whatever its value of `by`."""
    for step in leaf.steps:
        yield step, [at for at, _ in _instants(step, leaf, subject, matching)]


def _instants(
    step: Step, leaf: Sequence, subject: Subject, matching: Matching
) -> list[tuple[Instant, Value | None]]:
    """The instants of a step's events with their values of `by`; an event without its value is tied
    to nothing. Absence looks outside of the window."""
    windows: list[Window | None] = [] if step.absent else [leaf.window]
    if step.in_last is not None:
        windows.append(Within(duration=step.in_last))
    zone = subject.zone(leaf.user_zone)
    bounds = [window_bounds(window, subject.context.as_of, zone) for window in windows]
    aggregate = Aggregate(kind="count", events=step.events, where=step.where)
    found = []
    for event in matching(aggregate, subject):
        value = _tied(event, leaf, subject)
        if _inside(event.time, bounds) and (value is not None or not leaf.by):
            found.append((Instant(event.time or 0), value))
    return found


def _inside(time: Instant | None, bounds: list[Bounds]) -> bool:
    return time is not None and all(time in one for one in bounds)


def _tied(event: EventRow, leaf: Sequence, subject: Subject) -> Value | None:
    name = dict(leaf.by).get(event.event)
    return None if name is None else property_value(event, name, subject)


def _values(
    every: list[list[tuple[Instant, Value | None]]], leaf: Sequence
) -> tuple[Value | None, ...]:
    """What the steps may be tied to."""
    if not leaf.by:
        return (None,)
    return tuple(dict.fromkeys(value for found in every for _, value in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """A search for instants of the steps that happen, among those at which each step's event did,
    all tied to one value."""

    leaf: Sequence
    instants: list[list[Instant]]
    as_of: Instant

    def found(self) -> Found | None:
        """The first that is found."""
        return next(self._from(0, ()), None)

    def _from(self, number: int, chosen: Found) -> Iterator[Found]:
        """Every way to choose for the steps from that number on."""
        if number == len(self.leaf.steps):
            if self._in_span(chosen) and self._nothing_after(chosen[-1]):
                yield chosen
            return
        step = self.leaf.steps[number]
        if step.absent:
            yield from self._from(number + 1, chosen)
            return
        for at in self.instants[number]:
            if self._may_follow(number, at, chosen):
                yield from self._from(number + 1, (*chosen, at))

    def _may_follow(self, number: int, at: Instant, chosen: Found) -> bool:
        """Whether the step may be at that instant after those that are chosen."""
        step = self.leaf.steps[number]
        before = chosen[-1] if chosen else None
        if before is not None:
            if at <= before:
                return False
            if step.max_gap is not None and at - before > _length(step.max_gap):
                return False
        return all(
            not any(_is_lacking(absent, before, at, one) for one in self.instants[place])
            for place, absent in self._absences_before(number)
        )

    def _absences_before(self, number: int) -> Iterator[tuple[int, Step]]:
        """The absences between this step and the one before it that happens."""
        for place in range(number - 1, -1, -1):
            if not self.leaf.steps[place].absent:
                return
            yield place, self.leaf.steps[place]

    def _in_span(self, chosen: Found) -> bool:
        span = self.leaf.span
        return span is None or chosen[-1] - chosen[0] <= _length(span)

    def _nothing_after(self, last: Instant) -> bool:
        """Of every absence after the last step: its time is over, and nothing happened in it."""
        for place, absent in self._absences_before(len(self.leaf.steps)):
            end = last + _length(absent.for_)
            if end > self.as_of or any(last < at <= end for at in self.instants[place]):
                return False
        return True


def _is_lacking(absent: Step, before: Instant | None, at: Instant, one: Instant) -> bool:
    """Whether an event at `one` lies where it must not: in [at - for, at), or without `for` between
    both steps."""
    if absent.for_ is not None:
        return at - _length(absent.for_) <= one < at
    return before is not None and before < one < at


def _length(duration: Duration | None) -> int:
    if duration is None or duration.milliseconds is None:
        raise NotSupportedError("distances between events are exact durations")
    return duration.milliseconds
