"""What people and programs are told when something goes wrong, and the exit codes."""

import errno

import click
import pytest

from segflow.cli import failures
from segflow.cli.output import Output
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import (
    BlockedError,
    InvalidProjectError,
    LockedError,
    RefusedError,
    StalePlanError,
)


def told(error: Exception) -> str:
    return click.unstyle("\n".join(failures.to_lines(error)))


def broken() -> InvalidProjectError:
    report = Report()
    report.add(Diagnostic(code="YML104", summary="unknown key", address="segment.a"))
    return InvalidProjectError(report)


def test_an_error_is_a_message_and_a_way_out():
    """The message, then the hint on a line of its own."""
    error = RefusedError("the lock is held", hint="wait")
    assert told(error) == "error: the lock is held\n  = help: wait"


def test_an_error_without_a_hint_is_one_line():
    """Nothing is said where there is nothing to say."""
    assert told(RefusedError("no")) == "error: no"


def test_an_invalid_project_shows_its_diagnostics():
    """The report itself is shown, with its count."""
    assert told(broken()) == (
        "error[YML104]: unknown key\n --> segment.a\n\nFound 1 error, 0 warnings."
    )


def test_a_file_error_names_the_file():
    """What the system says of a file is one line with its name."""
    error = OSError(errno.EACCES, "Permission denied", "plan.segplan")
    assert told(error) == "error: plan.segplan: Permission denied"


def test_a_failure_of_the_system_says_what_the_system_says():
    """An error without a file is told in the system's words."""
    assert (
        told(OSError(errno.ENOSPC, "No space left on device")) == "error: No space left on device"
    )


def test_what_nobody_expected_says_how_to_report_it():
    """A defect is told as one, in two lines, without a traceback."""
    assert told(KeyError("x")) == (
        "error: segflow failed in a way it should not: KeyError: 'x'\n"
        "  = help: run it again with --debug for the traceback, and report it with that"
    )


def test_messages_can_not_steer_the_terminal():
    """Control characters in a message are replaced."""
    assert told(RefusedError("a\x1b[2Jb")) == "error: a�[2Jb"


@pytest.mark.parametrize(
    ("error", "kind", "retry"),
    [
        (StalePlanError("x"), "stale_plan", False),
        (LockedError("x"), "locked", True),
        (BlockedError("x"), "blocked", False),
        (RefusedError("x"), "refused", False),
        (click.UsageError("x"), "usage", False),
        (OSError(errno.ENOENT, "No such file", "x"), "file", False),
        (KeyError("x"), "internal", False),
    ],
)
def test_programs_get_a_kind_and_whether_to_retry(error, kind, retry):
    """Each failure has a stable name, and only what may pass by itself says retry."""
    facts = failures.to_facts(error)
    assert (facts["kind"], facts["retry"]) == (kind, retry)


def test_programs_get_the_diagnostics_too():
    """An invalid project's failure carries every diagnostic."""
    facts = failures.to_facts(broken())
    assert facts["kind"] == "invalid_project"
    assert [found["rule"] for found in facts["diagnostics"]] == ["YML104"]


@pytest.mark.parametrize(("error", "code"), [(BlockedError("x"), 3), (RefusedError("x"), 1)])
def test_a_guard_has_an_exit_code_of_its_own(capsys, error, code):
    """3 where a guard forbids, 1 for everything else."""
    assert failures.show_failure(error, Output(), debug=False) == code
    assert capsys.readouterr().err == "error: x\n"
