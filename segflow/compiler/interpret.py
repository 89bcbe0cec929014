"""The reference: in plain Python, slowly, what a typed predicate means for one user at one instant.

Every other evaluator must give the same members. Nothing here knows of SQL or of how data is kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import assert_never

from segflow.compiler.operators import Leaf, operator_holds
from segflow.compiler.reference.changes import field_changed, field_held
from segflow.compiler.reference.contacts import address_of, consents, is_reachable
from segflow.compiler.reference.ends import event_has
from segflow.compiler.reference.keys import is_listed, is_sampled
from segflow.compiler.reference.log import held_membership, moves
from segflow.compiler.reference.periods import periods_hold
from segflow.compiler.reference.properties import property_value
from segflow.compiler.reference.ranks import is_ranked
from segflow.compiler.reference.related import (
    members_hold,
    related_entity,
    related_to,
    via_holds,
)
from segflow.compiler.reference.same import same_holds
from segflow.compiler.reference.sequences import sequence_holds
from segflow.compiler.timeline import Bounds, first_instant, last_bounds, window_bounds
from segflow.compiler.values import Value, times
from segflow.compiler.worlds import (
    Context,
    EventRow,
    LoggedChange,
    NotSupportedError,
    Subject,
    User,
    World,
    events_that_count,
    order_of_events,
)
from segflow.model.catalog import Field
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Changed,
    Consent,
    ContextFeature,
    EventHas,
    Everyone,
    Feature,
    FieldFeature,
    Held,
    InFile,
    InSegment,
    Members,
    NoneOf,
    Not,
    Periods,
    Predicate,
    PropertyFeature,
    Rank,
    Reachable,
    Same,
    Sample,
    Scaled,
    Sequence,
    Sql,
    Test,
    Transition,
    Via,
)


def members(world: World, compiled: Compiled, name: str, as_of: Instant) -> frozenset[Key]:
    """The keys in a segment at an instant, by its definition, static or not.

    Raises NotSupportedError for a form that is not here yet.
    """
    where = compiled.segments[name].where
    found = population(world, compiled, name, as_of)
    return frozenset(subject.user.key for subject in found if holds(where, subject))


def population(world: World, compiled: Compiled, name: str, as_of: Instant) -> Iterator[Subject]:
    """The users that exist at the instant, of the entity of the named segment."""
    entity = compiled.entity_of(name)
    context = Context(
        compiled=compiled,
        entity=entity,
        as_of=as_of,
        snapshots=world.snapshots,
        logs=world.logs,
        worlds={**world.others, entity.name: world},
        given=world.given,
    )
    yield from _existing(context, name)


def _existing(context: Context, segment: str) -> Iterator[Subject]:
    return (subject for subject in everybody(context, segment) if exists(subject))


def everybody(context: Context, segment: str) -> Iterator[Subject]:
    """Every user that is known of the context's entity, whether or not in the population."""
    world = context.worlds[context.entity.name]
    rows_of: dict[Key | None, list[EventRow]] = defaultdict(list)
    for row in events_that_count(world.events, context.compiled.project):
        rows_of[row.key].append(row)
    for user in world.users:
        yield _subject(context, user, rows_of[user.key], segment)


def _people(subject: Subject, entity: str) -> Mapping[Key, Subject]:
    """The users of an entity that exist, by key; asked for by one of them or of another entity."""
    context, of = subject.context, (entity, subject.segment)
    if of not in context.people:
        found = _existing(context.of_entity(entity), subject.segment)
        context.people[of] = {one.user.key: one for one in found}
    return context.people[of]


def related(leaf: Via | Members, subject: Subject) -> list[Subject]:
    """The users who exist that the leaf leads to from one."""
    return related_to(leaf, subject, _people(subject, related_entity(leaf, subject)))


def subject_of(context: Context, user: User, rows: Iterable[EventRow], segment: str) -> Subject:
    """One user, whether or not in the population, with those of the rows that count. The rows are
    the user's and all others that have the id of one of them."""
    counting = events_that_count(rows, context.compiled.project)
    own = (row for row in counting if row.key == user.key)
    return _subject(context, user, own, segment)


def _subject(context: Context, user: User, events: Iterable[EventRow], segment: str) -> Subject:
    happened = sorted((row for row in events if row.time is not None), key=order_of_events)
    return Subject(context=context, user=user, events=tuple(happened), segment=segment)


