"""Projects of tests whose data lie in several sources: each table only where the catalog says."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from segflow.compiler.passes.draft import Index, index_of
from segflow.compiler.passes.reads import reads
from segflow.compiler.passes.walk import segment_sites
from segflow.compiler.pipeline import compile_project
from segflow.compiler.routing.route import Route, Router
from segflow.compiler.worlds import World
from segflow.executor.answers import Answers
from segflow.membership.sets import put_together
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Field, Source
from segflow.model.compiled import Compiled
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import InSegment, Sql
from segflow.model.project import Object, Project
from segflow.model.segment import Segment
from segflow.ports import Engine
from tests.agreement.choices import Pick
from tests.agreement.data import Tables
from tests.agreement.forms.log import log_sets
from tests.agreement.hosts import Host
from tests.agreement.sides import kept_sets
from tests.executor.worlds import asking

Hosts = Sequence[Host]


def spread(project: Project, hosts: Hosts, pick: Pick) -> Project:
    """The project with a source on each host, and all that it declares somewhere; events and fields
    in several of them at times. Segments that no sources can answer so are left out."""
    names = [host.name for host in hosts]
    objects: dict[Address, Object] = {}
    for host in hosts:
        (source,) = (one for one in host.of(project) if isinstance(one, Source))
        named = replace(source, name=host.name)
        objects[named.address] = named
    homes = {one.name: pick.one(names) for one in project if isinstance(one, Entity)}
    usual = {kind: pick.one(names) for kind in ("fields", "events", "contacts")}
    needed = _needed(index_of(project), homes, usual["events"])

    def places(what: str, kind: str) -> list[str]:
        """Where the most of a kind are, now and then another source, too or instead; and where
        something has to be."""
        others = pick.some(names, 1) if pick.chance(3) else []
        common = [] if others and pick.chance(2) else [usual[kind]]
        return list(dict.fromkeys([*sorted(needed[what]), *others, *common]))

    for address, found in project.objects.items():
        match found:
            case Entity():
                objects[address] = _entity(found, homes[found.name], places)
            case Event():
                objects[address] = _event(found, places(f"event {found.name}", "events"))
            case ConsentTopic(at=at) | Suppression(at=at) | ContactAddress(at=at) if at is not None:
                there = pick.one(names) if pick.chance(6) else usual["contacts"]
                objects[address] = replace(found, at=replace(at, source=there))  # type: ignore[arg-type]
            case Source():
                pass
            case _:
                objects[address] = found
    return _answerable(replace(project, objects=objects))


def _needed(index: Index, homes: Mapping[str, str], events: str) -> Mapping[str, set[str]]:
    """Where things must be, by their words: what populations rest on beside them, what derived
    fields are made of in one source."""
    found: dict[str, set[str]] = defaultdict(set)
    for entity in index.entities.values():
        resting = [(entity.population.where, homes[entity.name])]
        resting += [(field.derived, events) for field in entity.fields]
        for one, source in resting:
            for read in () if one is None else reads(one, entity.name, index):
                found[read.what].add(source)
    return found


def _entity(entity: Entity, home: str, places: Callable[[str, str], list[str]]) -> Entity:
    population = entity.population

    def placed(field: Field) -> Field:
        if not field.at:
            return field
        (at,) = field.at
        at = replace(at, table=at.table or population.table, key=at.key or population.key)
        sources = places(f"field {field.name}", "fields")
        history = field.history and replace(field.history, source=sources[0])
        return replace(field, at=tuple(replace(at, source=one) for one in sources), history=history)

    return replace(
        entity,
        population=replace(population, source=home),
        fields=tuple(map(placed, entity.fields)),
    )


def _event(event: Event, sources: list[str]) -> Event:
    at, *copies = (replace(event.at, source=one) for one in sources)
    return replace(event, at=at, copies=tuple(copies))


def _answerable(project: Project) -> Project:
    """The project without the segments that are refused, ask queries, or rest on such."""
    objects = dict(project.objects)
    gone = {one.name for one in project.segments() if _asks(one, Sql)}
    while True:
        while gone:
            objects = {
                address: found
                for address, found in objects.items()
                if not (isinstance(found, Segment) and found.name in gone)
            }
            left = [one for one in objects.values() if isinstance(one, Segment)]
            gone = {one.name for one in left if not _named(one) <= {other.name for other in left}}
        found, report = compile_project(replace(project, objects=objects))
        if found is not None:
            return found.project
        gone = {str(one.address).removeprefix("segment.") for one in report}
        assert gone <= {one.name for one in project.segments()}, [one.summary for one in report]


def _asks(segment: Segment, form: type) -> bool:
    return any(isinstance(site.node, form) for site in segment_sites(segment))


def _named(segment: Segment) -> set[str]:
    nodes = (site.node for site in segment_sites(segment))
    return {getattr(node, "segment", "") for node in nodes if isinstance(node, InSegment)} | {
        name for name in _logged(segment)
    }


def _logged(segment: Segment) -> Iterator[str]:
    for site in segment_sites(segment):
        name = getattr(site.node, "segment", None)
        if isinstance(name, str):
            yield name


def tables_of(host: Host, project: Project, tables: Tables) -> Tables:
    """The rows of the tables that lie in a host's source; others are there and empty."""
    here = set(_tables_in(host.name, project))
    return {name: rows if name in here else [] for name, rows in tables.items()}


def _tables_in(source: str, project: Project) -> Iterator[str]:
    for found in project:
        match found:
            case Entity():
                if found.population.source == source:
                    yield found.population.table
                for field in found.fields:
                    yield from (at.table or "" for at in field.at if at.source == source)
                    if field.history is not None and field.history.source == source:
                        yield field.history.table
            case Event():
                yield from (at.table for at in found.tables if at.source == source)
            case ConsentTopic(at=at) | Suppression(at=at) | ContactAddress(at=at) if at is not None:
                if at.source == source:
                    yield at.table or ""
            case _:
                pass


@contextmanager
def opened(
    example: Project, routed: Project, hosts: Hosts, tables: Tables, folder: Path,
    stored_as: Mapping[str, str],
) -> Iterator[Callable[[Source], Engine]]:  # fmt: skip
    """The engines of a routed project, with the tables of the example written into each."""
    with ExitStack() as stack:
        engines = {}
        for host in hosts:
            there = folder / host.name
            there.mkdir(exist_ok=True)
            moved = host.of(example)
            host.write(there, moved, tables_of(host, routed, tables), stored_as)
            engines[host.name] = stack.enter_context(host.opened(moved, there))
        yield lambda source: engines[source.name]


def routed_sets(
    compiled: Compiled,
    world: World,
    engines: Callable[[Source], Engine],
    names: Sequence[str],
    as_of: Instant,
) -> tuple[Mapping[str, Route], Mapping[str, frozenset[Key]]]:
    """The routes of segments, and their members, asked of all sources together as a refresh asks;
    every third of them by itself."""
    router = Router(compiled=compiled, as_of=as_of)
    recorded = {name: keys for name, keys in world.snapshots.items() if name in compiled.segments}
    given = {**kept_sets(compiled, recorded), **log_sets(compiled, world.logs, as_of)}

    answers = Answers(router, asking(engines), given.__getitem__)
    routes = {name: router.segment(name) for name in names}
    shared = answers.to_all(
        {title: part for route in routes.values() for title, part in route.parts.items()}, []
    )
    found = {}
    for number, (name, route) in enumerate(routes.items()):
        own = {
            title: answers.to(part, []) if number % 3 == 0 or title not in shared else shared[title]
            for title, part in route.parts.items()
        }
        found[name] = frozenset(put_together(route.members, own))
    return routes, found
