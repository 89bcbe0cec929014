"""The sides of the agreement: one question put to an engine, to the reference, user by user."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import note

from segflow.compiler import interpret
from segflow.compiler.passes.draft import draft_of
from segflow.compiler.pipeline import CHECKS, compile_project
from segflow.compiler.reference.ranks import lies_within
from segflow.compiler.targets.needs import beyond_one_user
from segflow.compiler.targets.ranks import PLACE, SIZE
from segflow.compiler.targets.related_lookup import look_around
from segflow.compiler.targets.sql import select_keys, select_place
from segflow.compiler.trace import Trace, explain_user
from segflow.compiler.worlds import Place, World
from segflow.errors import TooLargeError
from segflow.model.compiled import Compiled, list_set, segment_set
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate, Rank
from segflow.model.project import Project
from segflow.model.wording import phrase
from segflow.ports import Engine, Keys, Selection, keys_of
from tests.agreement.data import world_of
from tests.agreement.forms.log import log_sets
from tests.agreement.hosts import DUCKDB, Host
from tests.selections import select_members, select_shared
from tests.strategies import Example


def compiled_for_engines(project: Project) -> Compiled:
    """The project as an engine is given it: typed and normalised. It must have no errors."""
    compiled, report = compile_project(project)
    assert compiled is not None, [found.summary for found in report]
    return compiled


def compiled_for_reference(compiled: Compiled) -> Compiled:
    """The same, typed but not normalised, so that a fault of normalising shows."""
    draft = draft_of(compiled.project)
    for check in CHECKS:
        draft = check(draft)
    segments = {
        name: replace(segment, where=draft.wheres[name])
        for name, segment in compiled.segments.items()
    }
    return replace(compiled, segments=segments, entities=draft.entities)


@dataclass(frozen=True, slots=True)
class Pair:
    """One segment asked of both sides: what each gives, and how many users there are."""

    segment: str
    by_engine: frozenset[Key]
    by_reference: frozenset[Key]
    everyone: int

    @property
    def agree(self) -> bool:
        """True where both sides give the same members."""
        return self.by_engine == self.by_reference


def pairs(
    example: Example,
    folder: Path,
    segments: Sequence[str],
    host: Host = DUCKDB,
    *,
    alone: bool = False,
) -> Iterator[Pair]:
    """Ask both sides for segments of the example, whose tables are written where the host reads
    them; rows that it can't hold are left out on both sides. The engine is asked for all of them in
    one query, or for each alone."""
    project, as_of = host.of(example.project), example.shop.as_of
    tables = host.held(project, example.tables)
    world = world_of(project, "customer", tables, example.world.snapshots, example.world.logs)
    world = replace(world, given=example.world.given)
    compiled = compiled_for_engines(project)
    reference = compiled_for_reference(compiled)
    host.write(folder, project, tables, example.shop.stored_as)
    with host.opened(project, folder) as engine:
        ask = each_alone if alone else together
        found = ask(engine, compiled, world, segments, as_of)
    expected, everyone = all_by_reference(reference, world, segments, as_of)
    for name, keys in zip(segments, found, strict=True):
        yield Pair(name, keys, expected[name], everyone)


def agreed(example: Example, folder: Path, host: Host) -> Iterator[Pair]:
    """The pairs of all segments of a drawn example, each of which must agree."""
    for pair in pairs(example, folder, example.segments, host):
        if not pair.agree:
            segment = example.project.segment(pair.segment)
            note(f"{pair.segment}: {segment and phrase(segment.where)}")
        assert sorted(pair.by_engine) == sorted(pair.by_reference)
        yield pair


def each_alone(
    engine: Engine, compiled: Compiled, world: World, names: Sequence[str], as_of: Instant
) -> Sequence[frozenset[Key]]:
    """The members of segments that the engine gives, each in a query of its own."""
    return [by_engine(engine, compiled, world, name, as_of) for name in names]


def together(
    engine: Engine, compiled: Compiled, world: World, names: Sequence[str], as_of: Instant
) -> Sequence[frozenset[Key]]:
    """The members of segments that the engine gives, all in one query, or in two where that one is
    larger than the engine takes, as a refresh asks."""
    selection = select_shared(compiled, names, as_of)
    sets = sets_of(selection, engine, compiled, world, as_of)
    try:
        return [frozenset(keys) for keys in engine.memberships(selection, sets, len(names))]
    except TooLargeError:
        if len(names) == 1:
            raise
        middle = len(names) // 2
        halves = (names[:middle], names[middle:])
        return [one for half in halves for one in together(engine, compiled, world, half, as_of)]


def kept_sets(compiled: Compiled, snapshots: Mapping[str, frozenset[Key]]) -> Mapping[str, Keys]:
    """What an engine is given beside the data: recorded members, and the keys of list files."""
    lists = {
        list_set(path): keys_of(found.key_type, found.typed())
        for path, found in compiled.project.lists.items()
    }
    recorded = {
        segment_set(name): keys_of(compiled.entity_of(name).key_type, keys)
        for name, keys in snapshots.items()
    }
    return lists | recorded


def by_engine(
    engine: Engine, compiled: Compiled, world: World, name: str, as_of: Instant
) -> frozenset[Key]:
    """The members that the engine gives."""
    selection = select_members(compiled, name, as_of)
    return frozenset(engine.members(selection, sets_of(selection, engine, compiled, world, as_of)))


def sets_of(
    selection: Selection, engine: Engine, compiled: Compiled, world: World, as_of: Instant
) -> Mapping[str, Keys]:
    """Every set that a selection names."""
    sets = {
        **kept_sets(compiled, world.snapshots),
        **log_sets(compiled, world.logs, as_of),
        **{name: engine.members(query, {}) for name, query in selection.made.items()},
    }
    return {each: sets[each] for each in selection.sets}


def by_reference(
    compiled: Compiled, world: World, name: str, as_of: Instant
) -> tuple[frozenset[Key], int]:
    """The members that the reference gives, and the size of the population."""
    found, everyone = all_by_reference(compiled, world, [name], as_of)
    return found[name], everyone


def all_by_reference(
    compiled: Compiled, world: World, names: Sequence[str], as_of: Instant
) -> tuple[Mapping[str, frozenset[Key]], int]:
    """The members of segments of one entity that the reference gives, and the population's size."""
    everyone = tuple(interpret.population(world, compiled, names[0], as_of))
    found = {
        name: frozenset(
            user.user.key
            for user in everyone
            if interpret.holds(compiled.segments[name].where, replace(user, segment=name))
        )
        for name in names
    }
    return found, len(everyone)


