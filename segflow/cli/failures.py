"""What a person, and a program, are told when a command fails, and with which exit code."""

import re
import traceback
from dataclasses import replace
from typing import Any

import click

from segflow.cli.diagnostics import closing, printable, render, to_json
from segflow.cli.output import Output, error_label
from segflow.errors import BlockedError, InvalidProjectError, RetryableError, SegflowError

OK = 0
ERROR = 1
CHANGES = 2
"""`plan --detailed-exitcode` only: there is something to do."""
BLOCKED = 3
"""A guard of a segment forbids the change."""
INTERRUPTED = 130


def show_failure(error: Exception, output: Output, *, debug: bool) -> int:
    """Tell the person, or the program with --json, and return the exit code."""
    if debug:
        output.note("".join(traceback.format_exception(error)).rstrip())
    try:
        if output.as_json:
            output.facts({"error": to_facts(error)})
    except OSError:  # stdout takes nothing any more, which may be what went wrong
        output = replace(output, as_json=False)
    if not output.as_json:
        output.notes(to_lines(error))
    return BLOCKED if isinstance(error, BlockedError) else ERROR


def to_lines(error: Exception) -> list[str]:
    """The failure for a person: what is wrong, then what to do about it."""
    if isinstance(error, InvalidProjectError):
        return [*render(error.report), closing(error.report)]
    lines = [f"{error_label()}: {printable_lines(message(error))}"]
    if (advice := hint(error)) is not None:
        lines.append(f"  = {click.style('help:', bold=True)} {printable_lines(advice)}")
    return lines


def to_facts(error: Exception) -> dict[str, Any]:
    """The failure for a program. `retry` is true where the same request may succeed later."""
    facts: dict[str, Any] = {
        "kind": kind(error),
        "message": message(error),
        "hint": hint(error),
        "retry": isinstance(error, RetryableError),
    }
    if isinstance(error, InvalidProjectError):
        facts["diagnostics"] = [to_json(diagnostic) for diagnostic in error.report]
    return facts


def kind(error: Exception) -> str:
    """The failure's name for programs: "stale_plan", "locked", "usage", "file", "internal"."""
    match error:
        case SegflowError():
            name = type(error).__name__.removesuffix("Error")
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        case click.ClickException():
            return "usage"
        case OSError():
            return "file"
        case _:
            return "internal"


def message(error: Exception) -> str:
    """One sentence on what is wrong."""
    match error:
        case SegflowError():
            return error.message
        case click.ClickException():
            return error.format_message()
        case OSError(filename=name, strerror=reason) if name is not None and reason is not None:
            return f"{name}: {reason}"
        case OSError(strerror=reason) if reason is not None:
            return str(reason)
        case _:
            return f"segflow failed in a way it should not: {type(error).__name__}: {error}"


def hint(error: Exception) -> str | None:
    """What the person can do, or None."""
    match error:
        case SegflowError():
            return error.hint
        case click.UsageError(ctx=context) if context is not None:
            return f"see `{context.command_path} --help`"
        case click.ClickException():
            return None
        case OSError(strerror=reason) if reason is not None:
            return None
        case _:
            return "run it again with --debug for the traceback, and report it with that"


def printable_lines(text: str) -> str:
    """The text, safe to show; lines after the first are indented."""
    return "\n  ".join(printable(line) for line in text.splitlines())
