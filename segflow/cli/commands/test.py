"""`segflow test`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from segflow.app import trials
from segflow.app.validate import load
from segflow.app.wiring import EMBEDDED
from segflow.cli.failures import ERROR, OK
from segflow.cli.files import write_whole
from segflow.cli.invocation import Invocation, command
from segflow.cli.junit import junit
from segflow.cli.progress import LateBar
from segflow.cli.root import root_of
from segflow.cli.trial_view import coverage_lines, facts, failures, summary, verdict
from segflow.model.catalog import EngineName


class PercentType(click.ParamType[int]):
    """Whole percent, with or without the sign."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, or a usage error that says how to write one."""
        digits = str(value).removesuffix("%")
        if not (digits.isascii() and digits.isdecimal() and int(digits) <= 100):
            self.fail(f"{value!r} is not a percentage: write it like 80%", param, ctx)
        return int(digits)


@command("test")
@click.argument("names", metavar="[NAMES]...", nargs=-1)
@click.option(
    "--engine",
    "engines",
    type=click.Choice(EMBEDDED),
    multiple=True,
    help="Put the tests to this engine too. Only engines that run inside of segflow can be named, "
    "whatever engine the project's sources have.",
)
@click.option(
    "--junit",
    "junit_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the results as JUnit XML.",
)
@click.option("--coverage", is_flag=True, help="Say which leaves the tests saw true and false.")
@click.option(
    "--min-coverage",
    metavar="PERCENT",
    type=PercentType(),
    help="Fail where the tests saw less of the leaves.  [implies --coverage]",
)
def test(
    call: Invocation,
    names: tuple[str, ...],
    engines: tuple[EngineName, ...],
    junit_file: Path | None,
    coverage: bool,
    min_coverage: int | None,
) -> int:
    """Run the tests of segments; no source and no state is asked.

    All of them, or those of the segments NAMES. Each is judged by the reference, which says what
    the language means, and by the engines that --engine names.
    """
    compiled = load(root_of(call), call.environment).compiled
    chosen = trials.chosen(compiled, names)
    with LateBar() as progress:
        outcomes = tuple(trials.run(compiled, chosen, tuple(dict.fromkeys(engines)), progress))
    suites: dict[str, list[trials.Outcome]] = {}
    for outcome in outcomes:
        suites.setdefault(outcome.trial.segment, []).append(outcome)
    if junit_file is not None:
        write_whole(junit_file, junit(suites))
    wanted = coverage or min_coverage is not None
    covered = trials.coverage(outcomes) if wanted else None
    if call.output.as_json:
        call.output.facts(facts(suites, covered))
    else:
        _show(call, suites, outcomes, covered)
    if covered is not None and trials.percent(covered) < (min_coverage or 0):
        call.output.error(f"the coverage of leaves is below {min_coverage}%")
        return ERROR
    return OK if all(outcome.passed for outcome in outcomes) else ERROR


def _show(
    call: Invocation,
    suites: dict[str, list[trials.Outcome]],
    outcomes: Sequence[trials.Outcome],
    covered: Sequence[trials.Coverage] | None,
) -> None:
    if not outcomes:
        call.output.line("There are no tests: they stand below `tests:` in a segment.")
        return
    call.output.lines([*summary(suites), *failures(outcomes), ""])
    if covered is not None:
        call.output.lines([*coverage_lines(covered), ""])
    call.output.line(verdict(outcomes))
