"""The daemon: looks at the clock, refreshes segments and runs rules, of what is deployed only.

It decides nothing about time by itself: agenda.py says what is due. `schedule` drives the chores.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from schedule import Scheduler

from segflow.errors import LockedError, RefusedError, RetryableError, reason_to_keep
from segflow.executor.agenda import Agenda
from segflow.executor.deployed import Deployed, compile_deployed, read_deployed
from segflow.executor.lease import Hold
from segflow.executor.refresh import Refreshed, refresh_segments
from segflow.executor.runs.freshness import recorded_sets
from segflow.executor.runs.run_rule import go_on, run_rule, skip_run
from segflow.executor.runs.running import Running, run_id
from segflow.executor.timing import rule_occurrences
from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.run import Run
from segflow.model.state import Snapshot

LOOK_EVERY = 1
"""Seconds between two looks at the clock."""

TELL_EVERY = 600
"""Seconds between two lines that say how the daemon is."""

SILENT_FOR = 300.0
"""Seconds without any sign of work, or in which every look failed, after which the daemon does not
count as healthy: longer than a channel may take over one message."""

_BREATH = 20.0
"""Seconds between two signs of work in a longer pause."""

_FIRST_WAIT, _LONGEST_WAIT = 5_000, 300_000
"""Milliseconds before something that failed is tried again, doubled each time."""

_WAITED_FOR = 6
"""After so many tries, some five minutes, a refresh takes the instant that its sources have come
to, in place of the scheduled one."""

MISSED = "missed"
OVERLAPPED = "the run before it was still going"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the daemon is. `signed_at` is its last sign of work."""

    since: Instant
    signed_at: Instant
    is_healthy: bool
    open_runs: int
    runs: int
    troubles: int


