"""One run of a rule: its audience, the gate, the sends, and an account in which nobody is missing.

Every stage is durable before the next begins, so that a run whose process died goes on where it
was: begun, decided, sent, finished. The decision of a run stands; nobody is sent to twice.
"""

import json
from dataclasses import replace

from pyroaring import BitMap64

from segflow.errors import (
    RefusedError,
    RetryableError,
    SegflowError,
    StateUnavailableError,
    reason_to_keep,
)
from segflow.executor.evaluate import Evaluator
from segflow.executor.lease import Hold
from segflow.executor.runs.account import Account, report_of
from segflow.executor.runs.arms import Arms, ready_arms
from segflow.executor.runs.delivery import Sender, Stopped
from segflow.executor.runs.judge import (
    Eligible,
    consented,
    eligible_at,
    epoch_of,
    evaluator_at,
    judge,
)
from segflow.executor.runs.running import Running, run_id
from segflow.executor.timing import is_in_time
from segflow.model.address import Address
from segflow.model.codec import digest
from segflow.model.compiled import Compiled, CompiledRule
from segflow.model.instant import Instant
from segflow.model.run import Run, RunReport

TOO_LATE = "taken up again later than the rule's `catch_up` allows"
LEFT = "left the segment before the send"
WITHDRAWN = "took consent back before the send"
CHANGED = "the rule was changed while its run was interrupted"


def run_rule(
    running: Running, hold: Hold, compiled: Compiled, name: str, scheduled: Instant
) -> RunReport | None:
    """Run a deployed rule for a scheduled instant, or go on with that run.

    None where it can't be finished now: work has to stop, or a source does not answer and it is not
    too late to try again. A run that is over is reported as it was. Where the audience can't be had
    the run has failed, and says why. Raises LeaseLostError and StateUnavailableError.
    """
    rule = compiled.rules[name]
    run = _new(running, compiled, rule, scheduled)
    running.effects.failpoint("run.before.begin")
    is_new = running.effects.ledger.begin_run(hold.lease, run)
    running.effects.failpoint("run.after.begin")
    if is_new:
        account = Account(running, hold, run)
        return _RuleRun(running, hold, compiled, rule, account).go(run, again=False)
    return go_on(running, hold, compiled, run)


def go_on(running: Running, hold: Hold, compiled: Compiled, begun: Run) -> RunReport | None:
    """Go on with a run that was begun, from where the ledger has it; returns and raises as
    run_rule() does.

    Where the rule, or something that it sends, is another one by now, or where it is too late, what
    was not sent is not.
    """
    run = running.effects.ledger.run(begun.id) or begun
    if run.status != "running":
        return report_of(running.effects.ledger, run)
    rule = compiled.rules.get(run.rule)
    account = Account(running, hold, run)
    if rule is None or _fingerprint(compiled, rule) != run.fingerprint:
        return account.close(CHANGED)
    return _RuleRun(running, hold, compiled, rule, account).go(run, again=True)


def skip_run(
    running: Running, hold: Hold, compiled: Compiled, name: str, scheduled: Instant, reason: str
) -> None:
    """Record that a rule was not run for a scheduled instant, unless it has a run then."""
    run = _new(running, compiled, compiled.rules[name], scheduled)
    skipped = replace(run, status="skipped", finished_at=run.started_at, reason=reason)
    running.effects.ledger.begin_run(hold.lease, skipped)


def _new(running: Running, compiled: Compiled, rule: CompiledRule, scheduled: Instant) -> Run:
    name = rule.rule.name
    return Run(
        id=run_id(name, scheduled),
        rule=name,
        scheduled=scheduled,
        as_of=scheduled,
        status="running",
        live=_sends_here(running, compiled, rule),
        fingerprint=_fingerprint(compiled, rule),
        definition=rule.definition,
        epoch=epoch_of(rule.rule),
        started_at=running.now(),
    )


def _sends_here(running: Running, compiled: Compiled, rule: CompiledRule) -> bool:
    names = {action.channel for action in rule.rule.actions()}
    channels = (compiled.project.channel(name) for name in names)
    return any(running.channels.is_live(one) for one in channels if one is not None)


