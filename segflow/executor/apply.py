"""Apply: does what a plan says, journaled, so that it is deployed as a whole or not at all.

A refused plan is refused before anything is done. What was begun either ends in one commit or is
abandoned with nothing deployed; only a killed process leaves it unfinished, and resume ends it.
"""

from contextlib import suppress

from segflow.errors import (
    CorruptStateError,
    LeaseLostError,
    RefusedError,
    SegflowError,
    reason_to_keep,
)
from segflow.executor.blobs import keep_files, planned_files
from segflow.executor.checks import refuse_blocked, refuse_unfit
from segflow.executor.deployed import deployed_after, read_deployed
from segflow.executor.effects import Effects, ReadFile
from segflow.executor.journal import Journal, StepResult
from segflow.executor.lease import Hold, holding
from segflow.executor.outcome import ApplyOutcome, outcome
from segflow.executor.steps import Stage
from segflow.executor.stock import Restock, restock
from segflow.model.codec import digest
from segflow.model.instant import Instant
from segflow.model.plan import CommitState, DropSegment, EvaluateSegment, Plan
from segflow.model.state import ApplyRecord, LogEntry, Membership
from segflow.planner.planfile import from_bytes, to_bytes
from segflow.planner.stale import check_lineage
from segflow.ports import Progress, StateCommit


def apply_plan(
    plan: Plan, effects: Effects, read_file: ReadFile, lineage: str, progress: Progress
) -> ApplyOutcome:
    """Do what the plan says, or finish it where this very plan was interrupted. `lineage` names the
    state if this apply makes it.

    Raises, before anything is done, LockedError, ForeignPlanError, PlanAppliedError,
    StalePlanError, BlockedError, and RefusedError for another interrupted apply; BlockedError too,
    with nothing deployed, where the sources moved beyond `protect` since the plan.
    """
    check_lineage(plan, effects.state.version())
    if plan.is_empty:
        return outcome(plan, "", plan.serial, (), resumed=False)
    refuse_blocked(plan)
    files = planned_files(plan, effects.state, read_file)
    effects.failpoint("apply.before.create")
    effects.state.create(lineage, plan.project)
    effects.failpoint("apply.after.create")
    with holding(effects, "apply") as hold:
        record = effects.state.unfinished_apply()
        resumed = record is not None
        if record is None:
            applied = effects.state.is_applied(plan.id)
            refuse_unfit(plan, read_deployed(effects.state), applied=applied)
            keep_files(effects, hold, files)
            record = _begin(effects, hold, plan)
        _refuse_other(plan, record)
        return _Run(effects, hold, plan, record, resumed=resumed).run(progress)


def resume_apply(effects: Effects, progress: Progress) -> ApplyOutcome | None:
    """Finish an interrupted apply from the plan in its record; None where there is none.

    Raises LockedError while its process may still be alive.
    """
    if effects.state.version() is None or effects.state.unfinished_apply() is None:
        return None
    with holding(effects, "apply") as hold:
        unfinished = effects.state.unfinished_apply()
        if unfinished is None:  # its own process ended it meanwhile
            return None
        plan = from_bytes(unfinished.plan)
        return _Run(effects, hold, plan, unfinished, resumed=True).run(progress)


def _refuse_other(plan: Plan, unfinished: ApplyRecord) -> None:
    if unfinished.plan_id != plan.id:
        raise RefusedError(
            "an interrupted apply of another plan must be finished first",
            hint="run `segflow apply`: it finishes that one before anything else",
        )


def _begin(effects: Effects, hold: Hold, plan: Plan) -> ApplyRecord:
    lease = hold.lease
    record = ApplyRecord(
        id=digest(f"{plan.id}:{lease.token}")[:16],
        plan_id=plan.id,
        plan=to_bytes(plan),
        started_at=Instant(effects.clock.now()),
    )
    effects.failpoint("apply.journal.before.begin")
    effects.state.begin_apply(lease, record)
    effects.failpoint("apply.journal.after.begin")
    return record


class _Run:
    """One apply from its beginning, or from where it was interrupted, to its end."""

    def __init__(
        self, effects: Effects, hold: Hold, plan: Plan, record: ApplyRecord, *, resumed: bool
    ) -> None:
        self._effects = effects
        self._hold = hold
        self._plan = plan
        self._record = record
        self._resumed = resumed

    def run(self, progress: Progress) -> ApplyOutcome:
        """Every step in order; abandons the apply when one fails."""
        try:
            return self._steps(progress)
        except LeaseLostError:
            raise  # somebody else writes now, and finishes what we began
        except BaseException as error:
            self._abandon(error)
            raise

    def _steps(self, progress: Progress) -> ApplyOutcome:
        deployed = read_deployed(self._effects.state)
        stage = Stage(self._effects, self._plan, deployed)
        journal = Journal(self._effects, self._hold, self._record)
        results: list[StepResult] = []
        steps = enumerate(self._plan.steps)
        stage.prepare(step for number, step in steps if not journal.has_ended(number))
        for number, step in enumerate(self._plan.steps):
            progress("applying", number, len(self._plan.steps))
            match step:
                case EvaluateSegment() | DropSegment():
                    results.append(_do(number, step, stage, journal))
                case CommitState():
                    stock = restock(self._plan, stage.planned, deployed, self._effects)
                    return self._commit(tuple(results), stock)
        raise CorruptStateError("the plan has no step that makes it deployed")

    def _commit(self, results: tuple[StepResult, ...], stock: Restock) -> ApplyOutcome:
        commit = state_commit(self._plan, results, stock)
        now = Instant(self._effects.clock.now())
        self._effects.failpoint("apply.before.commit")
        version = self._effects.state.commit_apply(self._hold.lease, self._record.id, commit, now)
        self._effects.failpoint("apply.after.commit")
        return outcome(self._plan, self._record.id, version.serial, results, resumed=self._resumed)

    def _abandon(self, error: BaseException) -> None:
        """Close the apply with nothing deployed. Where even that can't be written, it stays
        unfinished and is resumed later."""
        now, reason = Instant(self._effects.clock.now()), reason_to_keep(error)
        with suppress(SegflowError):
            self._effects.state.abandon_apply(self._hold.lease, self._record.id, reason, now)


def _do(
    number: int, step: EvaluateSegment | DropSegment, stage: Stage, journal: Journal
) -> StepResult:
    """One step, unless the journal has its end already."""
    made = journal.result(number)
    if made is None:
        journal.begin(number)
        made = stage.perform(step)
        journal.end(number, made)
    stage.made(made)
    return made


def state_commit(plan: Plan, results: tuple[StepResult, ...], stock: Restock) -> StateCommit:
    """All that the plan makes deployed, with what its steps made."""
    kept = [change for change in plan.changes if change.action != "delete"]
    return StateCommit(
        put=tuple(deployed_after(change) for change in kept),
        delete=tuple(change.address for change in plan.changes if change.action == "delete"),
        memberships=tuple(made for made in results if isinstance(made, Membership)),
        dropped=tuple(made for made in results if isinstance(made, LogEntry)),
        codes=stock.codes,
        withdrawn=stock.withdrawn,
        timezone=plan.timezone,
    )
