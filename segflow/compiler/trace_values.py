"""What the leaves of a predicate looked at for one user, written out; of an address never which."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from segflow.compiler.interpret import (
    address_text,
    feature_value,
    holds,
    logged,
    matching_events,
    related,
)
from segflow.compiler.passes.walk import features_of
from segflow.compiler.reference.contacts import consents, last_words, suppressing, suppressions
from segflow.compiler.reference.keys import sample_percent
from segflow.compiler.reference.periods import counted
from segflow.compiler.reference.same import same_values
from segflow.compiler.reference.sequences import sequence_found, step_instants
from segflow.compiler.values import Value, Version
from segflow.compiler.worlds import Subject, SuppressionRow
from segflow.model.instant import Instant, format_instant
from segflow.model.predicate import (
    Aggregate,
    AggregateKind,
    Changed,
    Consent,
    EventHas,
    Feature,
    FieldFeature,
    Held,
    InSegment,
    Members,
    Periods,
    Predicate,
    Rank,
    Reachable,
    Same,
    Sample,
    Sequence,
    Test,
    Transition,
    Via,
)
from segflow.model.wording_predicate import feature as words_of_feature
from segflow.model.wording_predicate import step as words_of_step
from segflow.model.wording_text import MASK, line

_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureValue:
    """What a feature was worth: `text` is the feature in the words of its YAML, `value` is written
    out (None: missing), `events` counts the events that an aggregate was over."""

    text: str
    value: str | None
    events: int | None = None


def leaf_values(  # noqa: C901 - one arm per form
    predicate: Predicate, subject: Subject
) -> Iterator[FeatureValue]:
    """What a leaf looked at, left side first."""
    match predicate:
        case Test() if predicate in subject.context.given:
            return  # its source told whether it holds, and no more
        case Test():
            yield from (_feature(one, subject) for one in features_of(predicate))
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
            yield from _place(predicate, subject)
        case Via() | Members() if predicate not in subject.context.given:
            yield _related(predicate, subject)
        case Consent():
            yield from _consent(predicate, subject)
        case Reachable():
            yield from _reachable(predicate, subject)
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


def _place(leaf: Rank, subject: Subject) -> Iterator[FeatureValue]:
    """The user's position among those that are ranked, where that is known."""
    places = subject.context.places
    if leaf in places:
        place = places[leaf]
        text = None if place is None else f"{place.position:,} of {place.size:,}"
        yield FeatureValue(text="position", value=text)


def _related(leaf: Via | Members, subject: Subject) -> FeatureValue:
    """The key of the one that a relation leads to, or for how many of those that lead here the
    predicate holds."""
    found = related(leaf, subject)
    if isinstance(leaf, Via):
        key = next((str(one.user.key) for one in found), None)
        return FeatureValue(text=leaf.relation, value=key)
    holding = sum(holds(leaf.where, one) for one in found)
    return FeatureValue(text=leaf.entity, value=f"{holding} of {len(found)}")


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


def _consent(leaf: Consent, subject: Subject) -> Iterator[FeatureValue]:
    """The user's last word on a topic, and since when it is that."""
    last = last_words(leaf.topic, subject)
    word = "granted" if consents(leaf, subject) else "denied"
    yield FeatureValue(text=leaf.topic, value=word if last else f"{word} by default")
    since = last[0].time if last else None
    text = None if since is None else format_instant(since)
    yield FeatureValue(text=f"{leaf.topic} since", value=text)


def _reachable(leaf: Reachable, subject: Subject) -> Iterator[FeatureValue]:
    """Whether there is an address, without saying which, and who forbids to write to it."""
    text = address_text(leaf, subject)
    shown = MASK if text else ""
    yield FeatureValue(text=leaf.address, value=None if text is None else shown)
    for one in suppressions(subject):
        rows = suppressing(one.name, leaf, text, subject)
        words = "; ".join(dict.fromkeys(map(_in_words, rows)))
        yield FeatureValue(text=str(one.address), value=words or "no")


def _in_words(row: SuppressionRow) -> str:
    since = "always" if row.time is None else f"since {format_instant(row.time)}"
    return f"{since}, {row.reason}" if row.reason else since