def exists(subject: Subject) -> bool:
    """Whether the user is in the population at the instant."""
    condition = subject.context.entity.population.where
    return has_begun(subject) and (condition is None or holds(condition, subject))


def has_begun(subject: Subject) -> bool:
    """Whether the instant is not before the user's first; one since nobody knows when has none."""
    if subject.context.entity.population.since is None:
        return True
    return subject.user.since is not None and subject.user.since <= subject.context.as_of


# --- predicates ------------------------------------------------------------------------------


def holds(predicate: Predicate, subject: Subject) -> bool:  # noqa: C901 - one arm per form
    """True or false, never unknown. Raises NotSupportedError for a form that is not here yet."""
    match predicate:
        case All(items=items):
            return all(holds(item, subject) for item in items)
        case AnyOf(items=items):
            return any(holds(item, subject) for item in items)
        case NoneOf(items=items):
            return not any(holds(item, subject) for item in items)
        case Not(item=item):
            return not holds(item, subject)
        case Everyone():
            return True
        case _ if subject.context.given and predicate in subject.context.given:
            return subject.user.key in subject.context.given[predicate]
        case Test():
            return _test_holds(predicate, subject)
        case InSegment():
            return _in_segment(predicate, subject)
        case InFile():
            return is_listed(predicate, subject)
        case Sample():
            return is_sampled(predicate, subject)
        case Via():
            return via_holds(predicate, related(predicate, subject), holds)
        case Members():
            return members_hold(predicate, related(predicate, subject), holds)
        case Held():
            return _held(predicate, subject)
        case Changed():
            return _changed(predicate, subject)
        case Transition(kind=kind, segment=name):
            return bool(
                moves(logged(name, subject), kind, subject.user.key, _last(predicate, subject))
            )
        case Periods():
            return periods_hold(predicate, subject, matching_events)
        case EventHas():
            return event_has(predicate, subject, matching_events, holds)
        case Sequence():
            return sequence_holds(predicate, subject, matching_events)
        case Same():
            return same_holds(predicate, subject, holds)
        case Rank():
            return is_ranked(predicate, subject, _people, feature_value, holds)
        case Consent():
            return consents(predicate, subject)
        case Reachable():
            return is_reachable(predicate, address_text(predicate, subject), subject)
        case Sql():
            raise NotSupportedError(f"{type(predicate).__name__} can't be evaluated yet")
        case _:
            assert_never(predicate)


def _test_holds(test: Test, subject: Subject) -> bool:
    return _passes(feature_value(test.feature, subject), test, subject)


def _passes(value: Value | None, test: Test, subject: Subject) -> bool:
    def worth(right: Scaled) -> Value | None:
        return times(feature_value(right.feature, subject), right.times)

    leaf = Leaf(
        as_of=subject.context.as_of,
        zone=subject.zone(test.user_zone),
        ignore_case=test.ignore_case,
        worth=worth,
    )
    return all(operator_holds(operator, value, leaf) for operator in test.operators)


def _in_segment(leaf: InSegment, subject: Subject) -> bool:
    nested = subject.context.compiled.segments[leaf.segment]
    if not leaf.snapshot and nested.segment.mode == "dynamic":
        return holds(nested.where, replace(subject, segment=leaf.segment, event=None))
    recorded = subject.context.snapshots.get(leaf.segment)
    if recorded is None:
        raise NotSupportedError(f"nothing is recorded of segment {leaf.segment}")
    return subject.user.key in recorded


def _held(leaf: Held, subject: Subject) -> bool:
    context = subject.context
    first = first_instant(leaf.for_, context.as_of, context.zone)
    match leaf.item:
        case Test(feature=FieldFeature(field=name)) as test:

            def passes(value: Value | None) -> bool:
                return _passes(value, test, subject)

            field = field_of(name, subject)
            return field_held(subject.user, field, first, context.as_of, passes)
        case InSegment(segment=name):
            log = logged(name, subject)
            return held_membership(log, subject.user.key, first, context.as_of)
        case _:
            raise NotSupportedError("a field or a segment is held")


def _changed(leaf: Changed, subject: Subject) -> bool:
    declared = field_of(leaf.field, subject)
    return field_changed(subject.user, declared, leaf, _last(leaf, subject))


