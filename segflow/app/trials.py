"""segflow test: the tests of segments, by the reference and by engines that run in this process.

A test sees nothing but what it says: no source, no state, no list file is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from segflow.app.segments import known
from segflow.app.wiring import open_stage
from segflow.clock import VirtualClock
from segflow.compiler.targets.stage import stage_tables, staged
from segflow.compiler.trace import Trace
from segflow.compiler.trials import Judgement, deciding, explained, judge, kept_sets, with_lists
from segflow.diagnostics import Span
from segflow.errors import RefusedError, SegflowError, UnusableDataError
from segflow.executor.effects import Sources
from segflow.executor.evaluate import Evaluator
from segflow.executor.past import Past
from segflow.model.address import Address
from segflow.model.catalog import EngineName, Source
from segflow.model.compiled import Compiled
from segflow.model.predicate import Predicate
from segflow.model.state import LogEntry
from segflow.model.trial import TypedTrial
from segflow.model.wording import phrase
from segflow.planner.reach import closure
from segflow.ports import Progress, is_among, keys_of

REFERENCE = "reference"
_SOURCE = "tests"

Answer = bool | str
"""Whether the user is a member, or why that can't be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one test. `answers` are the reference's and each engine's; `faults` say in words
    what is wrong, and are empty where the test passed. `trace` is there where it failed and could
    be explained, `deciding` then are the leaves that decide, in the words of the trace."""

    trial: TypedTrial
    span: Span | None
    answers: Mapping[str, Answer]
    faults: tuple[str, ...] = ()
    trace: Trace | None = None
    deciding: tuple[str, ...] = ()
    judgement: Judgement | None = None

    @property
    def passed(self) -> bool:
        """True where nothing is wrong."""
        return not self.faults

    @property
    def is_error(self) -> bool:
        """True where somebody could not tell at all."""
        return any(isinstance(answer, str) for answer in self.answers.values())


def chosen(compiled: Compiled, names: Sequence[str]) -> tuple[TypedTrial, ...]:
    """The tests of the named segments, or of all.

    Raises RefusedError for a segment that is not there or has no tests.
    """
    tested = {trial.segment for trial in compiled.trials}
    for name in names:
        known(compiled, name)
        if name not in tested:
            raise RefusedError(
                f"segment {name} has no tests", hint="write them below `tests:` in the segment"
            )
    return tuple(trial for trial in compiled.trials if not names or trial.segment in names)


def run(
    compiled: Compiled,
    trials: Sequence[TypedTrial],
    engines: Sequence[EngineName],
    progress: Progress,
) -> Iterator[Outcome]:
    """Run the tests in their order.

    Raises RefusedError for an engine that does not run in this process or is not installed.
    """
    stages = [_Stage(compiled, engine) for engine in engines]
    for number, trial in enumerate(trials):
        progress("tests", number, len(trials))
        yield _outcome(compiled, trial, stages)


# --- one test --------------------------------------------------------------------------------


def _outcome(compiled: Compiled, trial: TypedTrial, stages: Iterable["_Stage"]) -> Outcome:
    judgement: Judgement | None = None
    answers: dict[str, Answer] = {}
    try:
        judgement = judge(compiled, trial)
        answers[REFERENCE] = judgement.member
    except SegflowError as error:
        answers[REFERENCE] = error.message
    answers |= {stage.engine: stage.ask(trial) for stage in stages}
    faults = tuple(_faults(trial, answers, judgement))
    failed = bool(faults) and judgement is not None
    return Outcome(
        trial=trial,
        span=compiled.project.sources.value(trial.address, ("tests", trial.number)),
        answers=answers,
        faults=faults,
        trace=explained(compiled, trial) if failed else None,
        deciding=tuple(map(phrase, deciding(compiled, trial))) if failed else (),
        judgement=judgement,
    )


def _faults(
    trial: TypedTrial, answers: Mapping[str, Answer], judgement: Judgement | None
) -> Iterator[str]:
    for who, answer in answers.items():
        whose = "" if who == REFERENCE else f" by {who}"
        if isinstance(answer, str):
            yield f"it can't be told{whose}: {answer}"
        elif answer != trial.expect:
            said = "the user is" if who == REFERENCE else f"{who} says"
            yield f"expected {_word(trial.expect)}, but {said} {_word(answer)}"
    if judgement is not None and judgement.decided is False and trial.because is not None:
        yield f"because: {{{phrase(trial.because)}}} does not decide"


def _word(inside: bool) -> str:
    return "in" if inside else "out"


# --- engines ---------------------------------------------------------------------------------


class _Stage:
    """Puts tests to an engine: each as tables of its own, in a folder that is thrown away."""

    def __init__(self, compiled: Compiled, engine: EngineName) -> None:
        self.engine = engine
        self._source = Source(name=_SOURCE, engine=engine)
        self._compiled = staged(compiled, self._source)
        self._rests_on: dict[str, frozenset[Address]] = {}

    def ask(self, trial: TypedTrial) -> Answer:
        """Whether the user is a member. Raises RefusedError where the engine can't be opened."""
        address = Address("segment", trial.segment)
        if trial.segment not in self._rests_on:
            self._rests_on[trial.segment] = closure(self._compiled.depends, (address,))
        tables = stage_tables(self._compiled, trial, self._rests_on[trial.segment])
        with TemporaryDirectory() as folder:
            try:
                engine = open_stage(self._source, Path(folder), tables)
            except UnusableDataError as error:
                return error.message
            try:
                kept = {
                    name: keys_of(self._compiled.entity_of(name).key_type, keys)
                    for name, keys in kept_sets(trial).items()
                }
                known = with_lists(self._compiled, trial)
                sources = Sources(engines=lambda _: engine, clock=VirtualClock(trial.as_of))
                past = Past(_no_log, _no_content)
                evaluator = Evaluator(known, trial.as_of, sources, kept.get, past)
                return is_among(trial.user.key, evaluator.keys(trial.segment))
            except SegflowError as error:
                return error.message
            finally:
                engine.close()


