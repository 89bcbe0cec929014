"""Why one user is in a segment or not: its predicate as a tree, each node with what it came to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from types import MappingProxyType

from segflow.compiler.interpret import (
    exists,
    feature_value,
    holds,
    logged,
    matching_events,
    sample_percent,
    subject_of,
)
from segflow.compiler.reference.periods import counted
from segflow.compiler.reference.same import same_values
from segflow.compiler.reference.sequences import sequence_found, step_instants
from segflow.compiler.values import Value, Version
from segflow.compiler.worlds import Context, EventRow, Logs, Subject, User
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.keys import Key
from segflow.model.predicate import (
    Aggregate,
    AggregateKind,
    All,
    AnyOf,
    Changed,
    Compare,
    EventHas,
    Feature,
    FieldFeature,
    Held,
    InSegment,
    NoneOf,
    Not,
    Periods,
    Predicate,
    Rank,
    Same,
    Sample,
    Scaled,
    Sequence,
    Test,
    Transition,
)
from segflow.model.wording import phrase
from segflow.model.wording_predicate import feature as words_of_feature
from segflow.model.wording_predicate import step as words_of_step
from segflow.model.wording_text import line

_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureValue:
    """What a feature was worth: `text` is the feature in the words of its YAML, `value` is written
    out (None: missing), `events` counts the events that an aggregate was over."""

    text: str
    value: str | None
    events: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceNode:
    """One node of the predicate. `text` is the node in the words of its YAML; of boolean algebra it
    is the key alone, since `items` say the rest. A nested segment has its predicate below it."""

    text: str
    holds: bool
    values: tuple[FeatureValue, ...] = ()
    items: "tuple[TraceNode, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One user's membership at one instant. Where `exists` is false the user is not in the
    population at that instant and so in no segment; `root` then says what the predicate alone would
    come to, and is None where nothing is known of the key."""

    segment: str
    key: Key
    as_of: Instant
    exists: bool
    member: bool
    since: Instant | None = None
    population: TraceNode | None = None
    root: TraceNode | None = None


def explain_user(
    compiled: Compiled,
    name: str,
    key: Key,
    user: User | None,
    events: Iterable[EventRow],
    as_of: Instant,
    snapshots: Mapping[str, frozenset[Key]],
    logs: Logs,
    given: Mapping[Predicate, frozenset[Key]] = MappingProxyType({}),
) -> Trace:
    """Why the user with the key is in the named segment at an instant, or is not.

    `user` is None where the population's table lacks the key. `snapshots` are the recorded members
    of segments that are static or asked for by snapshot, `logs` the logs of those whose past is
    asked, `given` those for whom the leaves hold that the rows of one user do not tell; the key
    alone is enough of each.
    Raises NotSupportedError for a form that the reference does not know yet.
    """
    if user is None:
        return Trace(segment=name, key=key, as_of=as_of, exists=False, member=False)
    entity = compiled.entity_of(name)
    context = Context(
        compiled=compiled, entity=entity, as_of=as_of, snapshots=snapshots, logs=logs, given=given
    )
    subject = subject_of(context, user, events, name)
    condition = entity.population.where
    root = explain(compiled.segments[name].where, subject)
    there = exists(subject)
    return Trace(
        segment=name,
        key=key,
        as_of=as_of,
        exists=there,
        member=there and root.holds,
        since=user.since,
        population=None if condition is None else explain(condition, subject),
        root=root,
    )


def explain(predicate: Predicate, subject: Subject) -> TraceNode:
    """The predicate for one user as a tree."""
    match predicate:
        case All(items=items):
            return _node("all", predicate, subject, items)
        case AnyOf(items=items):
            return _node("any", predicate, subject, items)
        case NoneOf(items=items):
            return _node("none", predicate, subject, items)
        case Not(item=item):
            return _node("not", predicate, subject, (item,))
        case InSegment(segment=name) if _is_asked_now(predicate, subject):
            where = subject.context.compiled.segments[name].where
            nested = explain(where, replace(subject, segment=name))
            return TraceNode(text=phrase(predicate), holds=nested.holds, items=(nested,))
        case _:
            return _node(phrase(predicate), predicate, subject, ())


def _node(
    text: str, predicate: Predicate, subject: Subject, items: tuple[Predicate, ...]
) -> TraceNode:
    return TraceNode(
        text=text,
        holds=holds(predicate, subject),
        values=tuple(_values(predicate, subject)),
        items=tuple(explain(item, subject) for item in items),
    )


def _is_asked_now(leaf: InSegment, subject: Subject) -> bool:
    segment = subject.context.compiled.segments[leaf.segment].segment
    return not leaf.snapshot and segment.mode == "dynamic"


# --- values ----------------------------------------------------------------------------------


def _values(  # noqa: C901 - one arm per form
    predicate: Predicate, subject: Subject
) -> Iterator[FeatureValue]:
    """What a leaf looked at, left side first."""
    match predicate:
        case Test(feature=feature, operators=operators):
            yield _feature(feature, subject)
            for operator in operators:
                if isinstance(operator, Compare) and isinstance(operator.right, Scaled):
                    yield _feature(operator.right.feature, subject)
        case Held(item=Test(feature=FieldFeature() as feature)):
            yield from _past(feature, subject)
        case Held(item=InSegment(segment=name)):
            yield from _moves(name, subject)
        case Transition(segment=name):
            yield from _moves(name, subject)
        case Changed(field=name):
            yield from _past(FieldFeature(field=name), subject)
        case Sample():
            percent = int(sample_percent(predicate, subject) * 10**_PLACES)
            yield FeatureValue(text="sample", value=f"{written(Fraction(percent, 10**_PLACES))}%")
        case Periods():
            yield _periods(predicate, subject)
        case EventHas(which=which, aggregate=aggregate):
            kind: AggregateKind = "first_time" if which == "first" else "last_time"
            yield _feature(replace(aggregate, kind=kind), subject)
        case Sequence():
            yield from _steps(predicate, subject)
        case Same():
            yield _same(predicate, subject)
        case Rank(feature=feature):
            yield _feature(feature, subject)
        case _:
            pass
    if _is_local(predicate):
        yield FeatureValue(text="timezone: user", value=subject.zone(of_user=True).key)


