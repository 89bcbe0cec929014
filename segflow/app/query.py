"""segflow compile: the query that a segment becomes, for a person to read."""

from segflow.app.segments import readable
from segflow.app.wiring import World
from segflow.compiler.targets.sql import select_members
from segflow.errors import RefusedError
from segflow.executor.evaluate import source_of
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant


def render_query(
    world: World, compiled: Compiled, name: str, engine: str | None, as_of: Instant | None
) -> str:
    """The query for a segment of the working tree at an instant (None: now), in the SQL of its
    source's engine, with the parameters filled in. It is not run.

    Raises RefusedError for an unknown segment and for another engine, InvalidProjectError where a
    source is not as the catalog says.
    """
    readable(world, compiled, name)
    instant = Instant(world.clock.now()) if as_of is None else as_of
    selection = select_members(compiled, name, instant)
    source = source_of(compiled, selection.source)
    if engine not in (None, source.engine):
        raise RefusedError(
            f"segment.{name} is read from source.{source.name}, whose engine is {source.engine}",
            hint=f"leave --engine out, or write --engine {source.engine}",
        )
    return world.engines(source).render(selection.statement)
