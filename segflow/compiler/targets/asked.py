"""What predicates ask of one user, put as what is read of each source."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segflow.compiler.passes.walk import tied_by
from segflow.compiler.targets.needs import (
    declared_address,
    declared_field,
    declared_topic,
    own_sites,
    properties_of,
)
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.contact import Suppression
from segflow.model.predicate import (
    Aggregate,
    Changed,
    Consent,
    Feature,
    FieldFeature,
    Predicate,
    PropertyFeature,
    Reachable,
    Test,
)


@dataclass(slots=True, kw_only=True)
class Asked:
    """What is read of one source: stored fields, events with their properties, topics of consent,
    and suppressions with the kinds of addresses in question."""

    fields: list[FieldFeature] = field(default_factory=list)
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    topics: list[str] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    addresses: Sequence[str] = ()


def asked_of_sources(
    predicates: Sequence[Predicate], compiled: Compiled, entity: Entity
) -> dict[str, Asked]:
    """What predicates ask of one user, by source, that of the population among them. What lies in
    several is read of one; what is in documents only can't be read and is left out."""
    home = entity.population.source
    found = {home: Asked()}

    def asked(sources: Iterable[str]) -> Asked:
        named = sorted(sources, key=lambda one: one != home)
        readable = (one for one in named if not _has_documents(one, compiled))
        source = next(readable, None)
        return Asked() if source is None else found.setdefault(source, Asked())

    features = dict.fromkeys(
        feature for predicate in predicates for feature in _features(predicate, compiled, entity)
    )
    for one in features:
        if isinstance(one, FieldFeature):
            asked(at.source for at in declared_field(one, entity).at).fields.append(one)
    for name, properties in _read(features).items():
        event = compiled.project.event(name)
        assert event is not None, "the pass `resolve` has seen to it that there is one"
        asked(at.source for at in event.tables).events[name] = properties
    nodes = {site.node for one in predicates for site in own_sites(one, compiled)}
    addresses = sorted(node.address for node in nodes if isinstance(node, Reachable))
    topics = {node.topic for node in nodes if isinstance(node, Consent)}
    topics |= {declared_address(name, compiled).topic or "" for name in addresses} - {""}
    for name in sorted(topics):
        at = declared_topic(name, compiled).at
        assert at is not None, "the pass `supported` has seen to it"
        asked([at.source]).topics.append(name)
    for suppression in compiled.project.suppressions(entity.name) if addresses else ():
        assert suppression.at is not None, "the pass `supported` has seen to it"
        there = asked([suppression.at.source])
        there.suppressions.append(suppression)
        there.addresses = addresses
    return found


def _has_documents(name: str, compiled: Compiled) -> bool:
    source = compiled.project.source(name)
    return source is None or source.has_documents


def _features(predicate: Predicate, compiled: Compiled, entity: Entity) -> Iterator[Feature]:
    """Every stored field, property and aggregate that the predicate rests on, however deep."""
    for site in own_sites(predicate, compiled):
        match site.node:
            case FieldFeature():
                yield from _of_field(site.node, compiled, entity)
            case Reachable(address=name):
                yield FieldFeature(field=declared_address(name, compiled).text_field)
            case Changed(field=name):
                yield FieldFeature(field=name)
            case Aggregate():
                yield site.node
            case PropertyFeature(property=name):
                yield from (_read_of(event, name) for event in site.events)
            case _:
                yield from (_read_of(event, name) for event, name in tied_by(site.node))
        if isinstance(site.node, Test | Aggregate) and site.node.user_zone:
            yield from _zone_field(entity)


def _zone_field(entity: Entity) -> Iterator[FieldFeature]:
    if entity.timezone_field is not None:
        yield FieldFeature(field=entity.timezone_field)


def _read_of(event: str, name: str) -> Aggregate:
    """A property of an event that is read."""
    return Aggregate(kind="last", events=(event,), property=name)


def _of_field(feature: FieldFeature, compiled: Compiled, entity: Entity) -> Iterator[Feature]:
    derived = declared_field(feature, entity).derived
    if derived is None:
        yield feature
    elif isinstance(derived, FieldFeature):
        yield from _of_field(derived, compiled, entity)
    else:
        yield derived
        if isinstance(derived, Aggregate):
            if derived.user_zone:
                yield from _zone_field(entity)
            if derived.where is not None:
                yield from _features(derived.where, compiled, entity)


def _read(features: Iterable[Feature]) -> Mapping[str, tuple[str, ...]]:
    """The properties that are read of each event."""
    read: dict[str, dict[str, None]] = {}
    for feature in features:
        if isinstance(feature, Aggregate):
            for event in feature.events:
                read.setdefault(event, {}).update(dict.fromkeys(properties_of(feature)))
    return {event: tuple(properties) for event, properties in read.items()}
