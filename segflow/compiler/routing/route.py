"""A predicate as parts, each of which one source answers, and how the answers meet.

The population's own source answers for its users. Another one knows of no population: it is asked
for the users, among those of whom its tables speak, for whom the answer is another than for
somebody of whom they say nothing. All others are as that somebody is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple

from segflow.compiler.interpret import holds
from segflow.compiler.passes.draft import Index, index_of
from segflow.compiler.passes.reads import Mention, reads, sites_below
from segflow.compiler.passes.sources import Wishes, sources_of, sources_with, wished
from segflow.compiler.routing.choice import chosen
from segflow.compiler.routing.costs import Measured, price
from segflow.compiler.targets.needs import combined_leaves, inlined_segment
from segflow.compiler.targets.seen import seen_by_mentions, seen_when_sent
from segflow.compiler.targets.sql import select_keys
from segflow.compiler.worlds import Context, Subject, User, World
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled, query_set
from segflow.model.instant import Instant
from segflow.model.predicate import (
    All,
    AnyOf,
    Everyone,
    FieldFeature,
    InSegment,
    NoneOf,
    Not,
    Predicate,
    Rank,
    Sql,
)
from segflow.ports import Selection
from segflow.ports.documents import Difference, Given, Intersection, Joined, KeySet

People = Literal["own", "mentioned", "sent"]
"""Whom a source is asked about: its own population, those of whom its tables speak, or a population
whose keys it is given, which is needed where users are compared with each other."""


NO_WISHES: Wishes = MappingProxyType({})

_Place = tuple[str, People]


class Part(NamedTuple):
    """The keys, of such people of an entity, for whom a predicate holds in a source."""

    entity: str
    source: str
    people: People
    where: Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Parts by name, and the members as the sets of them, which meet outside of all sources."""

    parts: Mapping[str, Part]
    members: KeySet