def explained(
    engine: Engine,
    compiled: Compiled,
    world: World,
    name: str,
    key: Key,
    as_of: Instant,
    *,
    ahead: bool = False,
) -> Trace:
    """Why one user is a member or not, by the rows that are looked up in the engine; with `ahead`
    also when that changes by itself."""
    entity = compiled.segments[name].segment.entity
    around = look_around(compiled, name, key, lambda source, statement: engine.rows(statement))
    given: dict[Predicate, frozenset[Key]] = {}
    places: dict[Rank, Place | None] = {}
    for leaf in beyond_one_user(compiled, name):
        if isinstance(leaf, Rank):
            selection = select_place(compiled, compiled.entities[entity], leaf, as_of, key)
            rows = engine.values(selection, sets_of(selection, engine, compiled, world, as_of))
            found = [Place(int(row[PLACE]), int(row[SIZE])) for row in rows]
            given[leaf] = frozenset(key for one in found if lies_within(leaf, one))
            places[leaf] = next(iter(found), None)
        elif leaf not in around.follows:
            given[leaf] = holding(engine, compiled, world, entity, leaf, as_of)
    return explain_user(
        compiled, name, key, around.user, around.events, as_of, world.snapshots, world.logs, given,
        places=places, worlds=around.worlds, ahead=ahead,
    )  # fmt: skip


def holding(
    engine: Engine, compiled: Compiled, world: World, entity: str, leaf: Predicate, as_of: Instant
) -> frozenset[Key]:
    """The users of an entity for whom a leaf holds, as the engine says."""
    selection = select_keys(compiled, compiled.entities[entity], leaf, as_of)
    return frozenset(engine.members(selection, sets_of(selection, engine, compiled, world, as_of)))
