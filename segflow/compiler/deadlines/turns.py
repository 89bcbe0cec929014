"""The instants at which a predicate may turn though nothing happens: for each form, where time
passes what is known of the user.

An event, a row of a history or an entry of a log that is later than T is known, and comes to exist
at its instant. Between two turns the reference gives one answer; at a turn it may give another.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, product
from typing import assert_never
from zoneinfo import ZoneInfo

from segflow.compiler.deadlines.crossings import (
    anniversary_crossings,
    in_order,
    later,
    length_crossings,
    operator_crossings,
    window_crossings,
)
from segflow.compiler.interpret import everybody, feature_value, field_of, holds, logged
from segflow.compiler.operators import as_date, as_instant
from segflow.compiler.passes.walk import features_of
from segflow.compiler.periods import period_windows
from segflow.compiler.reference.contacts import address_of
from segflow.compiler.reference.properties import property_value
from segflow.compiler.reference.related import related_entity, related_to
from segflow.compiler.reference.same import values_in, with_value
from segflow.compiler.targets.needs import inlined_segment
from segflow.compiler.timeline import InstantOperator
from segflow.compiler.values import Value
from segflow.compiler.worlds import ConsentRow, EventRow, Subject, SuppressionRow
from segflow.compiler.zones import default_zone, users_zone
from segflow.model import predicate as p
from segflow.model.catalog import Field
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.operator import Anniversary, CountTest, MomentTest
from segflow.model.window import Window, Within

Rows = Sequence[EventRow]
Parts = Iterator[Iterator[Instant]]


def turns(predicate: p.Predicate, subject: Subject) -> Iterator[Instant]:
    """Every T later than the subject's at which the predicate may turn, ascending, each once.

    Leaves that are given, ranks and queries are taken as they are: they never turn. Raises as
    holds() does.
    """
    return in_order(_parts(predicate, subject, ()))


def _parts(  # noqa: C901 - one arm per form
    predicate: p.Predicate, subject: Subject, rows: Rows
) -> Parts:
    """The turns of the parts of a predicate; `rows` are the events that its properties are of."""
    match predicate:
        case p.All(items=items) | p.AnyOf(items=items) | p.NoneOf(items=items):
            for item in items:
                yield from _parts(item, subject, rows)
        case p.Not(item=item):
            yield from _parts(item, subject, rows)
        case _ if predicate in subject.context.given:
            pass
        case p.Test():
            yield from _test(predicate, subject, rows)
        case p.InSegment(segment=name):
            nested = inlined_segment(predicate, subject.context.compiled)
            if nested is not None:
                yield from _parts(nested, replace(subject, segment=name), ())
        case p.Everyone() | p.InFile() | p.Sample():
            pass
        case p.Via() | p.Members():
            yield from _related(predicate, subject)
        case p.Held() | p.Changed() | p.Transition():
            yield from _past(predicate, subject)
        case p.Periods(aggregate=aggregate):
            yield from _windowed(aggregate, period_windows(predicate), subject)
        case p.EventHas(aggregate=aggregate, has=has):
            yield from _windowed(aggregate, (aggregate.window,), subject)
            yield from _parts(has, subject, rows_of(aggregate.events, subject))
        case p.Sequence():
            yield from _sequence(predicate, subject)
        case p.Same():
            yield from _same(predicate, subject)
        case p.Rank() | p.Sql():
            pass
        case p.Consent(topic=topic):
            yield _said(topic, subject)
        case p.Reachable():
            yield from _reachable(predicate, subject)
        case _:
            assert_never(predicate)


# --- users -----------------------------------------------------------------------------------


def _existence(subject: Subject) -> Parts:
    described, since = subject.context.entity.population, subject.user.since
    if described.since is not None and since is not None:
        yield later((since,), subject.context.as_of)
    if described.where is not None:
        yield from _parts(described.where, subject, ())


def _related(leaf: p.Via | p.Members, subject: Subject) -> Parts:
    there = subject.context.of_entity(related_entity(leaf, subject))
    others = {one.user.key: one for one in everybody(there, subject.segment)}
    for other in related_to(leaf, subject, others):
        yield from _existence(other)
        yield from _parts(leaf.where, other, ())


def _zones(of_user: bool, subject: Subject) -> tuple[ZoneInfo, ...]:
    """The zones that a leaf is in from T on."""
    field = _zone_field(subject)
    if not of_user or field is None:
        return (subject.zone(of_user),)
    default = default_zone(subject.context.entity, subject.context.zone)
    return tuple(dict.fromkeys(users_zone(one, default) for one in _stored(field, subject)))


def _turns_of_zone(subject: Subject) -> Iterator[Instant]:
    field = _zone_field(subject)
    return iter(()) if field is None else later(_steps(field, subject), subject.context.as_of)


def _zone_field(subject: Subject) -> Field | None:
    entity = subject.context.entity
    return entity.field_named(entity.timezone_field or "")


# --- tests of features -----------------------------------------------------------------------


def _test(test: p.Test, subject: Subject, rows: Rows) -> Parts:
    for feature in features_of(test):
        yield from _feature(feature, subject, test.operators if feature is test.feature else ())
    if test.user_zone:
        yield _turns_of_zone(subject)
    for operator in test.operators:
        if isinstance(operator, InstantOperator | Anniversary) and not isinstance(
            operator, MomentTest
        ):
            values = _values(test.feature, subject, rows)
            for there in _zones(test.user_zone, subject):
                yield _of_operator(operator, values, there, subject.context.as_of)


def _of_operator(
    operator: InstantOperator | Anniversary, values: Iterable[Value], zone: ZoneInfo, after: Instant
) -> Iterator[Instant]:
    if isinstance(operator, Anniversary):
        dates = (as_date(value, zone) for value in values)
        return anniversary_crossings(operator, dates, after, zone)
    instants = {as_instant(value, zone) for value in values}
    return operator_crossings(operator, sorted(instants), after, zone)


def _feature(feature: p.Feature, subject: Subject, operators: tuple[p.Operator, ...] = ()) -> Parts:
    """The T at which a feature may become another value, as far as the operators tell it apart."""
    match feature:
        case p.FieldFeature(field=name):
            field = field_of(name, subject)
            if field.derived is not None:
                yield from _feature(field.derived, subject, operators)
            else:
                yield later(_steps(field, subject), subject.context.as_of)
        case p.Aggregate(kind="count", window=Within() | None):
            places = _places(operators)
            yield from _windowed(feature, (feature.window,), subject, places)
        case p.Aggregate():
            yield from _windowed(feature, (feature.window,), subject)
        case p.PropertyFeature() | p.ContextFeature():
            pass
        case _:
            assert_never(feature)


def _places(operators: tuple[p.Operator, ...]) -> frozenset[int]:
    """The places of the events with which a count comes to pass a test, or to fail it, from the
    newest one on; none where the operators are not tests of counts alone."""
    places: set[int] = set()
    for operator in operators:
        match operator:
            case CountTest(op="at_least" | "fewer_than", count=count):
                places.add(count)
            case CountTest(op="at_most" | "more_than", count=count):
                places.add(count + 1)
            case CountTest(op="exactly", count=count):
                places |= {count, count + 1}
            case _:
                return frozenset()
    return frozenset(places)


def _values(feature: p.Feature, subject: Subject, rows: Rows) -> set[Value]:
    """All that a feature whose values are dates or instants may be from T on."""
    match feature:
        case p.FieldFeature(field=name):
            field = field_of(name, subject)
            if field.derived is not None:
                return _values(field.derived, subject, ())
            found = _stored(field, subject)
        case p.PropertyFeature(property=name):
            found = [property_value(row, name, subject) for row in rows]
        case p.Aggregate() if next(in_order(_feature(feature, subject)), None) is None:
            found = [feature_value(feature, subject)]
        case p.Aggregate(property=None):
            found = [row.time for row in rows_of(feature.events, subject)]
        case p.Aggregate(property=str(name)):
            events = rows_of(feature.events, subject)
            found = [property_value(row, name, subject) for row in events]
        case _:
            found = []
    return {value for value in found if value is not None}


def _stored(field: Field, subject: Subject) -> list[Value | None]:
    """The values of a stored field from T on."""
    context, user = subject.context, subject.user
    coming = (user.value(field, at) for at in later(_steps(field, subject), context.as_of))
    return [user.value(field, context.as_of), *coming]


# --- events ----------------------------------------------------------------------------------


def _windowed(
    aggregate: p.Aggregate,
    windows: tuple[Window | None, ...],
    subject: Subject,
    places: frozenset[int] = frozenset(),
) -> Parts:
    """The T at which events that an aggregate may be over come into one of the windows, or leave
    it. Where `places` are given only those events count: as many newer ones are in before them."""
    after = subject.context.as_of
    rows, turning = _matching(aggregate.events, aggregate.where, subject)
    times = _times(rows)
    if turning is not None:
        yield turning
    elif places and times and times[-1] <= after:
        times = sorted(times[-place] for place in places if 0 < place <= len(times))
    if aggregate.user_zone:
        yield _turns_of_zone(subject)
    for window, there in product(windows, _zones(aggregate.user_zone, subject)):
        yield window_crossings(window, times, after, there)


def _matching(
    events: tuple[str, ...], where: p.Predicate | None, subject: Subject
) -> tuple[Rows, Iterator[Instant] | None]:
    """The events that may satisfy a `where` some time from T on, and the T at which it may turn for
    one of them; None where it never does."""
    rows = rows_of(events, subject)
    if where is None:
        return rows, None
    turning = in_order(_parts(where, subject, rows))
    first = next(turning, None)
    if first is not None:
        return rows, chain((first,), turning)
    return tuple(row for row in rows if holds(where, replace(subject, event=row))), None


def rows_of(events: tuple[str, ...], subject: Subject) -> Rows:
    """The user's events of these names, whatever their time."""
    return tuple(row for row in subject.events if row.event in events)