def _no_log(_: str) -> Sequence[LogEntry]:
    """In a test nothing was ever recorded."""
    return ()


def _no_content(digest: str) -> bytes:
    raise AssertionError(f"no log names {digest}")


# --- coverage --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafCoverage:
    """A leaf in words, and whether tests saw it true and false."""

    text: str
    true: bool
    false: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The leaves of one tested segment. Each may be seen true and may be seen false."""

    segment: str
    leaves: tuple[LeafCoverage, ...]

    @property
    def seen(self) -> int:
        """How many of `possible` were seen."""
        return sum(leaf.true + leaf.false for leaf in self.leaves)

    @property
    def possible(self) -> int:
        """Two for each leaf."""
        return 2 * len(self.leaves)


def coverage(outcomes: Iterable[Outcome]) -> tuple[Coverage, ...]:
    """What the tests saw of the leaves of their segments, in order of the segments."""
    seen: dict[str, dict[Predicate, set[bool]]] = {}
    for outcome in outcomes:
        leaves = seen.setdefault(outcome.trial.segment, {})
        if outcome.judgement is not None:
            for leaf, value in outcome.judgement.seen.items():
                leaves.setdefault(leaf, set()).add(value)
    return tuple(
        Coverage(
            segment=segment,
            leaves=tuple(
                LeafCoverage(text=phrase(leaf), true=True in values, false=False in values)
                for leaf, values in leaves.items()
            ),
        )
        for segment, leaves in seen.items()
    )


def percent(covered: Iterable[Coverage]) -> int:
    """Whole percent of what could be seen, rounded down: 100 where segments have no leaves, and 0
    where no segment is tested."""
    found = tuple(covered)
    possible = sum(one.possible for one in found)
    if not possible:
        return 100 if found else 0
    return 100 * sum(one.seen for one in found) // possible
