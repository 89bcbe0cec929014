"""The search for a deadline: each leaf is judged at its turns, and the first change of a leaf is
taken that makes the answer another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import merge
from itertools import chain, groupby, product
from math import factorial, prod
from typing import NamedTuple

from segflow.compiler.deadlines.turns import rows_of, turns
from segflow.compiler.deadlines.unforeseen import unforeseen
from segflow.compiler.interpret import has_begun, holds
from segflow.compiler.leaves import combined, decides, leaves_of
from segflow.compiler.reference.same import values_in
from segflow.compiler.targets.needs import inlined_segment
from segflow.compiler.timeline import LAST
from segflow.compiler.worlds import Subject
from segflow.errors import RefusedError
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.predicate import (
    All,
    AnyOf,
    InSegment,
    Members,
    NoneOf,
    Not,
    Periods,
    Predicate,
    Same,
    Sequence,
    Via,
)

HORIZON = 36_525 * 86_400_000
"""A hundred years. Nobody looks further: anniversaries come back for ever."""

WORK = 2_000_000
"""So many events the reference may look at for one leaf, nearly, which takes it a second or two."""

_MOST_UNKNOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When an answer changes if nothing happens: `at` is the first instant with another one.

    `because` are the leaves that decide then, each with what it comes to; `begins` says that the
    user begins to exist. Without `at` the answer stays as it is: at every instant before `until`,
    from where on nobody looked, or for ever where that is None. `unforeseen` are leaves that were
    taken as they are at T, since others' data or a query decide when they change.
    """

    at: Instant | None = None
    until: Instant | None = None
    because: tuple[tuple[Predicate, bool], ...] = ()
    begins: bool = False
    unforeseen: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The deadline of the answer, and when each leaf next changes by itself, those of nested
    segments included; a leaf of which no such instant is known is missing."""

    deadline: Deadline
    leaves: Mapping[Predicate, Instant]


class _Change(NamedTuple):
    """A leaf comes to the opposite at an instant, or (`known` False) nobody looked at it from here
    on. Without a leaf the user begins to exist."""

    at: Instant
    leaf: Predicate | None = None
    known: bool = True


def foresee(subject: Subject) -> Foreseen:
    """When the answer for the subject's segment next changes by itself, and when its leaves do.

    The answer is whether the user exists and satisfies the predicate; that of a static segment is
    frozen. Raises as holds() does.
    """
    if subject.context.compiled.segments[subject.segment].segment.mode == "static":
        return Foreseen(deadline=Deadline(), leaves={})
    whole = _whole(subject)
    left_out = unforeseen(whole, subject)
    subject = _frozen(left_out, subject)
    changes = {leaf: _changes(leaf, subject) for leaf in leaves_of(whole)}
    firsts = {leaf: next(found, None) for leaf, found in changes.items()}
    coming = [chain((first,), changes[leaf]) for leaf, first in firsts.items() if first is not None]
    deadline = _deadline(whole, subject, merge(_begins(subject), *coming, key=_instant))
    known = {leaf: one.at for leaf, one in firsts.items() if one is not None and one.known}
    return Foreseen(deadline=replace(deadline, unforeseen=left_out), leaves=known)


def _whole(subject: Subject) -> Predicate:
    """The segment's predicate with that of the population, nested segments in their places."""
    compiled, entity = subject.context.compiled, subject.context.entity
    where, condition = compiled.segments[subject.segment].where, entity.population.where
    return _unfolded(where if condition is None else All(items=(condition, where)), compiled)


def _unfolded(predicate: Predicate, compiled: Compiled) -> Predicate:
    match predicate:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            return replace(predicate, items=tuple(_unfolded(one, compiled) for one in items))
        case Not(item=item):
            return Not(item=_unfolded(item, compiled))
        case InSegment():
            nested = inlined_segment(predicate, compiled)
            return predicate if nested is None else _unfolded(nested, compiled)
        case _:
            return predicate


def _frozen(leaves: tuple[Predicate, ...], subject: Subject) -> Subject:
    """The user, with these leaves being what they are at T for ever."""
    key, context = subject.user.key, subject.context
    now = {leaf: frozenset({key} if holds(leaf, subject) else ()) for leaf in leaves}
    return replace(subject, context=replace(context, given={**context.given, **now}))


def _deadline(whole: Predicate, subject: Subject, changes: Iterator[_Change]) -> Deadline:
    values = {leaf: holds(leaf, subject) for leaf in leaves_of(whole)}
    there, unknown = has_begun(subject), set[Predicate]()
    answer = there and combined(whole, values)
    for at, found in groupby(changes, key=_instant):
        together = tuple(found)
        unknown |= {one.leaf for one in together if one.leaf is not None and not one.known}
        turned = [one.leaf for one in together if one.leaf is not None and one.known]
        begins = any(one.leaf is None for one in together)
        there = there or begins
        values |= {leaf: not values[leaf] for leaf in turned}
        answers = _answers(whole, values, unknown) if there else {False}
        if answers == {not answer}:
            deciding = [leaf for leaf in turned if decides(leaf, whole, values)]
            because = tuple((leaf, values[leaf]) for leaf in deciding or turned)
            return Deadline(at=at, because=because, begins=begins)
        if answers != {answer}:
            return Deadline(until=at)
    return Deadline()


def _answers(
    whole: Predicate, values: Mapping[Predicate, bool], unknown: set[Predicate]
) -> set[bool]:
    """What the predicate may come to, whatever the unknown leaves come to."""
    if len(unknown) > _MOST_UNKNOWN:
        return {False, True}
    chosen = product((False, True), repeat=len(unknown))
    return {combined(whole, {**values, **dict(zip(unknown, one, strict=True))}) for one in chosen}


# --- the changes of a leaf -------------------------------------------------------------------


def _begins(subject: Subject) -> Iterator[_Change]:
    since = subject.user.since
    if since is not None and not has_begun(subject):
        yield _Change(since)


def _changes(leaf: Predicate, subject: Subject) -> Iterator[_Change]:
    """Every change of a leaf later than T, in order of time."""
    value, found = holds(leaf, subject), turns(leaf, subject)
    horizon, looks = min(subject.context.as_of + HORIZON, LAST), _looks(leaf, subject)
    for number, at in enumerate(found):
        if at > horizon or number == looks:
            yield _Change(Instant(min(at, horizon)), leaf, known=False)
            return
        try:
            turned = holds(leaf, subject.at(at)) != value
        except RefusedError:  # a span of months that begins before the log again
            yield _Change(at, leaf, known=False)
            return
        if turned:
            value = not value
            yield _Change(at, leaf)


def _looks(leaf: Predicate, subject: Subject) -> int:
    """How many turns of a leaf are looked at: more of a leaf that is judged quickly."""
    events = 1 + len(subject.events)
    match leaf:
        case Sequence(steps=steps):
            positive = [len(rows_of(step.events, subject)) for step in steps if not step.absent]
            work = events * len(steps) + prod(positive) // factorial(len(positive)) // 4
        case Periods(last=last):
            work = events * (1 + last // 10)
        case Via() | Members():
            work = events + sum(len(world.events) for world in subject.context.worlds.values())
        case Same():
            work = events * (1 + len(values_in(leaf, subject.events, subject)))
        case _:
            work = events
    return max(1, WORK // work)


def _instant(change: _Change) -> Instant:
    return change.at
