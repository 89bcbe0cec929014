"""Depends: what every object rests on directly, for impact and for the order of work."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from segflow.compiler.passes.draft import Draft
from segflow.compiler.passes.walk import Site
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Relation
from segflow.model.predicate import Aggregate, InSegment, Members, Same, Sql, Transition, Via
from segflow.model.project import Object, Project
from segflow.model.rule import Action, EventTrigger, IfStep, Rule, RuleStep, SendStep
from segflow.model.segment import Segment


def depends(draft: Draft) -> Draft:
    """Give every object the addresses that it names, in order."""
    found = {
        address: tuple(
            sorted(
                {*_named(one), *named_in(draft.sites.get(address, ()), draft.project)} - {address}
            )
        )
        for address, one in draft.project.objects.items()
    }
    return replace(draft, depends=found)


def named_in(sites: Iterable[Site], project: Project) -> Iterator[Address]:
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
            case Sql(source=name):
                yield Address("source", name)
            case _:
                pass


def _named(one: Object) -> Iterator[Address]:
    match one:
        case Segment(entity=entity):
            yield Address("entity", entity)
        case Entity():
            yield Address("source", one.population.source)
            for field in one.fields:
                for location in field.at:
                    yield Address("source", location.source)
        case Event():
            yield Address("source", one.at.source)
        case Relation():
            yield Address("entity", one.from_entity)
            yield Address("entity", one.to_entity)
        case Rule():
            yield from _of_rule(one)
        case _:
            pass


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
