"""Resolve: every name refers to something declared, of the right kind and entity."""

from collections.abc import Iterable

from segflow.compiler.codes import NOT_OF_ENTITY, UNKNOWN
from segflow.compiler.passes.draft import Draft, head_path, lacks, nearest
from segflow.compiler.passes.walk import Site
from segflow.model.address import Address, is_name
from segflow.model.catalog import Entity, Event, Relation
from segflow.model.predicate import (
    Aggregate,
    Changed,
    FieldFeature,
    InSegment,
    Members,
    PropertyFeature,
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
    for segment in draft.index.segments.values():
        _object(draft, segment.address, ("entity",), "entity", segment.entity)
    for rule in draft.index.rules.values():
        _rule(draft, rule)
    for address, sites in draft.sites.items():
        for site in sites:
            _site(draft, address, site)
    return draft


def is_there(
    draft: Draft, wanted: Address, address: Address, path: KeyPath, *, at_key: bool = False
) -> bool:
    """Whether an object exists that another one names at a path; its absence is reported, unless
    it may be one that could not be read."""
    return _object(draft, address, path, wanted.kind, wanted.name, at_key=at_key)


# --- nodes -----------------------------------------------------------------------------------


def _site(draft: Draft, address: Address, site: Site) -> None:  # noqa: C901 - one arm per form
    node, path = site.node, site.path
    match node:
        case FieldFeature(field=name):
            _field(draft, address, (*path, "field"), site.entity, name, site.events)
        case PropertyFeature():
            _property_test(draft, address, site, node)
        case Aggregate():
            _aggregate(draft, address, site, node)
        case InSegment(segment=name):
            _segment(draft, address, (*path, "segment"), site.entity, name)
        case Via(relation=name):
            _via(draft, address, site, name)
        case Members(entity=name):
            _members(draft, address, site, name)
        case Transition(kind=kind, segment=name):
            _segment(draft, address, (*path, kind), site.entity, name)
        case Changed(field=name):
            _field(draft, address, (*path, "changed"), site.entity, name)
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
                _property(draft, address, here, name, aggregate.property)


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
            _property(draft, address, (*site.path, "property"), name, node.property, site.entity)


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
            _property(draft, address, (*path, event), event, name)


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


def _segment(draft: Draft, address: Address, path: KeyPath, entity: str, name: str) -> None:
    if not _object(draft, address, path, "segment", name):
        return
    other, known = draft.index.segments[name].entity, draft.index.entities
    if other != entity and other in known and entity in known:
        draft.complain(
            NOT_OF_ENTITY,
            address,
            path,
            f"segment {name!r} is of entity {other!r}, not of {entity!r}",
            help=f"name a segment of entity {entity}",
        )


# --- the catalog and rules -------------------------------------------------------------------


def _entity(draft: Draft, entity: Entity) -> None:
    address = entity.address
    _object(draft, address, ("population", "source"), "source", entity.population.source)
    if entity.timezone_field is not None:
        _field(draft, address, ("timezone", "field"), entity.name, entity.timezone_field)
    for field in entity.fields:
        at: KeyPath = ("fields", field.name, "at")
        for number, location in enumerate(field.at):
            here = (*at, number) if len(field.at) > 1 else at
            _object(draft, address, (*here, "source"), "source", location.source)
        if field.history is not None:
            path = ("fields", field.name, "history", "source")
            _object(draft, address, path, "source", field.history.source)


def _event(draft: Draft, event: Event) -> None:
    _object(draft, event.address, ("at", "source"), "source", event.at.source)
    for name, _ in event.entities:
        path: KeyPath = ("entities", name)
        _object(draft, event.address, path, "entity", name, at_key=True)


def _relation(draft: Draft, relation: Relation) -> None:
    address = relation.address
    _object(draft, address, ("from", "entity"), "entity", relation.from_entity)
    _object(draft, address, ("to", "entity"), "entity", relation.to_entity)


def _rule(draft: Draft, rule: Rule) -> None:
    address = rule.address
    _object(draft, address, ("segment",), "segment", rule.segment)
    if isinstance(rule.trigger, EventTrigger):
        path: KeyPath = ("trigger", "event")
        event = rule.trigger.event
        if _object(draft, address, path, "event", event) and rule.trigger.key is not None:
            _property(draft, address, ("trigger", "key"), event, rule.trigger.key)
    if rule.goal is not None:
        path, event = ("goal", "event"), rule.goal.event
        if _object(draft, address, path, "event", event) and rule.goal.value is not None:
            _property(draft, address, ("goal", "value"), event, rule.goal.value)
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


# --- names -----------------------------------------------------------------------------------


def _object(
    draft: Draft,
    address: Address,
    path: KeyPath,
    kind: str,
    name: str,
    *,
    at_key: bool = False,
) -> bool:
    """True where an object of that kind and name exists; else its absence is reported, unless the
    name could not be read, or what is called so could not."""
    wanted = Address(kind, name)
    if wanted in draft.project.objects:
        return True
    if name and wanted not in draft.project.broken:
        _unknown(draft, address, path, kind, name, at_key=at_key)
    return False


def _unknown(
    draft: Draft, address: Address, path: KeyPath, kind: str, name: str, *, at_key: bool
) -> None:
    written = (found.name for found in draft.project.objects if found.kind == kind)
    names = sorted(name for name in written if is_name(name))
    near = nearest(name, names)
    broken = draft.project.broken
    if near is None and any(one.kind == kind and one.name.startswith(":") for one in broken):
        return  # it may be the one whose name could not be read
    if any(one.kind == "blueprint" for one in broken):
        return  # it may be made by the one that could not be read
    draft.complain(
        UNKNOWN,
        address,
        path,
        f"there is no {kind} {name!r}",
        at_key=at_key,
        help=_suggest(draft, Address(kind, near), (), near) if near else _known(kind, names),
    )


def _field(
    draft: Draft,
    address: Address,
    path: KeyPath,
    entity: str,
    name: str,
    events: tuple[str, ...] = (),
) -> None:
    """Report a field that an entity lacks; in the `where` of `events` it may be their property."""
    fields = draft.index.fields.get(entity)
    if fields is None or not lacks(fields, name):
        return
    owner = next((one for one in events if name in draft.index.properties.get(one, {})), None)
    draft.complain(
        UNKNOWN,
        address,
        path,
        f"entity {entity!r} has no field {name!r}",
        help=f"it is a property of event {owner}: write `property: {name}`"
        if owner
        else field_hint(draft, entity, name),
    )


def field_hint(draft: Draft, entity: str, name: str) -> str:
    """What to write instead of a field that a declared entity does not have."""
    fields = draft.index.fields[entity]
    near = nearest(name, fields)
    if near is None:
        return _known("field", fields)
    return _suggest(draft, Address("entity", entity), ("fields", near), near)


def _property(
    draft: Draft, address: Address, path: KeyPath, event: str, name: str, entity: str = ""
) -> None:
    """Report a property that an event lacks; in its `where` it may be a field of the `entity`."""
    properties = draft.index.properties.get(event)
    if properties is None or not lacks(properties, name):
        return
    draft.complain(
        UNKNOWN,
        address,
        path,
        f"event {event!r} has no property {name!r}",
        help=f"it is a field of entity {entity}: write `field: {name}`"
        if name in draft.index.fields.get(entity, {})
        else _property_hint(draft, event, name),
    )


def _property_hint(draft: Draft, event: str, name: str) -> str:
    properties = draft.index.properties[event]
    near = nearest(name, properties)
    if near is None:
        return _known("property", properties)
    return _suggest(draft, Address("event", event), ("properties", near), near)


def _suggest(draft: Draft, owner: Address, path: KeyPath, near: str) -> str:
    span = draft.declared(owner, path)
    where = "" if span is None else f", declared at {span.path}:{span.line}"
    return f"did you mean {near!r}{where}?"


def _known(kind: str, names: Iterable[str]) -> str:
    known = ", ".join(sorted(names)[:10])
    return f"known: {known}" if known else f"no {kind} is declared yet"
