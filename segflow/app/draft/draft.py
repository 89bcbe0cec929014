"""Drafts of the catalog."""

from collections.abc import Sequence

from segflow.app.draft.guesses import guess, references
from segflow.app.draft.tables import read_table
from segflow.app.draft.written import written
from segflow.app.sources import all_claims
from segflow.app.structure import tables_of
from segflow.app.wiring import World
from segflow.errors import RefusedError
from segflow.loader.suggest import did_you_mean_or_list
from segflow.model.address import Address
from segflow.model.catalog import Entity, Source
from segflow.model.compiled import Compiled


def draft_catalog(world: World, compiled: Compiled, name: str, tables: Sequence[str]) -> str:
    """The YAML of entities and events for tables of a source: those named, or all that the catalog
    does not read yet. Only reads.

    Raises RefusedError for a source or table that there is none of, where no table is left, and for
    a source of indices, and as Engine.rows() does.
    """
    project = compiled.project
    source = project.source(name)
    if source is None:
        known = [thing.name for thing in project if isinstance(thing, Source)]
        raise RefusedError(f"there is no source {name}", hint=did_you_mean_or_list(name, known))
    if source.has_documents:
        raise RefusedError(
            f"source {name} has indices, of which there are no drafts yet",
            hint="write its entities and events by hand; `segflow validate` checks them",
        )
    engine = world.engines(source)
    found = tables or _unread(compiled, source, tables_of(source, engine))
    if not found:
        raise RefusedError(
            f"source {name} has no table that the catalog does not read already",
            hint="--table drafts one of those; see whether the url leads to the right tables",
        )
    read = []
    for wanted in dict.fromkeys(found):
        table = read_table(source, engine, wanted)
        if table is None:
            hint = did_you_mean_or_list(wanted, tables_of(source, engine))
            raise RefusedError(f"source {name} has no table {wanted}", hint=hint)
        read.append(table)
    there = references(thing for thing in project if isinstance(thing, Entity))
    return written(
        name,
        guess(read, there),
        there,
        lambda kind, name: Address(kind, name) in project.objects,
    )


def _unread(compiled: Compiled, source: Source, tables: Sequence[str]) -> list[str]:
    claimed = {
        claim.table.lower() for claim in all_claims(compiled.project) if claim.source == source.name
    }
    return [name for name in tables if name.lower() not in claimed]