def _is_local(leaf: Predicate) -> bool:
    """Whether units and dates of a leaf are those of the user's zone."""
    match leaf:
        case Test(feature=feature, user_zone=user_zone):
            return user_zone or (isinstance(feature, Aggregate) and feature.user_zone)
        case Periods(aggregate=aggregate) | EventHas(aggregate=aggregate):
            return aggregate.user_zone
        case Sequence(user_zone=user_zone):
            return user_zone
        case _:
            return False


def _past(feature: FieldFeature, subject: Subject) -> Iterator[FeatureValue]:
    """The value of a field at T, and since when it is so."""
    yield _feature(feature, subject)
    field = subject.context.entity.field_named(feature.field)
    steps = [] if field is None else subject.user.steps(field)
    since = [step.since for step in steps if step.since <= subject.context.as_of]
    text = format_instant(since[-1]) if since else None
    yield FeatureValue(text=f"{feature.field} since", value=text)


def _moves(segment: str, subject: Subject) -> Iterator[FeatureValue]:
    """When the log last saw the user enter and exit, whatever the cause."""
    log, key = logged(segment, subject), subject.user.key
    for kind in ("entered", "exited"):
        found = [
            change.as_of
            for change in log
            if change.as_of <= subject.context.as_of
            and key in (change.entered if kind == "entered" else change.exited)
        ]
        text = format_instant(found[-1]) if found else None
        yield FeatureValue(text=f"{segment} {kind}", value=text)


def _periods(leaf: Periods, subject: Subject) -> FeatureValue:
    """The counts in the periods, newest first."""
    counts = counted(leaf, subject, matching_events)
    text = f"{line(words_of_feature(leaf.aggregate))}, newest period first"
    return FeatureValue(text=text, value=", ".join(map(str, counts)), events=sum(counts))


def _steps(leaf: Sequence, subject: Subject) -> Iterator[FeatureValue]:
    """Every step with the number of its events; of a sequence that holds also when it happened."""
    found = sequence_found(leaf, subject, matching_events)
    instants = iter(found or ())
    for step, every in step_instants(leaf, subject, matching_events):
        at = None if step.absent else next(instants, None)
        text = None if at is None else format_instant(at)
        yield FeatureValue(text=line(words_of_step(step)), value=text, events=len(every))


def _same(leaf: Same, subject: Subject) -> FeatureValue:
    """The values for which the predicate holds, and how many there are."""
    values = same_values(leaf, subject, holds)
    held = [value for value, holding in values if holding]
    name = ", ".join(f"{event}.{of}" for event, of in leaf.by)
    shown = f"{len(held)} of {len(values)}"
    return FeatureValue(
        text=name, value=f"{shown}: {', '.join(map(written, held))}" if held else shown
    )


def _feature(feature: Feature, subject: Subject) -> FeatureValue:
    value = feature_value(feature, subject)
    text = line(words_of_feature(feature))
    over = _aggregate(feature, subject)
    events = None if over is None else len(matching_events(over, subject))
    if isinstance(value, int) and _is_instant(feature, subject):
        return FeatureValue(text=text, value=format_instant(Instant(value)), events=events)
    return FeatureValue(text=text, value=None if value is None else written(value), events=events)


def _aggregate(feature: Feature, subject: Subject) -> Aggregate | None:
    """The aggregate that a feature is, or that a derived field stands for."""
    if isinstance(feature, FieldFeature):
        declared = subject.context.entity.field_named(feature.field)
        if declared is not None and declared.derived is not None:
            return _aggregate(declared.derived, subject)
    return feature if isinstance(feature, Aggregate) else None


def _is_instant(feature: Feature, subject: Subject) -> bool:
    match feature:
        case Aggregate(kind="first_time" | "last_time"):
            return True
        case Aggregate(kind="count" | "count_distinct" | "sum" | "avg"):
            return False
        case Aggregate(events=(event, *_), property=str(name)):
            described = subject.context.compiled.project.event(event)
            declared = described.property_named(name) if described else None
            return declared is not None and declared.type.name == "timestamp"
        case FieldFeature(field=name):
            field = subject.context.entity.field_named(name)
            return field is not None and field.type.name == "timestamp"
        case _:
            return False


def written(value: Value) -> str:
    """A value as people write it; a fraction without an end is cut off after six places."""
    match value:
        case bool():
            return "true" if value else "false"
        case Fraction():
            return _decimal(value)
        case date():
            return value.isoformat()
        case float():
            return repr(value)
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case str() | int() | Version():
            return str(value)


def _decimal(value: Fraction) -> str:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        digits = len(str(value.numerator)) + 4 * value.denominator.bit_length()
        with localcontext(prec=digits):
            return f"{Decimal(value.numerator) / value.denominator:f}"
    return f"{Decimal(int(value * 10**_PLACES)).scaleb(-_PLACES):f}…"
