"""What a predicate needs to be evaluated: facts about users, nested segments unfolded at T."""

from collections.abc import Iterator

from segflow.compiler.passes.walk import predicate_sites
from segflow.compiler.periods import period_counts
from segflow.model.catalog import Entity, Field
from segflow.model.compiled import Compiled
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Changed,
    Compare,
    Consent,
    EventHas,
    Feature,
    FieldFeature,
    Held,
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
    Scaled,
    Sequence,
    Test,
    Via,
)

Judgement = EventHas | Sequence | Same | Held | Changed | Rank | Via | Members | Consent | Reachable
"""Leaves that are judged over rows of their own: each is a fact about the user, true or not."""

Fact = Feature | Judgement
"""What is joined to a user's row, once per statement, however many leaves ask for it."""


def facts_of(predicate: Predicate, compiled: Compiled) -> tuple[Fact, ...]:
    """What a predicate about users asks of them, nested dynamic segments included; in the order in
    which it is first met, each once. What the `where` of an aggregate or the inside of a judgement
    asks is not among them: whoever joins those facts joins that, too."""
    found: dict[Fact, None] = {}
    for node in leaves(predicate, compiled):
        match node:
            case Test():
                found.update(dict.fromkeys(features_of(node)))
            case Periods():
                found.update(dict.fromkeys(period_counts(node)))
            case _ if isinstance(node, Judgement):
                found[node] = None
            case _:
                pass
    return tuple(found)


def leaves(predicate: Predicate, compiled: Compiled) -> Iterator[Predicate]:
    """Every leaf about the user in the boolean algebra of this predicate; a nested segment that is
    evaluated at T gives its own, one whose kept set is meant gives itself."""
    match predicate:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            for item in items:
                yield from leaves(item, compiled)
        case Not(item=item):
            yield from leaves(item, compiled)
        case InSegment():
            inlined = inlined_segment(predicate, compiled)
            if inlined is None:
                yield predicate
            else:
                yield from leaves(inlined, compiled)
        case _:
            yield predicate


def inlined_segment(leaf: InSegment, compiled: Compiled) -> Predicate | None:
    """The predicate that a nested segment stands for at T; None where its kept set is meant."""
    nested = compiled.segments[leaf.segment]
    return None if leaf.snapshot or nested.segment.mode == "static" else nested.where


def features_of(test: Test) -> Iterator[Feature]:
    """The tested feature and those on the right side."""
    yield test.feature
    for operator in test.operators:
        if isinstance(operator, Compare) and isinstance(operator.right, Scaled):
            yield operator.right.feature


def own_rows(aggregate: Aggregate) -> bool:
    """Whether an aggregate is made of rows of its own, and not in the one scan with the others."""
    return aggregate.kind == "mode"


def beyond_one_user(compiled: Compiled, name: str) -> tuple[Predicate, ...]:
    """The leaves of a segment, and of its population, that the rows of one user do not tell."""
    segment = compiled.segments[name]
    described = compiled.entities[segment.segment.entity].population.where
    wheres = (segment.where,) if described is None else (segment.where, described)
    return tuple(dict.fromkeys(leaf for where in wheres for leaf in _beyond(where, compiled)))


def _beyond(predicate: Predicate, compiled: Compiled) -> Iterator[Predicate]:
    for site in predicate_sites(predicate, (), ""):
        if isinstance(site.node, InSegment):
            nested = inlined_segment(site.node, compiled)
            if nested is not None:
                yield from _beyond(nested, compiled)
        elif isinstance(site.node, Rank):
            yield site.node


def stored_fact(fact: Fact, entity: Entity) -> Fact:
    """The fact itself, or of a derived field the feature that it stands for."""
    while isinstance(fact, FieldFeature):
        derived = declared_field(fact, entity).derived
        if derived is None:
            break
        fact = derived
    return fact


def declared_field(feature: FieldFeature, entity: Entity) -> Field:
    """The declared field; the pass `resolve` has seen to it that there is one."""
    field = entity.field_named(feature.field)
    if field is None:
        raise AssertionError(f"entity {entity.name} has no field {feature.field}")
    return field


def properties_of(aggregate: Aggregate) -> Iterator[str]:
    """The properties of its events that an aggregate reads."""
    if aggregate.property is not None:
        yield aggregate.property
    for feature in where_features(aggregate):
        if isinstance(feature, PropertyFeature):
            yield feature.property


def where_features(aggregate: Aggregate) -> Iterator[Feature]:
    """The features that the `where` of an aggregate tests: properties, and fields of the user."""
    if aggregate.where is not None:
        for site in predicate_sites(aggregate.where, (), "", aggregate.events):
            if isinstance(site.node, Test):
                yield from features_of(site.node)
