"""Questions about segments: list, count, members, explain, and what the log recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pyroaring import BitMap64
from sqlalchemy import Select

from segflow.app.sources import refuse_misfits
from segflow.app.wiring import World
from segflow.compiler.reference.ranks import lies_within
from segflow.compiler.targets.needs import beyond_one_user
from segflow.compiler.targets.related_lookup import look_around
from segflow.compiler.trace import Trace, explain_user
from segflow.compiler.worlds import Place
from segflow.errors import NotDeployedError, RefusedError
from segflow.executor.answers import source_of
from segflow.executor.deployed import Deployed, decoded, read_deployed
from segflow.executor.evaluate import Evaluator
from segflow.executor.members import load
from segflow.executor.past import Past
from segflow.loader.suggest import nearest
from segflow.membership.bitmaps import from_bytes
from segflow.membership.log import drops, members_at
from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate, Rank
from segflow.model.segment import Segment
from segflow.model.state import FailedRefresh, LogEntry
from segflow.planner.files import named_files
from segflow.ports import Keys, is_among

Status = Literal["deployed", "changed", "new", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One segment of the working tree or of the state. `status`: deployed as written here, changed
    here, new here, or deleted here but still deployed. `size` and `as_of` are those of its last
    snapshot, None where it has none; `stale` is there where a refresh since then failed."""

    name: str
    entity: str
    mode: Literal["dynamic", "static"]
    status: Status
    size: int | None
    as_of: Instant | None
    owner: str | None
    description: str | None
    stale: FailedRefresh | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many members a segment of the working tree has at an instant."""

    segment: str
    as_of: Instant
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded of a segment at the instant `at`: `count` members, by the snapshot of
    `as_of`, made with `definition`."""

    segment: str
    at: Instant
    as_of: Instant
    definition: str
    count: int


def listing(world: World, compiled: Compiled) -> tuple[Listed, ...]:
    """Every segment of the working tree and of the state, in order of name. No source is asked."""
    deployed, stale = read_deployed(world.state), world.state.failed_refreshes()
    found = []
    for segment in compiled.segments.values():
        status = status_of(segment.address, deployed, compiled)
        found.append(_listed(segment.segment, status, deployed, stale))
    for address, before in deployed.objects.items():
        if address.kind == "segment" and address.name not in compiled.segments:
            gone = decoded(address, before.canonical)
            if isinstance(gone, Segment):
                found.append(_listed(gone, "deleted", deployed, stale))
    return tuple(sorted(found, key=lambda one: one.name))


def count(world: World, compiled: Compiled, name: str, as_of: Instant | None) -> Counted:
    """Evaluate a segment of the working tree at an instant (None: now) and count its members; also
    a static one, as if it were frozen then. Raises as members() does."""
    instant = instant_or_now(world, as_of)
    return Counted(segment=name, as_of=instant, count=len(members(world, compiled, name, instant)))


def members(world: World, compiled: Compiled, name: str, as_of: Instant | None) -> Keys:
    """The members of a segment of the working tree at an instant (None: now).

    Static segments that it names are their frozen sets where they are deployed, and what an apply
    would freeze where they are not. Raises RefusedError for an unknown name, InvalidProjectError
    where a source is not as the catalog says.
    """
    readable(world, compiled, name)
    return _evaluator(world, compiled, instant_or_now(world, as_of)).keys(name)


