"""What a predicate needs to be evaluated: features, kept sets, nested segments unfolded at T."""

from collections.abc import Iterator
from dataclasses import dataclass

from segflow.compiler.passes.walk import predicate_sites
from segflow.model.catalog import Entity, Field
from segflow.model.compiled import Compiled, list_set, segment_set
from segflow.model.predicate import (
    Aggregate,
    Compare,
    Feature,
    FieldFeature,
    InFile,
    InSegment,
    Predicate,
    PropertyFeature,
    Scaled,
    Test,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """In the order in which they are first met, each once. `features` are those of the user;
    what the `where` of an aggregate tests of the event is not among them."""

    features: tuple[Feature, ...]
    sets: tuple[str, ...]


def needs_of(predicate: Predicate, compiled: Compiled) -> Needs:
    """What a predicate about users needs, nested dynamic segments included."""
    features: dict[Feature, None] = {}
    sets: dict[str, None] = {}
    for node in leaves(predicate, compiled):
        match node:
            case Test():
                features.update(dict.fromkeys(features_of(node)))
            case InSegment(segment=name):
                sets[segment_set(name)] = None
            case InFile(path=path):
                sets[list_set(path)] = None
            case _:
                pass
    return Needs(features=tuple(features), sets=tuple(sets))


def leaves(predicate: Predicate, compiled: Compiled) -> Iterator[Predicate]:
    """Every predicate about the user below this one; a nested segment that is evaluated at T
    gives its own, one whose kept set is meant gives itself."""
    for site in predicate_sites(predicate, (), ""):
        if site.events or isinstance(site.node, Feature):
            continue
        inlined = inlined_segment(site.node, compiled) if isinstance(site.node, InSegment) else None
        if inlined is None:
            yield site.node
        else:
            yield from leaves(inlined, compiled)


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


def stored_feature(feature: Feature, entity: Entity) -> Feature:
    """The feature itself, or of a derived field the one that it stands for."""
    while isinstance(feature, FieldFeature):
        derived = declared_field(feature, entity).derived
        if derived is None:
            break
        feature = derived
    return feature


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
