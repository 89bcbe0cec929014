"""What is deployed of a segment when it is about to change: recorded members, and those at T."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from pyroaring import BitMap64

from segflow.errors import (
    RefusedError,
    SourceUnavailableError,
    UnsupportedVersionError,
)
from segflow.executor.deployed import Deployed, compile_deployed
from segflow.executor.effects import Effects
from segflow.executor.evaluate import Evaluator
from segflow.executor.members import load
from segflow.executor.past import Past
from segflow.membership.changes import Previous
from segflow.model.address import Address
from segflow.model.cost import ScanCost
from segflow.model.instant import Instant
from segflow.model.plan import Impact
from segflow.planner.impact import measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Was:
    """A deployed segment. `recorded` are the members of its last snapshot, made with `definition`;
    `now` those that its deployed definition has at T. `now` is None where the set is frozen, or
    where that definition can't be evaluated any more (its table is gone, say)."""

    definition: str
    recorded: BitMap64
    now: BitMap64 | None

    @property
    def previous(self) -> Previous:
        """For the arithmetic of the log."""
        return Previous(definition=self.definition, members=self.recorded, now=self.now)


def impact(was: Was | None, members: BitMap64) -> Impact:
    """Whom new members move, compared with what the deployed definition has at the same instant."""
    if was is None:
        return measure(None, members)
    now = was.recorded if was.now is None else was.now
    return measure(now, members, from_snapshot=was.now is None)


def _unless_refused(evaluate: Callable[[str], BitMap64], name: str) -> BitMap64 | None:
    try:
        return evaluate(name)
    except (SourceUnavailableError, RefusedError):
        return None


class Former:
    """Gives what is deployed of segments and rules at one instant. Definitions are compiled when
    first asked for, since a plan of new segments needs none. `costs` are those by which it is
    chosen between sources."""

    def __init__(
        self,
        effects: Effects,
        deployed: Deployed,
        as_of: Instant,
        costs: tuple[ScanCost, ...],
    ) -> None:
        self._effects = effects
        self._deployed = deployed
        self._as_of = as_of
        self._sources = effects.sources(costs)

    def prepare(self, names: Iterable[str]) -> None:
        """Let those of the segments that are deployed and not static be evaluated together."""
        there = [name for name in names if name in self._deployed.snapshots]
        moving = [name for name in there if not self._deployed.is_static(name)]
        if moving and self._evaluator is not None:
            self._evaluator.prepare(moving)

    def was(self, name: str) -> Was | None:
        """The deployed segment; None where nothing is recorded of it."""
        snapshot = self._deployed.snapshots.get(name)
        if snapshot is None:
            return None
        return Was(
            definition=snapshot.definition,
            recorded=load(self._effects.snapshots, snapshot),
            now=None if self._deployed.is_static(name) else self._now(name),
        )

    def recorded(self, name: str) -> BitMap64 | None:
        """The members of the last snapshot; None where there is none."""
        snapshot = self._deployed.snapshots.get(name)
        return None if snapshot is None else load(self._effects.snapshots, snapshot)

    def audience(self, rule: str) -> BitMap64 | None:
        """Whom the deployed rule reaches; None where it is not deployed, or its audience can't be
        evaluated any more."""
        if Address("rule", rule) not in self._deployed.objects or self._evaluator is None:
            return None
        return _unless_refused(self._evaluator.audience, rule)

    def _now(self, name: str) -> BitMap64 | None:
        return None if self._evaluator is None else _unless_refused(self._evaluator.members, name)

    @cached_property
    def _evaluator(self) -> Evaluator | None:
        """None where this version of segflow can't compile what an older one deployed."""
        try:
            compiled = compile_deployed(self._deployed, self._effects.state)
        except UnsupportedVersionError:
            return None
        past = Past(self._effects.state.log, self._effects.snapshots.get)
        return Evaluator(compiled, self._as_of, self._sources, self.recorded, past)
