"""segflow compile: the queries that a segment becomes, for a person to read."""

from dataclasses import dataclass

from segflow.app.segments import readable
from segflow.app.wiring import World
from segflow.compiler.routing.costs import by_table
from segflow.compiler.routing.reasons import why
from segflow.compiler.routing.route import People, Router
from segflow.compiler.routing.worded import how_they_meet
from segflow.errors import RefusedError
from segflow.executor.answers import source_of
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.wording import phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class PartQuery:
    """A part of a segment: what a source is asked, and its query with the parameters filled in.
    `because` says why it is asked of this source."""

    name: str
    source: str
    engine: str
    people: People
    asks: str
    because: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The parts of a segment, which has so many sources, and in words how their sets meet; None for
    a part alone."""

    parts: tuple[PartQuery, ...]
    meet: str | None
    sources: int


def routing(
    world: World, compiled: Compiled, name: str, engine: str | None, as_of: Instant | None
) -> Routing:
    """The queries for a segment of the working tree at an instant (None: now), each in the language
    of its source's engine; those of one engine, where it is named. Nothing is run.

    Raises RefusedError for an unknown segment and for an engine that is not asked,
    InvalidProjectError where a source is not as the catalog says.
    """
    readable(world, compiled, name)
    instant = Instant(world.clock.now()) if as_of is None else as_of
    measured = by_table(world.state.scan_costs())
    router = Router(compiled=compiled, as_of=instant, measured=measured)
    route, dearer = router.segment(name), router.dearer(name)
    found = []
    for title, part in route.parts.items():
        source = source_of(compiled, part.source)
        found.append(
            PartQuery(
                name=title,
                source=source.name,
                engine=source.engine,
                people=part.people,
                asks=phrase(part.where),
                because=why(router, part, dearer),
                query=world.engines(source).render(router.selection(part).statement),
            )
        )
    if engine is not None and engine not in {one.engine for one in found}:
        raise _not_asked(name, engine, found)
    meet = None if len(found) == 1 else how_they_meet(route.members)
    parts = tuple(one for one in found if engine is None or one.engine == engine)
    return Routing(parts=parts, meet=meet, sources=len({one.source for one in found}))


def _not_asked(name: str, engine: str, found: list[PartQuery]) -> RefusedError:
    asked = " and ".join(f"source.{one.source}, whose engine is {one.engine}" for one in found)
    return RefusedError(
        f"segment.{name} is read from {asked}",
        hint=f"leave --engine out, or write --engine {found[0].engine}",
    )
