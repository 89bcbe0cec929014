"""Every node of a predicate with its way in the YAML and what its names refer to."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from segflow.model.catalog import Entity
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Consent,
    EventHas,
    Feature,
    Held,
    Members,
    NoneOf,
    Not,
    Operator,
    Periods,
    Predicate,
    PropertyFeature,
    Rank,
    Same,
    Scaled,
    Sequence,
    Step,
    Test,
    Via,
)
from segflow.model.predicate import Compare as CompareOperator
from segflow.model.project import KeyPath
from segflow.model.rule import EventTrigger, IfStep, Rule, RuleStep, WaitUntilStep
from segflow.model.segment import Segment

Related = Mapping[str, str]
"""The entity that each relation leads to, by the relation's name."""

UNRELATED: Related = MappingProxyType({})
"""For walks that do not go on to other entities by `via`."""


class Site(NamedTuple):
    """One predicate or feature. `entity` is the one whose fields are meant, `events` the events
    whose properties are (none outside of an event's `where`)."""

    node: Predicate | Feature
    path: KeyPath
    entity: str
    events: tuple[str, ...] = ()


def sites(
    node: Predicate | Feature, path: KeyPath, entity: str, related: Related = UNRELATED
) -> Iterator[Site]:
    """The node and all below it, as predicate_sites() and feature_sites() give them."""
    if isinstance(node, Feature):
        yield from feature_sites(node, path, entity, (), related)
    else:
        yield from predicate_sites(node, path, entity, (), related)


def segment_sites(segment: Segment, related: Related = UNRELATED) -> Iterator[Site]:
    """Every node of a segment's `where`."""
    return predicate_sites(segment.where, ("where",), segment.entity, (), related)


def entity_sites(entity: Entity, related: Related = UNRELATED) -> Iterator[Site]:
    """Every node of a population's `where` and of derived fields."""
    if entity.population.where is not None:
        path: KeyPath = ("population", "where")
        yield from predicate_sites(entity.population.where, path, entity.name, (), related)
    for field in entity.fields:
        if field.derived is not None:
            yield from feature_sites(field.derived, ("fields", field.name, "is"), entity.name)


def rule_sites(rule: Rule, entity: str, related: Related = UNRELATED) -> Iterator[Site]:
    """Every node of a rule's `where`, of its trigger's and of its steps' conditions, and the
    consent that it takes."""
    if rule.consent is not None:
        yield Site(Consent(topic=rule.consent), (), entity)
    if rule.where is not None:
        yield from predicate_sites(rule.where, ("where",), entity, (), related)
    if isinstance(rule.trigger, EventTrigger) and rule.trigger.where is not None:
        path: KeyPath = ("trigger", "where")
        yield from predicate_sites(rule.trigger.where, path, entity, (rule.trigger.event,))
    for condition, path in conditions(rule.steps, ("steps",)):
        yield from predicate_sites(condition, path, entity, (), related)


def conditions(steps: tuple[RuleStep, ...], path: KeyPath) -> Iterator[tuple[Predicate, KeyPath]]:
    """Every condition of a rule's steps."""
    for number, step in enumerate(steps):
        here = (*path, number)
        if isinstance(step, WaitUntilStep):
            yield step.until, (*here, "wait_until")
        elif isinstance(step, IfStep):
            yield step.condition, (*here, "if")
            yield from conditions(step.then, (*here, "then"))
            yield from conditions(step.otherwise, (*here, "else"))


def predicate_sites(
    node: Predicate,
    path: KeyPath,
    entity: str,
    events: tuple[str, ...] = (),
    related: Related = UNRELATED,
) -> Iterator[Site]:
    """The node and all below it, outermost first; on to the entities that relations lead to where
    `related` knows them."""
    yield Site(node, path, entity, events)
    match node:
        case Test(feature=feature, operators=operators):
            yield from feature_sites(feature, path, entity, events, related)
            for operator in operators:
                yield from _operator_sites(operator, path, entity, events, related)
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            key = list_key(node)
            for number, item in enumerate(items):
                yield from predicate_sites(item, (*path, key, number), entity, events, related)
        case Not(item=item):
            yield from predicate_sites(item, (*path, "not"), entity, events, related)
        case _:
            yield from _rarer_sites(node, path, entity, events, related)


