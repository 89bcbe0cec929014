"""What a leaf reads of the catalog, and in which sources that is."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from segflow.compiler.passes.draft import Index
from segflow.compiler.passes.walk import Site, sites
from segflow.model.catalog import Entity
from segflow.model.predicate import (
    Aggregate,
    Changed,
    Consent,
    Feature,
    FieldFeature,
    Held,
    InSegment,
    Members,
    Predicate,
    Reachable,
    Same,
    Sequence,
    Test,
    Via,
)


class Mention(NamedTuple):
    """A table, and its column of keys of the users in question."""

    table: str
    key: str


class Place(NamedTuple):
    """Where something is in a source: a table, and its column of keys of the users in question;
    None where its rows are not about these."""

    table: str
    key: str | None

    @property
    def mention(self) -> Mention | None:
        """The table as one that mentions the users in question."""
        return None if self.key is None else Mention(self.table, self.key)


Places = Mapping[str, Place]
"""By source where something is."""


class Read(NamedTuple):
    """Something of the catalog that a leaf reads, in words, and where it may be read; fields and
    events have a name, by which a segment may choose."""

    what: str
    places: Places
    name: str | None = None

    def about_others(self) -> "Read":
        """The same, of users who are not in question."""
        return self._replace(places={one: Place(at.table, None) for one, at in self.places.items()})


def reads(leaf: Predicate | Feature, entity: str, index: Index) -> Iterator[Read]:
    """All that a leaf, or a feature, about users of an entity reads, perhaps more than once. What
    the index does not know is passed over: others report it."""
    for site in sites_below(leaf, entity, index):
        for read in _of_site(site, index):
            yield read if site.entity == entity else read.about_others()


def sites_below(
    node: Predicate | Feature, entity: str, index: Index, inside: frozenset[str] = frozenset()
) -> Iterator[Site]:
    """Every node of a leaf: in the segments that it names, in derived fields and in the populations
    of related entities, too. What it is `inside` of is not gone into again: a project that is
    judged may have cycles."""
    logged: Predicate | None = None
    for site in sites(node, (), entity, index.related):
        yield site
        if isinstance(site.node, Held):
            logged = site.node.item
        if site.node is logged:
            continue  # the log tells of it, and nobody asks whether it holds
        further = _further(site, index)
        if further is not None and further.name not in inside:
            of, below = further.entity, further.node
            yield from sites_below(below, of, index, inside | {further.name})


class _Further(NamedTuple):
    """What stands elsewhere and is meant by a node: its name, and of which entity it is."""

    name: str
    entity: str
    node: Predicate | Feature


def _further(site: Site, index: Index) -> _Further | None:
    match site.node:
        case InSegment(segment=name, snapshot=False):
            segment = index.segments.get(name)
            if segment is not None and segment.mode == "dynamic":
                return _Further(f"segment {name}", segment.entity, segment.where)
        case FieldFeature(field=name):
            field = index.fields.get(site.entity, {}).get(name)
            if field is not None and field.derived is not None:
                return _Further(f"field {site.entity} {name}", site.entity, field.derived)
        case Via() | Members():
            other = index.entities.get(_other(site.node, index))
            if other is not None and other.population.where is not None:
                return _Further(f"entity {other.name}", other.name, other.population.where)
        case _:
            pass
    return None


def _other(leaf: Via | Members, index: Index) -> str:
    """The entity that a leaf leads to."""
    return index.related.get(leaf.relation, "") if isinstance(leaf, Via) else leaf.entity


def _of_site(site: Site, index: Index) -> Iterator[Read]:
    entity = index.entities.get(site.entity)
    if entity is None:
        return
    node = site.node
    match node:
        case FieldFeature(field=name) | Changed(field=name):
            yield from _of_field(name, entity, index)
        case Aggregate(events=names):
            yield from (read for name in names for read in _of_event(name, entity, index))
        case Same(by=by):
            yield from (read for name, _ in by for read in _of_event(name, entity, index))
        case Held(item=Test()) if entity.population.since is not None:
            population = entity.population  # a value is held by users who are there all the time
            place = Place(population.table, population.key)
            yield Read("since when users exist", {population.source: place})
        case Via() | Members():
            yield from _of_relation(node, entity, index)
        case Consent(topic=name):
            yield from _of_topic(name, index)
        case Reachable(address=name):
            yield from _of_address(name, entity, index)
        case _:
            pass
    if isinstance(node, Test | Aggregate | Sequence) and node.user_zone:
        yield from _of_field(entity.timezone_field or "", entity, index)


def _of_field(name: str, entity: Entity, index: Index) -> Iterator[Read]:
    field = index.fields.get(entity.name, {}).get(name)
    if field is None:
        return
    population = entity.population
    if field.at:
        yield Read(
            f"field {name}",
            {at.source: Place(*population.rows_of(at)) for at in field.at},
            name,
        )
    history = field.history
    if history is not None:
        places = {history.source: Place(history.table, history.key)}
        yield Read(f"the history of field {name}", places)


def _of_event(name: str, entity: Entity, index: Index) -> Iterator[Read]:
    event = index.events.get(name)
    key = None if event is None else dict(event.entities).get(entity.name)
    if event is not None and key is not None:
        places = {at.source: Place(at.table, key) for at in event.tables}
        yield Read(f"event {name}", places, name)


def _of_relation(leaf: Via | Members, entity: Entity, index: Index) -> Iterator[Read]:
    """The keys that lead to others stand beside the population of those that lead."""
    other = index.entities.get(_other(leaf, index))
    if other is None:
        return
    there = other.population
    if isinstance(leaf, Via):
        here = entity.population
        yield Read(f"relation {leaf.relation}", {here.source: Place(here.table, here.key)})
        yield Read(f"entity {other.name}", {there.source: Place(there.table, None)})
        return
    for relation in index.relations.values():
        if (relation.from_entity, relation.to_entity) == (other.name, entity.name):
            place = Place(there.table, relation.from_column)
            yield Read(f"entity {other.name}", {there.source: place})


def _of_topic(name: str, index: Index) -> Iterator[Read]:
    topic = index.consents.get(name)
    if topic is not None and topic.at is not None:
        place = Place(topic.at.table, topic.at.key)
        yield Read(f"consent {name}", {topic.at.source: place})


def _of_address(name: str, entity: Entity, index: Index) -> Iterator[Read]:
    address = index.addresses.get(name)
    if address is None:
        return
    at = address.at
    if at is not None:
        place = Place(*entity.population.rows_of(at))
        yield Read(f"address {name}", {at.source: place})
    yield from _of_field(address.field or "", entity, index)
    yield from _of_topic(address.topic or "", index)
    for one in index.suppressions(entity.name):
        if one.at is not None:
            place = Place(one.at.table, one.at.key)
            yield Read(f"suppression {one.name}", {one.at.source: place})