def _times(rows: Rows) -> list[Instant]:
    return [row.time for row in rows if row.time is not None]


def _sequence(leaf: p.Sequence, subject: Subject) -> Parts:
    """Where its steps come and go, and where the time of an absence after the last one is over."""
    after, zones = subject.context.as_of, _zones(leaf.user_zone, subject)
    last: list[Instant] = []
    if leaf.user_zone:
        yield _turns_of_zone(subject)
    for step in leaf.steps:
        rows, turning = _matching(step.events, step.where, subject)
        if turning is not None:
            yield turning
        windows: list[Window | None] = [None if step.absent else leaf.window]
        if step.in_last is not None:
            windows.append(Within(duration=step.in_last))
        for window, there in product(windows, zones):
            yield window_crossings(window, _times(rows), after, there)
        if not step.absent:
            last = _times(rows)
        elif step.for_ is not None:
            yield length_crossings(step.for_, last, after, subject.context.zone)


def _same(leaf: p.Same, subject: Subject) -> Parts:
    """Where another value comes up, and for each value where the predicate turns on its events."""
    tied = rows_of(tuple(event for event, _ in leaf.by), subject)
    yield later(_times(tied), subject.context.as_of)
    for value in values_in(leaf, tied, subject):
        yield from _parts(leaf.where, with_value(leaf, value, subject), ())


