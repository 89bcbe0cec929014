"""The entry point: the tree of commands, and what happens when one of them fails."""

import contextlib
import gc
import io
import sys
from collections.abc import Sequence

import click
from click.exceptions import Abort, NoArgsIsHelpError

from segflow import __version__
from segflow.cli.failures import ERROR, INTERRUPTED, show_failure
from segflow.cli.lazy import Lazy, LazyGroup
from segflow.cli.output import Output, wanted_color

segment = LazyGroup(
    name="segment",
    help="Look at segments.",
    lazy={
        "list": Lazy(
            target="segment.listing:listing",
            summary="List the segments of the files and of the deployed state.",
        ),
        "show": Lazy(
            target="segment.show:show",
            summary="Show a segment: what it says and rests on, what is deployed and what it cost.",
        ),
        "count": Lazy(target="segment.count:count", summary="Count the members of a segment."),
        "members": Lazy(target="segment.members:members", summary="List the members of a segment."),
        "explain": Lazy(
            target="segment.explain:explain",
            summary="Say why somebody is in a segment, or is not, and when that changes by itself.",
        ),
        "history": Lazy(
            target="segment.history:history",
            summary="List what the log says about a segment's members.",
        ),
    },
)

rule = LazyGroup(
    name="rule",
    help="Look at rules, and run one.",
    lazy={
        "list": Lazy(
            target="rule.listing:listing",
            summary="List the rules of the files and of the deployed state.",
        ),
        "show": Lazy(
            target="rule.show:show",
            summary="Show a rule: what it says, who gets what through which channels, when it "
            "runs and ran.",
        ),
        "run": Lazy(
            target="rule.run:run",
            summary="Run a deployed rule once; without --live to rehearse it.",
        ),
        "next": Lazy(
            target="rule.upcoming:upcoming",
            summary="List the next instants that a rule is scheduled for.",
        ),
        "history": Lazy(
            target="rule.history:history", summary="List the runs of a rule, newest first."
        ),
    },
)

run = LazyGroup(
    name="run",
    help="Look at what rules did.",
    lazy={
        "list": Lazy(
            target="run.listing:listing", summary="List the runs of all rules, newest first."
        ),
        "show": Lazy(
            target="run.show:show",
            summary="Show a run: where its users ended and why, and what was sent.",
        ),
    },
)

state = LazyGroup(
    name="state",
    help="Look at what is deployed.",
    lazy={
        "list": Lazy(target="state.listing:listing", summary="List every deployed object."),
        "show": Lazy(target="state.show:show", summary="Show a deployed object as it was applied."),
        "unlock": Lazy(
            target="state.unlock:unlock",
            summary="Break the lock of a process that is known to be dead.",
        ),
    },
)

catalog = LazyGroup(
    name="catalog",
    help="Write the catalog.",
    lazy={
        "import": Lazy(
            target="catalog.draft:draft",
            summary="Draft the YAML of the tables of a source.",
        ),
    },
)

cli = LazyGroup(
    name="segflow",
    help="User segments as YAML in git: plan what a change does, then apply exactly that.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    lazy={
        "init": Lazy(target="init:init", summary="Make a new project that validates and plans."),
        "validate": Lazy(
            target="validate:validate", summary="Check every file; show all errors at once."
        ),
        "lint": Lazy(target="lint:lint", summary="Warn of what is legal and probably not meant."),
        "doctor": Lazy(
            target="doctor:doctor", summary="Hold the catalog against what its sources hold."
        ),
        "test": Lazy(
            target="test:test",
            summary="Run the tests of segments; no source and no state is asked.",
        ),
        "schema": Lazy(
            target="schema:schema", summary="Print the JSON Schema of the YAML for editors."
        ),
        "plan": Lazy(
            target="plan:plan",
            summary="Show what differs from the deployed state, and who enters and leaves.",
        ),
        "show": Lazy(target="show:show", summary="Show a saved plan."),
        "apply": Lazy(target="apply:apply", summary="Do what a plan says."),
        "refresh": Lazy(target="refresh:refresh", summary="Bring deployed segments up to date."),
        "daemon": Lazy(
            target="daemon:daemon", summary="Refresh segments and run rules as they are due."
        ),
        "compile": Lazy(
            target="compile:compile_segment",
            summary="Print the queries that a segment becomes, one per source.",
        ),
    },
)
for group in (catalog, segment, rule, run, state):
    cli.add_command(group)
click.version_option(__version__, message="segflow %(version)s")(cli)


_ALLOCATIONS = 100_000
"""How many objects may be allocated before garbage is looked for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. No exception but SystemExit leaves here."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _survive_odd_text()
    # A project is a large tree of small values that live to the end: looking for garbage in it
    # after every 700 allocations finds nothing and costs a tenth of the time of a plan.
    gc.set_threshold(_ALLOCATIONS)
    try:
        return int(cli.main(words, prog_name="segflow", standalone_mode=False) or 0)
    except Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ERROR
    except Exception as error:
        return show_failure(error, _output_for(words), debug="--debug" in words)


def _output_for(words: Sequence[str]) -> Output:
    """How to speak when the options may not have been understood."""
    return Output(as_json="--json" in words, color=wanted_color("--no-color" in words))


def _survive_odd_text() -> None:
    """What a terminal's encoding can't show is escaped instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors="backslashreplace")