@dataclass(frozen=True, kw_only=True)
class Router:
    """Routes of predicates of a compiled project as of an instant, by what was `measured`. A part
    that several routes have is called the same in all of them."""

    compiled: Compiled
    as_of: Instant
    measured: Measured = field(default_factory=dict)
    _names: dict[Part, str] = field(default_factory=dict)

    def segment(self, name: str) -> Route:
        """The route to the members of a segment by its definition, static or not."""
        segment = self.compiled.segments[name]
        wishes = dict(segment.segment.read_from)
        return self.route(segment.segment.entity, segment.where, wishes)

    def route(self, entity: str, where: Predicate, wishes: Wishes = NO_WISHES) -> Route:
        """The route to the users of an entity's population for whom a typed predicate holds; what
        is wished is done for every leaf that can be answered so."""
        home = self.compiled.entities[entity].population.source
        if self._sources <= {home}:
            part = Part(entity, home, "own", where)
            return Route(parts={self.named(part): part}, members=Given(self.named(part)))
        places = self._places(entity, self._options(entity, where, wishes))
        way = _Way(self, self.compiled.entities[entity], places)
        members = way.members(where)
        return Route(parts=way.parts, members=members)

    def dearer(self, name: str) -> Mapping[Predicate, str]:
        """The leaves of a segment that are answered where they are cheaper, each with the source
        that would be asked by the order in which places are declared."""
        segment = self.compiled.segments[name]
        entity, wishes = segment.segment.entity, dict(segment.segment.read_from)
        options = self._options(entity, segment.where, wishes)
        places = self._places(entity, options)
        by_order = chosen(options, self.compiled.entities[entity].population.source)
        return {leaf: one for leaf, one in by_order.items() if one != places[leaf][0]}

    def population(self, entity: str) -> Part:
        """The part that is the whole population of an entity."""
        home = self.compiled.entities[entity].population.source
        return Part(entity, home, "own", Everyone())

    def people(self, parts: Sequence[Part]) -> Entity:
        """The entity, as the source sees it, of parts that one source is asked about the same
        people."""
        (entity, source, people, _), *_ = parts
        declared = self.compiled.entities[entity]
        match people:
            case "own":
                return declared
            case "sent":
                return self.sent_to(source, entity)
            case "mentioned":
                mentions = (found for part in parts for found in self._mentions(part))
                return seen_by_mentions(declared, source, mentions)

    def selection(self, part: Part) -> Selection:
        """The query for the keys of a part."""
        return select_keys(self.compiled, self.people([part]), part.where, self.as_of)

    def sent_to(self, source: str, entity: str) -> Entity:
        """An entity as a source sees it that is given keys of it."""
        declared = self.compiled.entities[entity]
        is_home = declared.population.source == source
        return declared if is_home else seen_when_sent(declared, source)

    def fields(self, entity: str, names: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """Fields of an entity by the source that they are read from, which gives rows."""
        found: dict[str, list[str]] = {}
        for name in names:
            sources = sources_with(FieldFeature(field=name), entity, self.index)
            found.setdefault(next(filter(self._gives_rows, sources)), []).append(name)
        return found

    def tables(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """The tables of their sources that are read for parts, as far as the catalog tells."""
        found: dict[str, None] = {}
        for part in parts:
            of = list(leaves(part.where, self.compiled))
            if part.people == "own":
                population = self.compiled.entities[part.entity].population
                found[population.table] = None
                of += [] if population.where is None else [population.where]
            found |= dict.fromkeys(self._read_for(of, part.entity, part.source))
        return tuple(found)

    def queries(self, part: Part) -> frozenset[str]:
        """The names of the id sets that queries in a part's predicate give."""
        return frozenset(
            query_set(
                site.node.source, site.node.query, self.compiled.entities[site.entity].key_type
            )
            for site in sites_below(part.where, part.entity, self.index)
            if isinstance(site.node, Sql)
        )

    def price(self, of: Iterable[Predicate], entity: str, source: str) -> float | None:
        """What it is taken to cost to read, in a source, all that leaves need; None where that of a
        table was never measured."""
        return price(self._read_for(of, entity, source), source, self.measured)

    def _read_for(self, of: Iterable[Predicate], entity: str, source: str) -> Sequence[str]:
        """The tables of a source that are read for leaves."""
        every = (read for leaf in of for read in reads(leaf, entity, self.index))
        found = (read.places.get(source) for read in every)
        return list(dict.fromkeys(at.table for at in found if at is not None))

    def unread(self, name: str) -> Iterator[Predicate]:
        """The leaves of a segment of which not all that they read can be had as rows."""
        segment = self.compiled.segments[name]
        for leaf in leaves(segment.where, self.compiled):
            for read in reads(leaf, segment.segment.entity, self.index):
                if not any(map(self._gives_rows, read.places)):
                    yield leaf
                    break

    def _gives_rows(self, source: str) -> bool:
        return not self.index.sources[source].has_documents

    @cached_property
    def _sources(self) -> frozenset[str]:
        """All sources that anything of the catalog lies in."""
        index = self.index
        entities = [*index.entities.values()]
        fields = [field for entity in entities for field in entity.fields]
        tables = [
            *(one.at for one in index.consents.values()),
            *(one.at for one in index.addresses.values()),
            *(one.at for one in index.suppressed),
        ]
        return frozenset(
            [
                *(entity.population.source for entity in entities),
                *(at.source for field in fields for at in field.at),
                *(field.history.source for field in fields if field.history is not None),
                *(at.source for event in index.events.values() for at in event.tables),
                *(at.source for at in tables if at is not None),
            ]
        )

    @cached_property
    def index(self) -> Index:
        """The names of the project."""
        return index_of(self.compiled.project)

    def named(self, part: Part) -> str:
        """The name of a part."""
        return self._names.setdefault(part, f"{part.source} {len(self._names) + 1}")

    def _options(
        self, entity: str, where: Predicate, wishes: Wishes
    ) -> Mapping[Predicate, Sequence[str]]:
        """The sources that may answer each leaf."""
        options = {}
        for leaf in leaves(where, self.compiled):
            found = sources_of(leaf, entity, self.index)
            options[leaf] = wished(found, leaf, entity, self.index, wishes) or found
        return options

    def _places(
        self, entity: str, options: Mapping[Predicate, Sequence[str]]
    ) -> Mapping[Predicate, _Place]:
        """Where each leaf is answered, and about whom."""
        home = self.compiled.entities[entity].population.source

        def cost(source: str, leaf: Predicate) -> float | None:
            return self.price([leaf], entity, source)

        return {
            leaf: (source, "own" if source == home else self._people(leaf, entity))
            for leaf, source in chosen(options, home, cost).items()
        }

    def _people(self, leaf: Predicate, entity: str) -> People:
        """About whom a source without the population is asked: where users of it are compared with
        each other, all of them have to be sent."""
        below = sites_below(leaf, entity, self.index)
        compares = any(isinstance(one.node, Rank) and one.entity == entity for one in below)
        return "sent" if compares else "mentioned"

    def _mentions(self, part: Part) -> Iterator[Mention]:
        for leaf in leaves(part.where, self.compiled):
            for read in reads(leaf, part.entity, self.index):
                mention = read.places[part.source].mention
                if mention is not None:
                    yield mention


def leaves(predicate: Predicate, compiled: Compiled) -> Iterator[Predicate]:
    """Those of combined_leaves() that somebody has to answer, which `everyone` is not."""
    return (leaf for leaf in combined_leaves(predicate, compiled) if leaf != Everyone())


class _Side(NamedTuple):
    """Those of the keys, or (`outside`) all others of the population. `bounded` are keys none of
    which is outside of the population."""

    keys: KeySet
    outside: bool = False
    bounded: bool = False


@dataclass(frozen=True)
class _Way:
    """One predicate on its way: `parts` gathers what is asked."""

    router: Router
    entity: Entity
    places: Mapping[Predicate, _Place]
    parts: dict[str, Part] = field(default_factory=dict)

    def members(self, where: Predicate) -> KeySet:
        """Those of the population for whom the predicate holds."""
        side = self._side(where)
        if side.bounded and not side.outside:
            return side.keys
        everyone = self._asked(self.router.population(self.entity.name))
        if side.outside:
            return Difference(everyone, side.keys)
        return Intersection((everyone, side.keys))

    def _side(self, node: Predicate) -> _Side:
        places = self._places_of(node)
        if len(places) == 1:
            return self._answer(next(iter(places)), node)
        match node:
            case All(items=items):
                return _in_all(self._sides(items, All))
            case AnyOf(items=items):
                return _opposite(_in_all(map(_opposite, self._sides(items, AnyOf))))
            case NoneOf(items=items):
                return _in_all(map(_opposite, self._sides(items, AnyOf)))
            case Not(item=item):
                return _opposite(self._side(item))
            case InSegment() if inlined := inlined_segment(node, self.router.compiled):
                return self._side(inlined)
            case _:
                raise AssertionError(f"{type(node).__name__} is a leaf, which has one source")

    def _sides(
        self, items: Iterable[Predicate], together: Callable[..., Predicate]
    ) -> Iterator[_Side]:
        """The sides of the items; what one source answers is put into one question."""
        alike: dict[_Place, list[Predicate]] = {}
        for item in items:
            places = self._places_of(item)
            if len(places) == 1:
                alike.setdefault(next(iter(places)), []).append(item)
            else:
                yield self._side(item)
        for place, found in alike.items():
            node = found[0] if len(found) == 1 else together(items=tuple(found))
            yield self._answer(place, node)

    def _places_of(self, node: Predicate) -> frozenset[_Place]:
        """Where the leaves of a predicate are answered, and about whom."""
        home = self.entity.population.source
        found = frozenset(map(self.places.__getitem__, leaves(node, self.router.compiled)))
        return found or frozenset([(home, "own")])

    def _answer(self, place: _Place, node: Predicate) -> _Side:
        source, people = place
        if people != "mentioned":
            return _Side(self._asked(Part(self.entity.name, source, people, node)), bounded=True)
        outside = self._holds_of_nobody(node)
        where = _negated(node) if outside else node
        return _Side(self._asked(Part(self.entity.name, source, people, where)), outside=outside)

    def _asked(self, part: Part) -> Given:
        name = self.router.named(part)
        self.parts[name] = part
        return Given(name)

    def _holds_of_nobody(self, node: Predicate) -> bool:
        """Whether a predicate holds for somebody of whom nothing is known."""
        compiled = self.router.compiled
        context = Context(
            compiled=compiled,
            entity=self.entity,
            as_of=self.router.as_of,
            worlds={name: World(users=()) for name in compiled.entities},
        )
        nobody = User(key="" if self.entity.key_type == "string" else 0)
        return holds(node, Subject(context=context, user=nobody, events=(), segment=""))


def _negated(node: Predicate) -> Predicate:
    return node.item if isinstance(node, Not) else Not(item=node)


def _opposite(side: _Side) -> _Side:
    return side._replace(outside=not side.outside)


def _in_all(sides: Iterable[_Side]) -> _Side:
    """Who is on all of the sides, of which there is one at least."""
    inside: list[_Side] = []
    out: list[KeySet] = []
    for side in sides:
        if side.outside:
            out.append(side.keys)
        else:
            inside.append(side)
    without = None if not out else out[0] if len(out) == 1 else Joined(tuple(out))
    if not inside:
        assert without is not None
        return _Side(without, outside=True)
    keys = inside[0].keys if len(inside) == 1 else Intersection(tuple(one.keys for one in inside))
    if without is not None:
        keys = Difference(keys, without)
    return _Side(keys, bounded=any(one.bounded for one in inside))