def _fingerprint(compiled: Compiled, rule: CompiledRule) -> str:
    """Of the rule and all that it sends: its channels, offers and templates."""
    actions = rule.rule.actions()
    named = {Address("channel", action.channel) for action in actions}
    named |= {Address("offer", action.offer) for action in actions if action.offer is not None}
    parts = [compiled.fingerprints[address] for address in sorted({rule.address, *named})]
    parts += [compiled.project.files[path].digest for path in rule.templates]
    return digest(json.dumps(parts))


class _RuleRun:
    """A run that is underway, with its rule as it is deployed."""

    def __init__(
        self,
        running: Running,
        hold: Hold,
        compiled: Compiled,
        rule: CompiledRule,
        account: Account,
    ) -> None:
        self._running = running
        self._hold = hold
        self._compiled = compiled
        self._rule = rule
        self._account = account

    def go(self, run: Run, *, again: bool) -> RunReport | None:
        """To the end, or as far as it gets now; `again` where it was begun before."""
        try:
            if again and run.digest is None and not self._is_in_time(run):
                return self._account.close(TOO_LATE)
            arms = ready_arms(self._compiled, self._rule.rule, self._running.channels)
            if run.digest is None:
                run = self._decide(run)
            else:
                self._thin_out(run, arms)
            return self._send(run, arms)
        except StateUnavailableError:
            raise
        except (RetryableError, RefusedError) as error:
            is_patient = isinstance(error, RetryableError) and self._running.patient
            if is_patient and self._is_in_time(run):
                reason = reason_to_keep(error)
                self._running.log(
                    "run waits", level="warning", rule=run.rule, run=run.id, reason=reason
                )
                return None
            return self._account.close(self._reason(error))

    # --- the stages ---

    def _decide(self, run: Run) -> Run:
        running, effects = self._running, self._running.effects
        evaluator = evaluator_at(running, self._compiled, run.scheduled)
        audience = evaluator.audience(self._rule.rule.name)
        eligible = self._eligible(run, audience, evaluator)
        run = replace(run, definition=self._rule.definition)
        decision = judge(running, self._compiled, self._rule, run, audience, eligible)
        effects.failpoint("run.before.decide")
        effects.ledger.decide_run(self._hold.lease, decision)
        effects.failpoint("run.after.decide")
        self._account.opened(decision.run, decision.buckets)
        return decision.run

    def _eligible(self, run: Run, audience: BitMap64, evaluator: Evaluator) -> Eligible:
        """Asked at the instant of sending, which in a run on time is that of the audience."""
        now = self._running.now()
        if now <= run.scheduled:
            agreed = consented(evaluator, self._rule)
            return Eligible(population=audience, members=audience, consented=agreed)
        return eligible_at(self._running, self._compiled, self._rule, now)

    def _thin_out(self, run: Run, arms: Arms) -> None:
        """Before an interrupted run goes on: who was not sent anything yet, and should not be any
        more, leaves."""
        self._account.opened(run, self._running.effects.ledger.buckets(run.id))
        self._account.take_up(lambda send: arms[send.variant][send.action].port.idempotent)
        untouched = self._account.untouched()
        if not self._is_in_time(run):
            self._account.dismiss(untouched, "failed", TOO_LATE)
        elif untouched:
            now = self._running.now()
            eligible = eligible_at(self._running, self._compiled, self._rule, now)
            agreed = eligible.consented
            withdrawn = BitMap64() if agreed is None else untouched - agreed
            self._account.dismiss(withdrawn, "no_consent", WITHDRAWN)
            left = untouched - withdrawn - eligible.members
            self._account.dismiss(left, "no_longer_eligible", LEFT)

    def _send(self, run: Run, arms: Arms) -> RunReport | None:
        evaluator = evaluator_at(self._running, self._compiled, run.scheduled)
        sender = Sender(self._running, self._hold, self._compiled, self._rule, run, arms, evaluator)
        match sender.deliver(self._account.to_send()):
            case Stopped():
                self._running.log("run handed back", rule=run.rule, run=run.id)
                return None
            case placed:
                return self._account.finish(placed)

    # --- what can't be done ---

    def _reason(self, error: SegflowError) -> str:
        """As it may be kept and logged; what is left out is told to a person who asks."""
        kept = reason_to_keep(error)
        if kept == error.message:
            return kept
        return f"{kept}; `segflow segment count {self._rule.rule.segment}` says more"

    def _is_in_time(self, run: Run) -> bool:
        now = self._running.now()
        return is_in_time(self._rule.rule, self._compiled, run.scheduled, now)
