"""Resolve: every name refers to something declared, of the right kind and entity."""

from segflow.compiler.codes import NOT_OF_ENTITY
from segflow.compiler.passes.draft import Draft, head_path, lacks
from segflow.compiler.passes.names import belongs, check_field, check_property, is_there
from segflow.compiler.passes.walk import Site
from segflow.compiler.storage import places_of_event, places_of_field
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Relation
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.predicate import (
    Aggregate,
    Changed,
    Consent,
    FieldFeature,
    InSegment,
    Members,
    PropertyFeature,
    Reachable,
    Same,
    Sequence,
    Sql,
    Transition,
    Via,
)
from segflow.model.project import KeyPath
from segflow.model.rule import Action, EventTrigger, IfStep, Rule, RuleStep, SendStep


def resolve(draft: Draft) -> Draft:
    """Report every name that refers to nothing, with the nearest one of its namespace."""
    for entity in draft.index.entities.values():
        _entity(draft, entity)
    for event in draft.index.events.values():
        _event(draft, event)
    for found in draft.project:
        if isinstance(found, Relation):
            _relation(draft, found)
        elif isinstance(found, ConsentTopic | Suppression | ContactAddress):
            _contact(draft, found)
    for segment in draft.index.segments.values():
        _object(draft, segment.address, ("entity",), "entity", segment.entity)
    for rule in draft.index.rules.values():
        _rule(draft, rule)
    for address, sites in draft.sites.items():
        for site in sites:
            _site(draft, address, site)
    return draft


# --- nodes -----------------------------------------------------------------------------------


def _site(draft: Draft, address: Address, site: Site) -> None:  # noqa: C901 - one arm per form
    node, path = site.node, site.path
    match node:
        case FieldFeature(field=name):
            check_field(draft, address, (*path, "field"), site.entity, name, site.events)
        case PropertyFeature():
            _property_test(draft, address, site, node)
        case Aggregate():
            _aggregate(draft, address, site, node)
        case InSegment(segment=name):
            belongs(draft, Address("segment", name), site.entity, address, (*path, "segment"))
        case Via(relation=name):
            _via(draft, address, site, name)
        case Members(entity=name):
            _members(draft, address, site, name)
        case Transition(kind=kind, segment=name):
            belongs(draft, Address("segment", name), site.entity, address, (*path, kind))
        case Consent(topic=name):
            belongs(draft, Address("consent", name), site.entity, address, (*path, "consent"))
        case Reachable(address=name):
            belongs(draft, Address("address", name), site.entity, address, (*path, "reachable"))
        case Changed(field=name):
            check_field(draft, address, (*path, "changed"), site.entity, name)
        case Sequence(by=by):
            _tied(draft, address, (*path, "by"), site.entity, by)
        case Same(by=by):
            _tied(draft, address, (*path, "same"), site.entity, by)
        case Sql(source=name):
            _object(draft, address, (*path, "source"), "source", name)
        case _:
            pass


def _aggregate(draft: Draft, address: Address, site: Site, aggregate: Aggregate) -> None:
    if all(_is_known(draft, event, aggregate, site.entity) for event in aggregate.events):
        return
    path = head_path(draft, address, aggregate, site.path)
    for number, name in enumerate(aggregate.events):
        here = (*path, number) if len(aggregate.events) > 1 else path
        if _object(draft, address, here, "event", name):
            _keyed_by(draft, address, here, name, site.entity)
            if aggregate.property is not None:
                check_property(draft, address, here, name, aggregate.property)


def _is_known(draft: Draft, event: str, aggregate: Aggregate, entity: str) -> bool:
    """The usual case, decided without looking for places in the text."""
    declared = draft.index.events.get(event)
    return (
        declared is not None
        and any(name == entity for name, _ in declared.entities)
        and (aggregate.property is None or aggregate.property in draft.index.properties[event])
    )


def _property_test(draft: Draft, address: Address, site: Site, node: PropertyFeature) -> None:
    for name in site.events:
        if name in draft.index.events:
            check_property(
                draft, address, (*site.path, "property"), name, node.property, site.entity
            )


def _tied(
    draft: Draft,
    address: Address,
    path: KeyPath,
    entity: str,
    by: tuple[tuple[str, str], ...],
) -> None:
    """Events with the property whose value they share."""
    for event, name in by:
        if _object(draft, address, (*path, event), "event", event, at_key=True):
            _keyed_by(draft, address, (*path, event), event, entity)
            check_property(draft, address, (*path, event), event, name)


def _keyed_by(draft: Draft, address: Address, path: KeyPath, event: str, entity: str) -> None:
    if not entity or entity not in draft.index.entities:
        return
    keyed = [name for name, _ in draft.index.events[event].entities]
    if lacks(keyed, entity) and all(name in draft.index.entities for name in keyed):
        draft.complain(
            NOT_OF_ENTITY,
            address,
            path,
            f"event {event!r} carries no key of entity {entity!r}",
            detail=f"it carries keys of: {', '.join(keyed)}",
            help=f"name the column under `entities:` of event {event}",
        )


