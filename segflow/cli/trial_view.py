"""Outcomes of tests for people and as JSON: a line per segment, failures with their trees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from segflow.app.trials import Answer, Coverage, Outcome, percent
from segflow.cli.diagnostics import printable
from segflow.cli.output import counted
from segflow.cli.tables import columns
from segflow.cli.trace_view import tree, tree_facts
from segflow.model.instant import format_instant

# --- results ---------------------------------------------------------------------------------


def summary(suites: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """A line for each segment."""
    width = max(map(len, suites), default=0)
    for segment, outcomes in suites.items():
        failed = sum(not outcome.passed for outcome in outcomes)
        sign = click.style("✗", fg="red") if failed else click.style("✓", fg="green")
        yield f"{sign} {segment.ljust(width)}   {_counted(len(outcomes) - failed, failed)}"


def failures(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """What is wrong with each test that failed, an empty line before each."""
    for outcome in outcomes:
        if outcome.passed:
            continue
        trial = outcome.trial
        yield ""
        word = click.style("failed", fg="red", bold=True)
        yield f"{word}: {trial.segment}: {printable(trial.name)}"
        if (span := outcome.span) is not None:
            arrow = click.style("-->", fg="blue", bold=True)
            yield f" {arrow} {printable(span.path)}:{span.line}:{span.column}"
        yield from (f"  {printable(fault)}" for fault in outcome.faults)
        yield from _trace(outcome)


def plain_trace(outcome: Outcome) -> list[str]:
    """The faults and the tree of a test that failed, without colour."""
    return [*outcome.faults, *map(click.unstyle, _trace(outcome))]


def _trace(outcome: Outcome) -> Iterator[str]:
    trace = outcome.trace
    if trace is None:
        return
    at = format_instant(trace.as_of)
    if not trace.exists:
        since = "" if trace.since is None else f": it begins at {format_instant(trace.since)}"
        yield f"  the user does not exist as of {at}{since}"
    yield ""
    yield f"  as of {at}"
    if trace.population is not None:
        yield "  population"
        yield from tree(trace.population, 2)
    if trace.root is not None:
        yield from tree(trace.root, 1, outcome.deciding)


def verdict(outcomes: Sequence[Outcome]) -> str:
    """The last line."""
    failed = sum(not outcome.passed for outcome in outcomes)
    word = (
        click.style("Failed", fg="red", bold=True)
        if failed
        else click.style("Passed", fg="green", bold=True)
    )
    return f"{word}: {counted(len(outcomes), 'test')}, {_counted(len(outcomes) - failed, failed)}."


def _counted(passed: int, failed: int) -> str:
    return f"{passed:,} passed" + (f", {failed:,} failed" if failed else "")


# --- coverage --------------------------------------------------------------------------------


def coverage_lines(covered: Sequence[Coverage]) -> Iterator[str]:
    """A table of segments, and below it the leaves that were not seen both ways."""
    rows = [(one.segment, f"{one.seen} of {one.possible}", f"{percent([one])}%") for one in covered]
    total = (sum(one.seen for one in covered), sum(one.possible for one in covered))
    whole = ("all", f"{total[0]} of {total[1]}", f"{percent(covered)}%")
    yield from columns(("segment", "seen", "coverage"), [*rows, whole])
    for one in covered:
        for leaf in one.leaves:
            if not (leaf.true and leaf.false):
                never = "true" if leaf.false else "false"
                yield f"  {one.segment}: never {never}: {printable(leaf.text)}"


# --- JSON ------------------------------------------------------------------------------------


def facts(
    suites: Mapping[str, Sequence[Outcome]], covered: Sequence[Coverage] | None
) -> dict[str, Any]:
    """What `segflow test --json` prints; `coverage` is null where it was not asked for."""
    every = [outcome for outcomes in suites.values() for outcome in outcomes]
    failed = sum(not outcome.passed for outcome in every)
    return {
        "passed": len(every) - failed,
        "failed": failed,
        "tests": [_outcome(outcome) for outcome in every],
        "coverage": None if covered is None else _coverage(covered),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    trial, trace = outcome.trial, outcome.trace
    return {
        "segment": trial.segment,
        "name": trial.name,
        "file": None if outcome.span is None else outcome.span.path,
        "line": None if outcome.span is None else outcome.span.line,
        "passed": outcome.passed,
        "expect": _answer(trial.expect),
        "answers": {who: _answer(answer) for who, answer in outcome.answers.items()},
        "faults": list(outcome.faults),
        "deciding": list(outcome.deciding),
        "because": None if trace is None or trace.root is None else tree_facts(trace.root),
    }


def _answer(answer: Answer) -> str:
    if isinstance(answer, str):
        return f"error: {answer}"
    return "in" if answer else "out"


def _coverage(covered: Sequence[Coverage]) -> dict[str, Any]:
    return {
        "percent": percent(covered),
        "segments": [
            {
                "segment": one.segment,
                "percent": percent([one]),
                "leaves": [
                    {"text": leaf.text, "true": leaf.true, "false": leaf.false}
                    for leaf in one.leaves
                ],
            }
            for one in covered
        ],
    }
