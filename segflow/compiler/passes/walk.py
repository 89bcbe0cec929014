"""Every node of a predicate with its way in the YAML and what its names refer to."""

from collections.abc import Iterator
from typing import NamedTuple

from segflow.model.catalog import Entity
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    EventHas,
    Feature,
    Held,
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
)
from segflow.model.predicate import Compare as CompareOperator
from segflow.model.project import KeyPath
from segflow.model.rule import EventTrigger, IfStep, Rule, RuleStep, WaitUntilStep
from segflow.model.segment import Segment


class Site(NamedTuple):
    """One predicate or feature. `entity` is the one whose fields are meant, `events` the events
    whose properties are (none outside of an event's `where`)."""

    node: Predicate | Feature
    path: KeyPath
    entity: str
    events: tuple[str, ...] = ()


def segment_sites(segment: Segment) -> Iterator[Site]:
    """Every node of a segment's `where`."""
    return predicate_sites(segment.where, ("where",), segment.entity)


def entity_sites(entity: Entity) -> Iterator[Site]:
    """Every node of a population's `where` and of derived fields."""
    if entity.population.where is not None:
        yield from predicate_sites(entity.population.where, ("population", "where"), entity.name)
    for field in entity.fields:
        if field.derived is not None:
            yield from feature_sites(field.derived, ("fields", field.name, "is"), entity.name)


def rule_sites(rule: Rule, entity: str) -> Iterator[Site]:
    """Every node of a rule's `where`, of its trigger's and of its steps' conditions."""
    if rule.where is not None:
        yield from predicate_sites(rule.where, ("where",), entity)
    if isinstance(rule.trigger, EventTrigger) and rule.trigger.where is not None:
        path: KeyPath = ("trigger", "where")
        yield from predicate_sites(rule.trigger.where, path, entity, (rule.trigger.event,))
    for condition, path in conditions(rule.steps, ("steps",)):
        yield from predicate_sites(condition, path, entity)


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
    node: Predicate, path: KeyPath, entity: str, events: tuple[str, ...] = ()
) -> Iterator[Site]:
    """The node and all below it, outermost first."""
    yield Site(node, path, entity, events)
    match node:
        case Test(feature=feature, operators=operators):
            yield from feature_sites(feature, path, entity, events)
            for operator in operators:
                yield from _operator_sites(operator, path, entity, events)
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            key = list_key(node)
            for number, item in enumerate(items):
                yield from predicate_sites(item, (*path, key, number), entity, events)
        case Not(item=item):
            yield from predicate_sites(item, (*path, "not"), entity, events)
        case _:
            yield from _rarer_sites(node, path, entity, events)


def _rarer_sites(
    node: Predicate, path: KeyPath, entity: str, events: tuple[str, ...]
) -> Iterator[Site]:
    """Below the forms that are no boolean algebra and no plain test."""
    match node:
        case Periods(aggregate=aggregate):
            yield from feature_sites(aggregate, path, entity, events)
        case EventHas(aggregate=aggregate, has=has):
            yield from feature_sites(aggregate, path, entity, events)
            yield from predicate_sites(has, (*path, "has"), entity, aggregate.events)
        case Sequence():
            for number, step in enumerate(node.steps):
                here = (*path, "sequence", number)
                yield from feature_sites(step_aggregate(step, node), here, entity)
        case Same(where=where):
            yield from predicate_sites(where, (*path, "where"), entity, events)
        case Held(item=item):
            yield from predicate_sites(item, (*path, "held"), entity, events)
        case Rank(feature=feature, among=among):
            yield from feature_sites(feature, (*path, "rank"), entity, events)
            if among is not None:
                yield from predicate_sites(among, (*path, "among"), entity, events)
        case _:
            pass  # nothing is below, or it speaks of another entity


def feature_sites(
    feature: Feature, path: KeyPath, entity: str, events: tuple[str, ...] = ()
) -> Iterator[Site]:
    """The feature and, of an aggregate, all in its `where`."""
    yield Site(feature, path, entity, events)
    if isinstance(feature, Aggregate) and feature.where is not None:
        yield from predicate_sites(feature.where, (*path, "where"), entity, feature.events)


def properties_in(predicate: Predicate, events: tuple[str, ...]) -> tuple[str, ...]:
    """The properties of the events that a predicate about one of them reads, in order of name."""
    nodes = (site.node for site in predicate_sites(predicate, (), "", events))
    return tuple(sorted({node.property for node in nodes if isinstance(node, PropertyFeature)}))


def tied_by(node: Predicate | Feature) -> tuple[tuple[str, str], ...]:
    """The events, each with its property, whose values a form ties together."""
    return node.by if isinstance(node, Sequence | Same) else ()


def step_aggregate(step: Step, leaf: Sequence) -> Aggregate:
    """The events of a step as a count of them, in the window if they must lie in it."""
    window = None if step.absent else leaf.window
    return Aggregate(kind="count", events=step.events, where=step.where, window=window)


def _operator_sites(
    operator: Operator, path: KeyPath, entity: str, events: tuple[str, ...]
) -> Iterator[Site]:
    if isinstance(operator, CompareOperator) and isinstance(operator.right, Scaled):
        yield from feature_sites(operator.right.feature, (*path, operator.op), entity, events)


def list_key(node: All | AnyOf | NoneOf) -> str:
    """The YAML key of a boolean list."""
    match node:
        case All():
            return "all"
        case AnyOf():
            return "any"
        case NoneOf():
            return "none"