class Daemon:
    """Everything that one process does under the lease "runner"."""

    def __init__(self, running: Running, hold: Hold) -> None:
        self._running = replace(running, progress=self._progress, pause=self._pause)
        self._hold = hold
        self._wait = running.pause
        self._since = running.now()
        self._sign()
        self._deployed = Deployed()
        self._compiled: Compiled | None = None
        self._agenda: Agenda | None = None
        self._open: dict[str, Run] = {}
        self._is_sure = False
        self._tries: Counter[str] = Counter()
        self._not_before: dict[str, Instant] = {}
        self._runs = 0
        self._failing_since: float | None = None
        self._is_stuck = False

    def condition(self) -> Condition:
        """How it is, for whoever watches over it. Safe to be called by another thread."""
        silent = self._running.effects.clock.monotonic() - self._signed
        return Condition(
            since=self._since,
            signed_at=self._signed_at,
            is_healthy=silent < SILENT_FOR and not self._is_stuck,
            open_runs=len(self._open),
            runs=self._runs,
            troubles=len(self._tries) + (self._failing_since is not None),
        )

    def tell(self) -> None:
        """A line for the log, from which a reader sees that it lives and how it is."""
        how = self.condition()
        self._running.log(
            "daemon is well" if not how.troubles else "daemon has trouble",
            runs=how.runs,
            open_runs=how.open_runs,
            troubles=how.troubles,
        )

    def begin(self) -> None:
        """Take up what another process left behind."""
        self._take_stock()
        self._running.log("daemon started", owner=self._hold.lease.owner, open_runs=len(self._open))

    def look(self) -> None:
        """Do all that is due. Trouble that may pass is told, and tried again later.

        Raises GiveUpError: LeaseLostError where another daemon took over, for one.
        """
        self._sign()
        self._hold.check()
        went_well = False
        try:
            self._load()
            if self._compiled is not None:
                self._refresh()  # first, since rules may read what is kept of segments
                self._go_on()
                self._run()
            went_well = True
        except RetryableError as error:
            self._is_sure = False  # a run may have been interrupted
            self._running.log("look failed", level="warning", reason=reason_to_keep(error))
        finally:
            self._running.rest()
        self._sign()
        self._judge(went_well)

    def _judge(self, went_well: bool) -> None:
        """Looks that have failed for long do no work, though each is a sign of it."""
        now = self._running.effects.clock.monotonic()
        since = now if self._failing_since is None else self._failing_since
        self._failing_since = None if went_well else since
        was_stuck, self._is_stuck = self._is_stuck, not went_well and now - since >= SILENT_FOR
        if self._is_stuck and not was_stuck:
            self._running.log("daemon is stuck", level="alarm", seconds=round(now - since))

    # --- what is deployed ---

    def _load(self) -> None:
        """Read what is deployed where that has changed since the last look."""
        state = self._running.effects.state
        if state.version() != self._deployed.version:
            deployed = read_deployed(state)
            if self._compiled is None or _differ(deployed, self._deployed):
                self._adopt(deployed)
            self._deployed = deployed
            self._see(deployed.snapshots)
        elif self._agenda is not None and self._agenda.is_ahead(self._running.now()):
            self._turn_back()

    def _adopt(self, deployed: Deployed) -> None:
        compiled = compile_deployed(deployed, self._running.effects.state)
        self._agenda = self._new_agenda(compiled, deployed)
        self._compiled = compiled
        kept = recorded_sets(self._running.effects, compiled)
        self._running = replace(self._running, kept=kept)
        self._running.log("deployed", rules=len(compiled.rules), segments=len(compiled.segments))
        for address, reason in self._agenda.troubles.items():
            self._running.log("rule can't run", level="alarm", rule=address.name, reason=reason)

    def _new_agenda(self, compiled: Compiled, deployed: Deployed) -> Agenda:
        """Nothing in it is ahead of the present: a clock may have been, when a rule was deployed or
        run."""
        agenda, now = Agenda(compiled), self._running.now()
        for name, rule in compiled.rules.items():
            since = deployed.objects[rule.address].deployed_at or self._since
            last = self._running.effects.ledger.last_scheduled(name, now)
            agenda.seen(rule.address, min(now, since if last is None else max(since, last)))
        return agenda

    def _see(self, snapshots: Mapping[str, Snapshot]) -> None:
        for name, snapshot in snapshots.items():
            if name in self._compiled_now().segments:
                self._agenda_now().seen(Address("segment", name), snapshot.as_of)

    def _turn_back(self) -> None:
        """The clock was set back: what it had come to will come again."""
        self._agenda = self._new_agenda(self._compiled_now(), self._deployed)
        self._see(self._deployed.snapshots)
        self._not_before.clear()
        self._running.log("clock set back", level="warning")

    def _compiled_now(self) -> Compiled:
        assert self._compiled is not None
        return self._compiled

    def _agenda_now(self) -> Agenda:
        assert self._agenda is not None
        return self._agenda

    # --- segments ---

    def _refresh(self) -> None:
        agenda = self._agenda_now()
        for as_of, names in agenda.refreshes(self._running.now()).items():
            if not self._running.pause(0):
                return
            try:
                self._refresh_at(as_of, names)
            except LockedError:
                return  # an apply is underway; the next look tries again
            except RefusedError as error:
                self._running.log("refresh refused", level="warning", reason=reason_to_keep(error))
                for name in names:
                    self._put_off(Address("segment", name))

    def _refresh_at(self, as_of: Instant, names: Sequence[str]) -> None:
        """At the scheduled instant, by which rules tell that members are fresh; at an earlier one
        where sources that were waited for have not come to it."""
        tried = min(self._tries[str(Address("segment", name))] for name in names)
        found = refresh_segments(
            self._running.effects,
            names,
            as_of,
            self._progress,
            or_earlier=tried >= _WAITED_FOR,
        )
        for one in found:
            address = Address("segment", one.segment)
            if one.opens is not None:
                self._agenda_now().put_off(address, one.opens)
            elif one.error is not None or one.kept is not None:
                self._put_off(address)
            else:
                self._agenda_now().seen(address, as_of)
                self._tries.pop(str(address), None)
            self._tell_of(one)
        self._running.log("refreshed", as_of=format_instant(as_of), segments=len(names))

    def _tell_of(self, one: Refreshed) -> None:
        if one.error is not None:
            self._running.log(
                "segment not refreshed", level="alarm", segment=one.segment, reason=one.reason
            )
        elif one.kept is not None:
            self._running.log("segment kept", segment=one.segment, reason=one.kept)
        elif one.held_back_by is not None:
            self._running.log(
                "segment held back",
                segment=one.segment,
                as_of=format_instant(one.as_of),
                by=one.held_back_by,
            )

    def _put_off(self, address: Address) -> None:
        self._agenda_now().put_off(address, self._later(str(address)))

    # --- rules ---

    def _run(self) -> None:
        for name in self._agenda_now().rules(self._running.now()):
            if not self._running.pause(0):
                return
            self._see_to(name)

    def _see_to(self, name: str) -> None:
        """What is due of a rule by now: the runs of others before it may have taken hours."""
        come = self._agenda_now().due(name, self._running.now())
        if come.missed:
            self._skip(name, come.missed, MISSED)
        for scheduled in come.run:
            if any(run.rule == name for run in self._open.values()):
                self._skip(name, (scheduled,), OVERLAPPED)
            else:
                self._begin(name, scheduled)

    def _begin(self, name: str, scheduled: Instant) -> None:
        compiled = self._compiled_now()
        report = run_rule(self._running, self._hold, compiled, name, scheduled)
        self._agenda_now().seen(Address("rule", name), scheduled)
        if report is None:
            self._take_stock()
            self._later(run_id(name, scheduled))
        else:
            self._over(report.run)

    def _take_stock(self) -> None:
        """Of the runs that are not over, whoever began them."""
        self._open = {run.id: run for run in self._running.effects.ledger.unfinished_runs()}
        self._is_sure = True

    def _go_on(self) -> None:
        """Take up the runs that are not over."""
        if not self._is_sure:
            self._take_stock()
        for run in tuple(self._open.values()):
            if not self._running.pause(0):
                return
            if self._running.now() < self._not_before.get(run.id, run.scheduled):
                continue
            report = go_on(self._running, self._hold, self._compiled_now(), run)
            if report is None:
                self._later(run.id)
            else:
                self._over(report.run)

    def _over(self, run: Run) -> None:
        """What was scheduled while the run was going is passed over."""
        self._open.pop(run.id, None)
        self._tries.pop(run.id, None)
        self._not_before.pop(run.id, None)
        self._runs += 1
        compiled, address = self._compiled_now(), Address("rule", run.rule)
        if run.rule not in compiled.rules or address in self._agenda_now().troubles:
            return
        rule, start = compiled.rules[run.rule].rule, Instant(run.scheduled + 1)
        end = Instant(self._running.now() + 1)
        if came := rule_occurrences(rule, compiled, start, end):
            self._skip(run.rule, came, OVERLAPPED)

    def _skip(self, name: str, scheduled: Sequence[Instant], reason: str) -> None:
        """One record tells of them all, under the newest: there may be thousands."""
        first, last = format_instant(scheduled[0]), scheduled[-1]
        words = reason if len(scheduled) == 1 else f"{reason}: {len(scheduled):,} since {first}"
        skip_run(self._running, self._hold, self._compiled_now(), name, last, words)
        self._agenda_now().seen(Address("rule", name), last)
        self._running.log(
            "run skipped",
            level="warning",
            rule=name,
            scheduled=format_instant(last),
            count=len(scheduled),
            reason=reason,
        )

    # --- time ---

    def _later(self, what: str) -> Instant:
        """When something that failed is to be tried again: later each time."""
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(self._tries[what], 10))
        self._tries[what] += 1
        self._not_before[what] = Instant(self._running.now() + wait)
        return self._not_before[what]

    def _pause(self, seconds: float) -> bool:
        """See Pause; who waits for long is no less alive."""
        while seconds > _BREATH:
            if not self._wait(_BREATH):
                return False
            self._sign()
            seconds -= _BREATH
        return self._wait(seconds)

    def _sign(self) -> None:
        self._signed_at = self._running.now()
        self._signed = self._running.effects.clock.monotonic()

    def _progress(self, what: str, done: int, total: int) -> None:
        self._sign()


def serve(daemon: Daemon, running: Running) -> None:
    """Look at the clock until work has to stop. Raises as look() does."""
    chores = Scheduler()
    chores.every(TELL_EVERY).seconds.do(daemon.tell)
    daemon.begin()
    daemon.look()
    # Not by the scheduler: it reads the machine's local time, and an hour that comes twice in
    # autumn would be an hour without a look.
    while running.pause(LOOK_EVERY):
        daemon.look()
        chores.run_pending()
    running.log("daemon stopped")


def _differ(one: Deployed, other: Deployed) -> bool:
    zones = [None if found.version is None else found.version.timezone for found in (one, other)]
    return one.objects != other.objects or zones[0] != zones[1]