# --- who may be written to -------------------------------------------------------------------


def _said(topic: str, subject: Subject) -> Iterator[Instant]:
    """Where the user's words on a topic are said."""
    return _since(subject.user.consents.get(topic, ()), subject)


def _reachable(leaf: p.Reachable, subject: Subject) -> Parts:
    """Where the address or the consent that it takes turns, and where a suppression begins."""
    address = address_of(leaf, subject)
    yield from _feature(p.FieldFeature(field=address.text_field), subject)
    if address.topic is not None:
        yield _said(address.topic, subject)
    for rows in subject.user.suppressions.values():
        yield _since(rows, subject)


def _since(rows: Iterable[ConsentRow | SuppressionRow], subject: Subject) -> Iterator[Instant]:
    """Where rows begin to count; one without a time always did."""
    times = sorted(row.time for row in rows if row.time is not None)
    return later(times, subject.context.as_of)


# --- the past --------------------------------------------------------------------------------


def _past(leaf: p.Held | p.Changed | p.Transition, subject: Subject) -> Parts:
    match leaf:
        case p.Held(item=p.Test(feature=p.FieldFeature(field=name)) as test, for_=length):
            since = () if subject.user.since is None else (subject.user.since,)
            yield from _held(_steps(field_of(name, subject), subject), since, length, subject)
            if test.user_zone:
                yield _turns_of_zone(subject)
        case p.Held(item=p.InSegment(segment=name), for_=length):
            yield from _held(_entries(name, subject), (), length, subject)
        case p.Changed(field=name, in_last=length):
            yield _in_last(length, _steps(field_of(name, subject), subject), subject)
        case p.Transition(segment=name, in_last=length):
            yield _in_last(length, _entries(name, subject), subject)
        case _:
            pass


def _held(
    steps: Sequence[Instant], since: Sequence[Instant], length: Duration, subject: Subject
) -> Parts:
    """A step is looked at from its instant on until the first instant that counts is the one after
    it; then what was before it is past. Of who came, it counts only that."""
    context = subject.context
    yield later(steps, context.as_of)
    begun = sorted(Instant(one - 1) for one in (*steps, *since))
    yield length_crossings(length, begun, context.as_of, context.zone)


def _in_last(
    length: Duration | None, instants: Sequence[Instant], subject: Subject
) -> Iterator[Instant]:
    window = None if length is None else Within(duration=length)
    return window_crossings(window, instants, subject.context.as_of, subject.context.zone)


def _steps(field: Field, subject: Subject) -> list[Instant]:
    """The instants at which a field's value may have become another, as far as they are known."""
    return [] if field.history is None else [step.since for step in subject.user.steps(field)]


def _entries(segment: str, subject: Subject) -> list[Instant]:
    """The instants of the log's entries about the user."""
    key = subject.user.key
    about = (one for one in logged(segment, subject) if key in one.entered or key in one.exited)
    return [one.as_of for one in about]