def _via(draft: Draft, address: Address, site: Site, name: str) -> None:
    path = (*site.path, "via")
    if not _object(draft, address, path, "relation", name):
        return
    of = draft.index.relations[name].from_entity
    if of != site.entity and of in draft.index.entities and site.entity in draft.index.entities:
        draft.complain(
            NOT_OF_ENTITY,
            address,
            path,
            f"relation {name!r} leads from entity {of!r}, not from {site.entity!r}",
            help=f"name a relation of entity {site.entity}; `members: {of}` goes the other way",
        )


def _members(draft: Draft, address: Address, site: Site, name: str) -> None:
    path = (*site.path, "members")
    if not _object(draft, address, path, "entity", name) or site.entity not in draft.index.entities:
        return
    between = draft.project.relations_between(name, site.entity)
    if len(between) == 1 or draft.project.broken:
        return
    written = ", ".join(one.name for one in between) or "none"
    draft.complain(
        NOT_OF_ENTITY,
        address,
        path,
        f"one relation must lead from entity {name!r} to {site.entity!r}, there are {len(between)}",
        detail=f"relations between them: {written}",
        help="declare the relation in the catalog" if not between else "leave one of them",
    )


# --- the catalog and rules -------------------------------------------------------------------


def _entity(draft: Draft, entity: Entity) -> None:
    address = entity.address
    _object(draft, address, ("population", "source"), "source", entity.population.source)
    if entity.timezone_field is not None:
        check_field(draft, address, ("timezone", "field"), entity.name, entity.timezone_field)
    for field in entity.fields:
        for location, here in places_of_field(field):
            _object(draft, address, (*here, "source"), "source", location.source)
        if field.history is not None:
            path = ("fields", field.name, "history", "source")
            _object(draft, address, path, "source", field.history.source)


def _event(draft: Draft, event: Event) -> None:
    for at, here in places_of_event(event):
        _object(draft, event.address, (*here, "source"), "source", at.source)
    for name, _ in event.entities:
        path: KeyPath = ("entities", name)
        _object(draft, event.address, path, "entity", name, at_key=True)


def _relation(draft: Draft, relation: Relation) -> None:
    address = relation.address
    _object(draft, address, ("from", "entity"), "entity", relation.from_entity)
    _object(draft, address, ("to", "entity"), "entity", relation.to_entity)


def _contact(draft: Draft, one: ConsentTopic | Suppression | ContactAddress) -> None:
    address = one.address
    _object(draft, address, ("entity",), "entity", one.entity)
    if one.at is not None:
        _object(draft, address, ("at", "source"), "source", one.at.source)
    if not isinstance(one, ContactAddress):
        return
    if one.topic is not None:
        belongs(draft, Address("consent", one.topic), one.entity, address, ("topic",))
    if one.field is not None:
        check_field(draft, address, ("field",), one.entity, one.field)


def _rule(draft: Draft, rule: Rule) -> None:
    address = rule.address
    _object(draft, address, ("segment",), "segment", rule.segment)
    if isinstance(rule.trigger, EventTrigger):
        path: KeyPath = ("trigger", "event")
        event = rule.trigger.event
        if _object(draft, address, path, "event", event) and rule.trigger.key is not None:
            check_property(draft, address, ("trigger", "key"), event, rule.trigger.key)
    if rule.goal is not None:
        path, event = ("goal", "event"), rule.goal.event
        if _object(draft, address, path, "event", event) and rule.goal.value is not None:
            check_property(draft, address, ("goal", "value"), event, rule.goal.value)
    _actions(draft, address, ("send",), rule.send)
    for number, variant in enumerate(rule.variants):
        _actions(draft, address, ("variants", number, "send"), variant.send)
    _steps(draft, address, ("steps",), rule.steps)


def _steps(draft: Draft, address: Address, path: KeyPath, steps: tuple[RuleStep, ...]) -> None:
    for number, step in enumerate(steps):
        here = (*path, number)
        if isinstance(step, SendStep):
            _actions(draft, address, (*here, "send"), step.send)
        elif isinstance(step, IfStep):
            _steps(draft, address, (*here, "then"), step.then)
            _steps(draft, address, (*here, "else"), step.otherwise)


def _actions(draft: Draft, address: Address, path: KeyPath, actions: tuple[Action, ...]) -> None:
    for number, action in enumerate(actions):
        here = (*path, number)
        _object(draft, address, (*here, "channel"), "channel", action.channel)
        if action.offer is not None:
            _object(draft, address, (*here, "offer"), "offer", action.offer)


def _object(
    draft: Draft, address: Address, path: KeyPath, kind: str, name: str, *, at_key: bool = False
) -> bool:
    return is_there(draft, Address(kind, name), address, path, at_key=at_key)
