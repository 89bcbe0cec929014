"""The steps of an apply that make memberships: evaluate a segment, drop a segment."""

from collections.abc import Iterable
from typing import assert_never

from pyroaring import BitMap64

from segflow.errors import StalePlanError, asking_for
from segflow.executor.deployed import Deployed, compile_planned
from segflow.executor.drift import refuse_drift
from segflow.executor.effects import Effects
from segflow.executor.evaluate import Evaluator
from segflow.executor.former import Former, impact
from segflow.executor.journal import StepResult
from segflow.executor.members import keep, load
from segflow.executor.past import Past, Staged
from segflow.membership.draft import draft_exit, draft_membership
from segflow.model.address import Address
from segflow.model.compiled import Compiled, CompiledRule, CompiledSegment
from segflow.model.plan import DropSegment, EvaluateSegment, Plan, PlanStep
from segflow.model.state import LogEntry, Membership
from segflow.planner.stale import PLAN_AGAIN


class Stage:
    """Evaluates what a plan changes, at the plan's instant, and stages it in the snapshot store.

    A nested set that is kept is the one staged by this apply, else the deployed one. `planned` is
    what will be deployed.
    """

    def __init__(self, effects: Effects, plan: Plan, deployed: Deployed) -> None:
        self._effects = effects
        self._plan = plan
        self._deployed = deployed
        self._changes = {change.address: change for change in plan.changes}
        self._staged: dict[str, Membership] = {}
        self.planned = compile_planned(plan, deployed, effects.state)
        _refuse_other_meaning(plan, deployed, self.planned)
        self._former = Former(effects, deployed, plan.as_of, plan.costs)
        past = Past(effects.state.log, effects.snapshots.get, self._to_log)
        sources = effects.sources(plan.costs)  # not those of by now: as it was planned
        self._evaluator = Evaluator(self.planned, plan.as_of, sources, self._kept, past)

    def prepare(self, steps: Iterable[PlanStep]) -> None:
        """Let the segments of these steps be evaluated together; each is asked for once."""
        names = [step.segment for step in steps if isinstance(step, EvaluateSegment)]
        self._evaluator.prepare(names)
        self._former.prepare(names)

    def perform(self, step: EvaluateSegment | DropSegment) -> StepResult:
        """Do one step; what it made is in the snapshot store, and nothing points to it yet.

        Raises BlockedError where the sources moved beyond `protect` since the plan.
        """
        match step:
            case EvaluateSegment():
                return self._evaluate(step.segment)
            case DropSegment():
                return self._drop(step.segment)
        assert_never(step)

    def made(self, result: StepResult) -> None:
        """Let later steps see what an earlier one made."""
        if isinstance(result, Membership):
            self._staged[result.snapshot.segment] = result

    def _evaluate(self, name: str) -> Membership:
        segment = self.planned.segments[name]
        was = self._former.was(name)
        with asking_for(segment.address):
            members = self._evaluator.members(name)
        draft = draft_membership(
            segment=name,
            as_of=self._plan.as_of,
            definition=segment.definition,
            members=members,
            previous=None if was is None else was.previous,
            costs=self._evaluator.costs(name),
        )
        planned = self._changes[segment.address].impact
        refuse_drift(segment.segment, planned, impact(was, members))
        keep(self._effects, "apply", name, draft.contents)
        self._effects.snapshots.sync()
        return draft.membership

    def _drop(self, name: str) -> LogEntry:
        """The exit of everyone who is recorded, so that a segment can be deleted although its
        source is gone. Without a snapshot there is nobody."""
        snapshot = self._deployed.snapshots.get(name)
        as_of = self._plan.as_of
        definition = self._deployed.definition(Address("segment", name)) or ""
        if snapshot is not None:
            as_of, definition = max(as_of, snapshot.as_of), snapshot.definition
        members = self._former.recorded(name) or BitMap64()
        draft = draft_exit(segment=name, as_of=as_of, definition=definition, members=members)
        keep(self._effects, "apply", name, draft.contents)
        self._effects.snapshots.sync()
        return draft.entry

    def _kept(self, name: str) -> BitMap64 | None:
        staged = self._staged.get(name)
        if staged is None:
            return self._former.recorded(name)
        return load(self._effects.snapshots, staged.snapshot)

    def _to_log(self, name: str) -> Staged | None:
        staged = self._staged.get(name)
        return None if staged is None else Staged(entries=staged.entries)


def _refuse_other_meaning(plan: Plan, deployed: Deployed, planned: Compiled) -> None:
    """Raises StalePlanError unless everything that will be deployed means what the plan, or what is
    deployed, says it means: another version of segflow, or a time zone that was changed meanwhile,
    can make the same text mean something else."""
    changes = {change.address: change for change in plan.changes}
    every: tuple[CompiledSegment | CompiledRule, ...]
    every = (*planned.segments.values(), *planned.rules.values())
    for found in every:
        change = changes.get(found.address)
        if change is None and _is_static(found):
            continue  # its set is kept, whatever its definition would give now
        expected = deployed.definition(found.address) if change is None else change.definition
        if found.definition != expected:
            raise StalePlanError(
                f"{found.address} would mean something else than what was planned",
                hint=PLAN_AGAIN,
            )


def _is_static(found: CompiledSegment | CompiledRule) -> bool:
    return isinstance(found, CompiledSegment) and found.segment.mode == "static"
