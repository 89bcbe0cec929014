"""Observing: all that the planner may know of the world, read once and never written."""

from collections.abc import Mapping
from functools import partial

from pyroaring import BitMap64

from segflow.app.wiring import World
from segflow.errors import asking_for
from segflow.executor.deployed import Deployed
from segflow.executor.evaluate import Evaluator
from segflow.executor.former import Former, impact
from segflow.executor.past import Past, Staged
from segflow.membership.draft import draft_membership
from segflow.model.address import Address
from segflow.model.codec import digest
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.observed import Observed
from segflow.model.plan import DropSegment, EvaluateSegment, Impact, Plan
from segflow.planner.files import former_contents
from segflow.planner.impact import measure
from segflow.planner.steps import moves_audience
from segflow.ports import Progress, StateReader


def observe(
    world: World,
    compiled: Compiled,
    deployed: Deployed,
    as_of: Instant,
    plan: Plan | None,
    progress: Progress,
) -> Observed:
    """What is deployed, and whom a plan would move: old and new definitions, both at `as_of`.

    Without a plan no source is asked. Raises SourceUnavailableError and UnusableDataError where a
    new definition can't be evaluated; for an old one of a segment its last snapshot stands.
    """
    moved = None if plan is None else _Impacts(world, compiled, deployed, as_of, plan)
    return Observed(
        as_of=as_of,
        version=deployed.version,
        deployed=deployed.objects,
        snapshots=deployed.snapshots,
        impacts={} if moved is None else moved.all(progress),
        former=_former(compiled, deployed, world.state),
        costs=deployed.costs,
        asked={} if moved is None else world.state.costs(),
    )


def _former(compiled: Compiled, deployed: Deployed, state: StateReader) -> Mapping[str, bytes]:
    """The kept contents of files that are others now; of those that are lost nothing is said."""
    wanted = {
        digest for row in deployed.objects.values() for digest in former_contents(row, compiled)
    }
    found = ((digest, state.blob(digest)) for digest in sorted(wanted))
    return {digest: content for digest, content in found if content is not None}


class _Impacts:
    """Evaluates what a plan would move, as an apply of it would, and whom its rules would reach."""

    def __init__(
        self, world: World, compiled: Compiled, deployed: Deployed, as_of: Instant, plan: Plan
    ) -> None:
        self._plan = plan
        self._deployed = deployed
        self._as_of = as_of
        self._former = Former(world.effects, deployed, as_of, deployed.costs)
        evaluated = (step.segment for step in plan.steps if isinstance(step, EvaluateSegment))
        self._evaluated = dict.fromkeys(evaluated)
        self._compiled = compiled
        past = Past(world.state.log, world.snapshots.get, self._staged)
        sources = world.effects.sources(deployed.costs)
        self._evaluator = Evaluator(compiled, as_of, sources, self._kept, past)

    def all(self, progress: Progress) -> Mapping[Address, Impact]:
        """An impact per segment that is evaluated or dropped, and per rule whose audience is
        decided anew."""
        work = {}
        for step in self._plan.steps:
            match step:
                case EvaluateSegment(segment=name):
                    work[Address("segment", name)] = partial(self._of_change, name)
                case DropSegment(segment=name):
                    work[Address("segment", name)] = partial(self._of_drop, name)
                case _:
                    pass  # a commit moves nobody
        for change in filter(moves_audience, self._plan.changes):
            work[change.address] = partial(self._of_rule, change.address.name)
        self._evaluator.prepare([*self._evaluated])
        self._former.prepare(self._evaluated)
        found = {}
        for number, (address, measured) in enumerate(work.items()):
            progress("evaluating", number, len(work))
            with asking_for(address):
                found[address] = measured()
        return found

    def _of_change(self, name: str) -> Impact:
        members = self._evaluator.members(name)
        return impact(self._former.was(name), members)

    def _of_drop(self, name: str) -> Impact:
        """Everyone who is recorded leaves; its definition is not asked, its source may be gone."""
        snapshot = self._deployed.snapshots.get(name)
        size = 0 if snapshot is None else snapshot.size
        return Impact(size_now=size, size_after=None, entered=0, left=size, from_snapshot=True)

    def _of_rule(self, name: str) -> Impact:
        return measure(self._former.audience(name), self._evaluator.audience(name))

    def _staged(self, name: str) -> Staged | None:
        """What an apply would add to the log of a segment that it evaluates."""
        if name not in self._evaluated:
            return None
        was = self._former.was(name)
        draft = draft_membership(
            segment=name,
            as_of=self._as_of,
            definition=self._compiled.segments[name].definition,
            members=self._evaluator.members(name),
            previous=None if was is None else was.previous,
        )
        contents = {digest(content): content for content in draft.contents}
        return Staged(entries=draft.membership.entries, contents=contents)

    def _kept(self, name: str) -> BitMap64 | None:
        """What an apply would find kept: what it evaluates itself, else the last snapshot."""
        return None if name in self._evaluated else self._former.recorded(name)
