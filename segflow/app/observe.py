"""Observing: all that the planner may know of the world, read once and never written."""

from collections.abc import Mapping, Sequence

from pyroaring import BitMap64

from segflow.app.wiring import World
from segflow.executor.deployed import Deployed
from segflow.executor.evaluate import Evaluator
from segflow.executor.former import Former, impact
from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.observed import Observed
from segflow.model.plan import DropSegment, EvaluateSegment, Impact, PlanStep
from segflow.ports import Progress


def observe(
    world: World,
    compiled: Compiled,
    deployed: Deployed,
    as_of: Instant,
    steps: Sequence[PlanStep],
    progress: Progress,
) -> Observed:
    """What is deployed, and whom the steps would move: old and new definitions, both at `as_of`.

    Without steps no source is asked. Raises SourceUnavailableError and UnusableDataError where a
    new definition can't be evaluated; for an old one its last snapshot stands.
    """
    impacts = _Impacts(world, compiled, deployed, as_of, steps).all(progress) if steps else {}
    return Observed(
        as_of=as_of,
        version=deployed.version,
        deployed=deployed.objects,
        snapshots=deployed.snapshots,
        impacts=impacts,
    )


class _Impacts:
    """Evaluates what steps would move, as an apply of them would."""

    def __init__(
        self,
        world: World,
        compiled: Compiled,
        deployed: Deployed,
        as_of: Instant,
        steps: Sequence[PlanStep],
    ) -> None:
        self._steps = steps
        self._deployed = deployed
        self._former = Former(world.effects, deployed, as_of)
        self._evaluated = {step.segment for step in steps if isinstance(step, EvaluateSegment)}
        self._evaluator = Evaluator(compiled, as_of, world.engines, self._kept)

    def all(self, progress: Progress) -> Mapping[Address, Impact]:
        """An impact per segment that is evaluated or dropped."""
        found: dict[Address, Impact] = {}
        for number, step in enumerate(self._steps):
            progress("evaluating", number, len(self._steps))
            match step:
                case EvaluateSegment(segment=name):
                    found[Address("segment", name)] = self._of_change(name)
                case DropSegment(segment=name):
                    found[Address("segment", name)] = self._of_drop(name)
                case _:
                    pass  # a commit moves nobody
        return found

    def _of_change(self, name: str) -> Impact:
        members = self._evaluator.members(name)
        return impact(self._former.was(name), members)

    def _of_drop(self, name: str) -> Impact:
        """Everyone who is recorded leaves; its definition is not asked, its source may be gone."""
        snapshot = self._deployed.snapshots.get(name)
        size = 0 if snapshot is None else snapshot.size
        return Impact(size_now=size, size_after=None, entered=0, left=size, from_snapshot=True)

    def _kept(self, name: str) -> BitMap64 | None:
        """What an apply would find kept: what it evaluates itself, else the last snapshot."""
        return None if name in self._evaluated else self._former.recorded(name)