def explain(world: World, compiled: Compiled, name: str, key: Key, as_of: Instant | None) -> Trace:
    """Why one user is in a segment of the working tree at an instant (None: now), or is not, and
    when that changes by itself, by the reference evaluator over that user's rows. Raises as
    members() does, and RefusedError where users are documents."""
    readable(world, compiled, name)
    instant = instant_or_now(world, as_of)
    entity = compiled.entities[compiled.segments[name].segment.entity]
    source = source_of(compiled, entity.population.source)
    if source.has_documents:
        raise RefusedError(
            f"segment.{name} can't be explained: its users are documents of source.{source.name}",
            hint=f"`segflow segment count {name}` and `members` tell of it",
        )
    evaluator = _evaluator(world, compiled, instant)

    def ask(source: str, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        return world.engines(source_of(compiled, source)).rows(statement)

    around = look_around(compiled, name, key, ask)

    def only(found: Keys) -> frozenset[Key]:
        return frozenset({key} if is_among(key, found) else ())

    given: dict[Predicate, frozenset[Key]] = {}
    places: dict[Rank, Place | None] = {}
    for leaf in beyond_one_user(compiled, name):
        if isinstance(leaf, Rank):
            places[leaf] = place = evaluator.place(entity.name, leaf, key)
            inside = place is not None and lies_within(leaf, place)
            given[leaf] = frozenset({key} if inside else ())
        elif leaf not in around.follows:
            given[leaf] = only(evaluator.holding(entity.name, leaf))
    for leaf in evaluator.unread(name):
        given[leaf] = only(evaluator.holding(entity.name, leaf))
    return explain_user(
        compiled,
        name,
        key,
        around.user,
        around.events,
        instant,
        {nested: only(found) for nested, found in evaluator.nested(name).items()},
        evaluator.logs(name, key),
        given,
        places=places,
        worlds=around.worlds,
        ahead=True,
    )


def recorded(world: World, name: str, at: Instant) -> Recorded:
    """What the log says of a segment at an instant; the working tree is not asked.

    Raises NotDeployedError for a segment that was never deployed, RefusedError for an instant
    before its first snapshot.
    """
    entries = history(world, name)
    snapshot = world.state.snapshot_at(name, at)
    if snapshot is None:
        raise RefusedError(
            f"nothing was recorded of segment.{name} up to {format_instant(at)}",
            hint=f"`segflow segment history {name}` shows from when on",
        )
    # Not the snapshot's size: nobody is in a segment that was deleted since.
    size = sum(entry.entered - entry.exited for entry in entries if entry.as_of <= at)
    return Recorded(
        segment=name,
        at=at,
        as_of=snapshot.as_of,
        definition=snapshot.definition,
        count=size,
    )


def recorded_members(world: World, name: str, at: Instant) -> BitMap64:
    """Who was recorded as a member of a segment at an instant; raises as recorded() does."""
    recorded(world, name, at)
    return members_at(
        history(world, name), at, lambda digest: from_bytes(world.snapshots.get(digest))
    )


def history(world: World, name: str) -> Sequence[LogEntry]:
    """The membership log of a segment, oldest first, also of one that was deleted since.

    Raises NotDeployedError where nothing was ever recorded.
    """
    found = world.state.log(name)
    if not found:
        raise NotDeployedError(
            f"nothing was ever recorded of segment.{name}", hint="`segflow apply` records it"
        )
    return found


def deletions(world: World, name: str, log: Iterable[LogEntry]) -> frozenset[int]:
    """The sequence numbers of the entries of its whole log with which a segment was deleted."""
    return drops(log, partial(world.state.snapshot_at, name))


def known(compiled: Compiled, name: str) -> None:
    """Raises RefusedError unless the working tree has the segment."""
    if name not in compiled.segments:
        near = nearest(name, compiled.segments)
        raise RefusedError(
            f"there is no segment {name} in the files",
            hint=f"did you mean {near}?" if near else "`segflow segment list` shows them",
        )


def readable(world: World, compiled: Compiled, name: str) -> None:
    """Raises RefusedError unless the working tree has the segment, and InvalidProjectError unless
    the sources have what the catalog says of all that the segment rests on."""
    known(compiled, name)
    refuse_misfits(world, compiled, (compiled.segments[name].address,))


def instant_or_now(world: World, as_of: Instant | None) -> Instant:
    """The instant, or the present one."""
    return Instant(world.clock.now()) if as_of is None else as_of


def _evaluator(world: World, compiled: Compiled, as_of: Instant) -> Evaluator:
    """Evaluates the working tree; kept sets are those that are deployed."""
    snapshots = world.state.snapshots()

    def kept(name: str) -> BitMap64 | None:
        snapshot = snapshots.get(name)
        return None if snapshot is None else load(world.snapshots, snapshot)

    past = Past(world.state.log, world.snapshots.get)
    sources = world.effects.sources(tuple(world.state.scan_costs()))
    return Evaluator(compiled, as_of, sources, kept, past)


def status_of(address: Address, deployed: Deployed, compiled: Compiled) -> Status:
    """How an object of the working tree stands to what is deployed under its address."""
    before = deployed.objects.get(address)
    if before is None:
        return "new"
    here = compiled.fingerprints[address], compiled.definition(address)
    same = here == (before.fingerprint, before.definition)
    return "deployed" if same and before.files == named_files(address, compiled) else "changed"


def _listed(
    segment: Segment, status: Status, deployed: Deployed, stale: Mapping[str, FailedRefresh]
) -> Listed:
    snapshot = deployed.snapshots.get(segment.name)
    return Listed(
        name=segment.name,
        entity=segment.entity,
        mode=segment.mode,
        status=status,
        size=None if snapshot is None else snapshot.size,
        as_of=None if snapshot is None else snapshot.as_of,
        owner=segment.owner,
        description=segment.description,
        stale=stale.get(segment.name),
    )