def _last(leaf: Changed | Transition, subject: Subject) -> Bounds:
    return last_bounds(leaf.in_last, subject.context.as_of, subject.context.zone)


def logged(segment: str, subject: Subject) -> tuple[LoggedChange, ...]:
    """The membership log of a segment, empty where nothing was ever recorded."""
    return subject.context.logs.get(segment, ())


# --- features --------------------------------------------------------------------------------


def feature_value(feature: Feature, subject: Subject) -> Value | None:
    """The value of a feature; None is missing."""
    match feature:
        case FieldFeature(field=name):
            return _field_value(name, subject)
        case PropertyFeature(property=name):
            return property_value(subject.event, name, subject)
        case Aggregate():
            return _aggregate_value(feature, subject)
        case ContextFeature(name=name):
            raise NotSupportedError(f"context {name} belongs to placements")
        case _:
            assert_never(feature)


def _field_value(name: str, subject: Subject) -> Value | None:
    declared = field_of(name, subject)
    if declared.derived is not None:
        return feature_value(declared.derived, replace(subject, event=None))
    return subject.user.value(declared, subject.context.as_of)


def address_text(leaf: Reachable, subject: Subject) -> Value | None:
    """The user's address of the kind that a leaf names, as it is written."""
    return _field_value(address_of(leaf, subject).text_field, subject)


def field_of(name: str, subject: Subject) -> Field:
    """The declared field of the user's entity."""
    declared = subject.context.entity.field_named(name)
    if declared is None:
        raise NotSupportedError(f"there is no field {name}")
    return declared


def matching_events(aggregate: Aggregate, subject: Subject) -> tuple[EventRow, ...]:
    """The user's events that the aggregate is over, oldest first; none is later than T."""
    zone = subject.zone(aggregate.user_zone)
    bounds = window_bounds(aggregate.window, subject.context.as_of, zone)
    return tuple(
        event
        for event in subject.events
        if event.event in aggregate.events
        and event.time is not None
        and event.time in bounds
        and (aggregate.where is None or holds(aggregate.where, replace(subject, event=event)))
    )


def _aggregate_value(aggregate: Aggregate, subject: Subject) -> Value | None:
    events = matching_events(aggregate, subject)
    match aggregate.kind:
        case "count":
            return len(events)
        case "first_time":
            return events[0].time if events else None
        case "last_time":
            return events[-1].time if events else None
        case "first":
            return _end_value(events, aggregate, subject, first=True)
        case "last":
            return _end_value(events, aggregate, subject, first=False)
        case "sum" | "avg" | "min" | "max" | "mode" | "count_distinct":
            found = (property_value(event, aggregate.property or "", subject) for event in events)
            return _summary(aggregate, [value for value in found if value is not None])
        case _:
            assert_never(aggregate.kind)


def _end_value(
    events: tuple[EventRow, ...], aggregate: Aggregate, subject: Subject, *, first: bool
) -> Value | None:
    """The property of the first or last event, missing where that event lacks it. Rows that nothing
    tells apart but their contents are ordered by the property, a missing one before all."""
    if not events:
        return None
    end = order_of_events(events[0 if first else -1])
    tied = [event for event in events if order_of_events(event) == end]
    values = [property_value(event, aggregate.property or "", subject) for event in tied]
    present = [value for value in values if value is not None]
    if first:
        return min(present) if len(present) == len(values) else None
    return max(present) if present else None


def _summary(aggregate: Aggregate, values: list[Value]) -> Value | None:
    """What an aggregate makes of the values that are present."""
    match aggregate.kind:
        case "count_distinct":
            return len(set(_each(values)))
        case "mode":
            counts = Counter(values)
            return min(counts, key=lambda value: (-counts[value], value), default=None)
        case "min":
            return min(values, default=None)
        case "max":
            return max(values, default=None)
        case "sum":
            return sum(_exact(values))
        case "avg":
            return Fraction(sum(_exact(values)), len(values)) if values else None
        case _:
            raise NotSupportedError(f"{aggregate.kind} can't be evaluated yet")


def _each(values: list[Value]) -> Iterator[Value]:
    """The values, or of lists their elements."""
    for value in values:
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


def _exact(values: list[Value]) -> list[int | Fraction]:
    exact = [value for value in values if isinstance(value, int | Fraction)]
    if len(exact) < len(values):
        raise NotSupportedError("a sum of floats depends on their order")
    return exact
