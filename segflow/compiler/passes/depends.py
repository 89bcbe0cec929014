"""Depends: what every object rests on directly, for impact and for the order of work."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from segflow.compiler.passes.draft import Draft
from segflow.compiler.passes.walk import Site
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Relation
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.predicate import (
    Aggregate,
    Consent,
    InSegment,
    Members,
    Reachable,
    Same,
    Sql,
    Transition,
    Via,
)
from segflow.model.project import Object, Project
from segflow.model.rule import Action, EventTrigger, IfStep, Rule, RuleStep, SendStep
from segflow.model.segment import Segment


def depends(draft: Draft) -> Draft:
    """Give every object the addresses that it names, in order."""
    found = {
        address: tuple(
            sorted(
                {
                    *_named(one, draft.project),
                    *named_in(draft.sites.get(address, ()), draft.project),
                }
                - {address}
            )
        )
        for address, one in draft.project.objects.items()
    }
    return replace(draft, depends=found)


def named_in(  # noqa: C901 - one arm per form
    sites: Iterable[Site], project: Project
) -> Iterator[Address]:
    """What the nodes of predicates name, and the relations that they go along."""
    for site in sites:
        match site.node:
            case Aggregate(events=events):
                for name in events:
                    yield Address("event", name)
            case InSegment(segment=name) | Transition(segment=name):
                yield Address("segment", name)
            case Via(relation=name):
                yield Address("relation", name)
            case Members(entity=name):
                yield from (one.address for one in project.relations_between(name, site.entity))
            case Same(by=by):
                for name, _ in by:
                    yield Address("event", name)
            case Consent(topic=name):
                yield Address("consent", name)
            case Reachable(address=name):
                yield Address("address", name)
            case Sql(source=name):
                yield Address("source", name)
            case _:
                pass


def _named(one: Object, project: Project) -> Iterator[Address]:
    match one:
        case Segment(entity=entity):
            yield Address("entity", entity)
        case Entity():
            yield Address("source", one.population.source)
            for field in one.fields:
                for location in field.at:
                    yield Address("source", location.source)
        case Event():
            for at in one.tables:
                yield Address("source", at.source)
        case Relation():
            yield Address("entity", one.from_entity)
            yield Address("entity", one.to_entity)
        case ConsentTopic() | Suppression() | ContactAddress():
            yield from _of_contact(one, project)
        case Rule():
            yield from _of_rule(one)
        case _:
            pass


def _of_contact(
    one: ConsentTopic | Suppression | ContactAddress, project: Project
) -> Iterator[Address]:
    """An address rests on whatever says that it is not to be used."""
    yield Address("entity", one.entity)
    if one.at is not None:
        yield Address("source", one.at.source)
    if isinstance(one, ContactAddress):
        if one.topic is not None:
            yield Address("consent", one.topic)
        yield from (found.address for found in project.suppressions(one.entity))


def _of_rule(rule: Rule) -> Iterator[Address]:
    yield Address("segment", rule.segment)
    if isinstance(rule.trigger, EventTrigger):
        yield Address("event", rule.trigger.event)
    if rule.goal is not None:
        yield Address("event", rule.goal.event)
    for action in (*rule.send, *(one for variant in rule.variants for one in variant.send)):
        yield from _of_action(action)
    yield from _of_steps(rule.steps)


def _of_steps(steps: tuple[RuleStep, ...]) -> Iterator[Address]:
    for step in steps:
        if isinstance(step, SendStep):
            for action in step.send:
                yield from _of_action(action)
        elif isinstance(step, IfStep):
            yield from _of_steps((*step.then, *step.otherwise))


def _of_action(action: Action) -> Iterator[Address]:
    yield Address("channel", action.channel)
    if action.offer is not None:
        yield Address("offer", action.offer)
