"""Refresh: evaluates deployed segments again at a later instant, all recorded in one commit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pyroaring import BitMap64

from segflow.errors import (
    NotDeployedError,
    RefusedError,
    SegflowError,
    SourceClosedError,
    SourceUnavailableError,
    reason_to_keep,
)
from segflow.executor.deployed import Deployed, compile_deployed, read_deployed
from segflow.executor.effects import Effects
from segflow.executor.evaluate import Evaluator
from segflow.executor.lease import Hold, holding
from segflow.executor.members import keep, load
from segflow.executor.past import Past, Staged
from segflow.executor.watermark import Watermark, Watermarks
from segflow.membership.changes import Previous
from segflow.membership.draft import draft_membership
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.state import FailedRefresh, Membership, Snapshot
from segflow.ports import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """One segment after a refresh. Where its source failed, `error` says why to a person, `reason`
    as it may be logged, and what was recorded before (`as_of`, `size`) still stands. So it does
    where there was nothing to evaluate, though nothing failed: `kept` says why, and `opens` from
    when on its source may be read, where that is known. `held_back_by` is the address of what has
    not come further than `as_of`, where that is earlier than was asked for."""

    segment: str
    as_of: Instant
    size: int
    entered: int = 0
    left: int = 0
    error: str | None = None
    reason: str | None = None
    kept: str | None = None
    opens: Instant | None = None
    held_back_by: str | None = None


def refresh_segments(
    effects: Effects,
    names: Sequence[str],
    as_of: Instant | None,
    progress: Progress,
    *,
    or_earlier: bool = False,
) -> tuple[Refreshed, ...]:
    """Evaluate deployed segments at one instant, in order of dependency: those named, or every
    dynamic one. A static one that is named is frozen anew.

    The instant is now, or the least that all their sources have reached where that is earlier; with
    `or_earlier` likewise for one that is given, else that one, and segments whose sources have not
    reached it are kept as they are. So are those that are recorded as of a later one. A segment
    whose source fails keeps what is recorded, marked as stale, and the others go on.
    Raises NotDeployedError, LockedError, and RefusedError for an instant that is not later than
    what is recorded, or while an interrupted apply waits.
    """
    if effects.state.version() is None:
        raise NotDeployedError("nothing is deployed yet", hint="run `segflow apply` first")
    with holding(effects, "refresh") as hold:
        if effects.state.unfinished_apply() is not None:
            raise RefusedError(
                "an interrupted apply must be finished before anything is refreshed",
                hint="run `segflow apply`: it finishes that one first",
            )
        deployed = read_deployed(effects.state)
        compiled = compile_deployed(deployed, effects.state)
        chosen = _chosen(compiled, names)
        if as_of is not None:
            _refuse_earlier(deployed, chosen, as_of)
        asked = Instant(effects.clock.now()) if as_of is None else as_of
        watermarks = Watermarks(compiled, effects.engines)
        marks = {name: watermarks.of(name) for name in chosen}
        exact = as_of is not None and not or_earlier
        least = None if exact else _least(marks.values(), asked)
        work = _Refresh(effects, hold, deployed, compiled, asked, marks, least)
        return work.run(chosen, progress)


def _chosen(compiled: Compiled, names: Sequence[str]) -> tuple[str, ...]:
    if unknown := sorted(set(names) - set(compiled.segments)):
        raise NotDeployedError(
            f"not deployed: {', '.join(f'segment.{name}' for name in unknown)}",
            hint="`segflow segment list` shows what is",
        )
    if names:
        return tuple(name for name in compiled.segments if name in names)
    return tuple(
        name for name, found in compiled.segments.items() if found.segment.mode == "dynamic"
    )


def _refuse_earlier(deployed: Deployed, names: Iterable[str], as_of: Instant) -> None:
    """The log never goes back."""
    for name in names:
        snapshot = deployed.snapshots.get(name)
        if snapshot is not None and snapshot.as_of >= as_of:
            raise RefusedError(
                f"segment.{name} is recorded as of {format_instant(snapshot.as_of)};"
                f" {format_instant(as_of)} is not later",
                hint="`segflow segment count NAME --as-of T` evaluates at any instant",
            )


def _least(marks: Iterable[Watermark | None], asked: Instant) -> Watermark | None:
    """The first of those that are earlier than the instant."""
    earlier = [one for one in marks if one is not None and one.until < asked]
    return min(earlier, key=lambda one: one.until, default=None)


class _Refresh:
    """One refresh, under its lease."""

    def __init__(
        self,
        effects: Effects,
        hold: Hold,
        deployed: Deployed,
        compiled: Compiled,
        asked: Instant,
        marks: Mapping[str, Watermark | None],
        least: Watermark | None,
    ) -> None:
        as_of = asked if least is None else least.until
        self._marks = marks
        self._least = least
        self._effects = effects
        self._hold = hold
        self._snapshots: dict[str, Snapshot] = dict(deployed.snapshots)
        self._compiled = compiled
        self._as_of = as_of
        self._made: dict[str, Membership] = {}
        past = Past(effects.state.log, effects.snapshots.get, self._staged)
        sources = effects.sources(deployed.costs)
        self._evaluator = Evaluator(compiled, as_of, sources, self._recorded, past)

    def run(self, names: Sequence[str], progress: Progress) -> tuple[Refreshed, ...]:
        """Each segment in order, then one commit for all that succeeded."""
        reports: list[Refreshed] = []
        kept = {name: why for name in names if (why := self._why_kept(name)) is not None}
        self._evaluator.prepare([name for name in names if name not in kept])
        for number, name in enumerate(names):
            self._hold.check()
            progress("refreshing", number, len(names))
            if name in kept:
                reports.append(replace(self._as_before(name), kept=kept[name]))
            else:
                reports.append(self._refreshed(name))
        self._commit(tuple(self._made.values()))
        self._note(reports)
        return tuple(reports)

    def _refreshed(self, name: str) -> Refreshed:
        try:
            membership = self._evaluate(name)
        except SourceClosedError as error:
            opens = None if error.opens is None else Instant(error.opens)
            return replace(self._as_before(name), kept=_told(error), opens=opens)
        except (SourceUnavailableError, RefusedError) as error:
            reason = reason_to_keep(error)
            return replace(self._as_before(name), error=error.message, reason=reason)
        self._snapshots[name] = membership.snapshot
        self._made[name] = membership
        return _report(membership, None if self._least is None else str(self._least.by))

    def _why_kept(self, name: str) -> str | None:
        """Why a segment is not evaluated: its sources have not come to the instant, or it is
        recorded as of that or a later one."""
        mark, snapshot, as_of = self._marks[name], self._snapshots.get(name), self._as_of
        if mark is not None and mark.until < as_of:
            return f"{_come(mark)}, and {format_instant(as_of)} is asked for"
        if snapshot is None or snapshot.as_of < as_of:
            return None
        come = f"it is {format_instant(as_of)} now" if self._least is None else _come(self._least)
        return f"{come}, and it is recorded as of {format_instant(snapshot.as_of)}"

    def _evaluate(self, name: str) -> Membership:
        snapshot = self._snapshots.get(name)
        members = self._evaluator.members(name)
        draft = draft_membership(
            segment=name,
            as_of=self._as_of,
            # Its hash today: a dependency of a static segment may have changed since it was frozen.
            definition=self._compiled.segments[name].definition,
            members=members,
            previous=self._previous(snapshot),
            costs=self._evaluator.costs(name),
        )
        keep(self._effects, "refresh", name, draft.contents)
        return draft.membership

    def _previous(self, snapshot: Snapshot | None) -> Previous | None:
        if snapshot is None:
            return None
        members = load(self._effects.snapshots, snapshot)
        return Previous(definition=snapshot.definition, members=members)

    def _recorded(self, name: str) -> BitMap64 | None:
        snapshot = self._snapshots.get(name)
        return None if snapshot is None else load(self._effects.snapshots, snapshot)

    def _staged(self, name: str) -> Staged | None:
        made = self._made.get(name)
        return None if made is None else Staged(entries=made.entries)

    def _as_before(self, name: str) -> Refreshed:
        """What is recorded of a segment that was not evaluated."""
        snapshot = self._snapshots.get(name)
        return Refreshed(
            segment=name,
            as_of=self._as_of if snapshot is None else snapshot.as_of,
            size=0 if snapshot is None else snapshot.size,
        )

    def _commit(self, made: Sequence[Membership]) -> None:
        if made:
            self._effects.failpoint("refresh.before.sync")
            self._effects.snapshots.sync()
            self._effects.failpoint("refresh.before.commit")
            self._effects.state.commit_refresh(self._hold.lease, made)
            self._effects.failpoint("refresh.after.commit")

    def _note(self, reports: Iterable[Refreshed]) -> None:
        failed = [
            FailedRefresh(segment=one.segment, as_of=self._as_of, reason=one.reason)
            for one in reports
            if one.reason is not None
        ]
        if failed:
            self._effects.state.note_failures(self._hold.lease, failed)


def _come(mark: Watermark) -> str:
    return f"{mark.by} has come to {format_instant(mark.until)}"


def _told(error: SegflowError) -> str:
    return ": ".join(filter(None, (error.message, error.hint)))


def _report(made: Membership, held_back_by: str | None) -> Refreshed:
    return Refreshed(
        segment=made.snapshot.segment,
        as_of=made.snapshot.as_of,
        size=made.snapshot.size,
        entered=sum(entry.entered for entry in made.entries),
        left=sum(entry.exited for entry in made.entries),
        held_back_by=held_back_by,
    )