def _rarer_sites(  # noqa: C901 - one arm per form
    node: Predicate, path: KeyPath, entity: str, events: tuple[str, ...], related: Related
) -> Iterator[Site]:
    """Below the forms that are no boolean algebra and no plain test."""
    match node:
        case Periods(aggregate=aggregate):
            yield from feature_sites(aggregate, path, entity, events, related)
        case EventHas(aggregate=aggregate, has=has):
            yield from feature_sites(aggregate, path, entity, events, related)
            yield from predicate_sites(has, (*path, "has"), entity, aggregate.events, related)
        case Sequence():
            for number, step in enumerate(node.steps):
                here = (*path, "sequence", number)
                yield from feature_sites(step_aggregate(step, node), here, entity, (), related)
        case Same(where=where):
            yield from predicate_sites(where, (*path, "where"), entity, events, related)
        case Held(item=item):
            yield from predicate_sites(item, (*path, "held"), entity, events, related)
        case Rank(feature=feature, among=among):
            yield from feature_sites(feature, (*path, "rank"), entity, events, related)
            if among is not None:
                yield from predicate_sites(among, (*path, "among"), entity, events, related)
        case Via(relation=relation, where=where) if relation in related:
            here = (*path, "where")
            yield from predicate_sites(where, here, related[relation], (), related)
        case Members(entity=other, where=where):
            yield from predicate_sites(where, (*path, "where"), other, (), related)
        case _:
            pass  # nothing is below, or nobody knows of which entity it speaks


def feature_sites(
    feature: Feature,
    path: KeyPath,
    entity: str,
    events: tuple[str, ...] = (),
    related: Related = UNRELATED,
) -> Iterator[Site]:
    """The feature and, of an aggregate, all in its `where`."""
    yield Site(feature, path, entity, events)
    if isinstance(feature, Aggregate) and feature.where is not None:
        yield from predicate_sites(feature.where, (*path, "where"), entity, feature.events, related)


def features_of(test: Test) -> Iterator[Feature]:
    """The tested feature and those on the right side."""
    yield test.feature
    for operator in test.operators:
        if isinstance(operator, CompareOperator) and isinstance(operator.right, Scaled):
            yield operator.right.feature


def properties_in(predicate: Predicate, events: tuple[str, ...]) -> tuple[str, ...]:
    """The properties of the events that a predicate about one of them reads, in order of name."""
    nodes = (site.node for site in predicate_sites(predicate, (), "", events))
    return tuple(sorted({node.property for node in nodes if isinstance(node, PropertyFeature)}))


def tied_by(node: Predicate | Feature) -> tuple[tuple[str, str], ...]:
    """The events, each with its property, whose values a form ties together."""
    return node.by if isinstance(node, Sequence | Same) else ()


def step_aggregate(step: Step, leaf: Sequence) -> Aggregate:
    """The events of a step as a count of them, in the window if they must lie in it."""
    return Aggregate(
        kind="count",
        events=step.events,
        where=step.where,
        window=None if step.absent else leaf.window,
        user_zone=leaf.user_zone and not step.absent,
    )


def _operator_sites(
    operator: Operator, path: KeyPath, entity: str, events: tuple[str, ...], related: Related
) -> Iterator[Site]:
    if isinstance(operator, CompareOperator) and isinstance(operator.right, Scaled):
        here = (*path, operator.op)
        yield from feature_sites(operator.right.feature, here, entity, events, related)


def list_key(node: All | AnyOf | NoneOf) -> str:
    """The YAML key of a boolean list."""
    match node:
        case All():
            return "all"
        case AnyOf():
            return "any"
        case NoneOf():
            return "none"
