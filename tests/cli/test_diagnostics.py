"""Diagnostics as people and programs get to see them."""

import click
import pytest

from segflow.cli import diagnostics
from segflow.diagnostics import Diagnostic, Report, Span


def span(text: str, marked: str, *, line: int = 4, end_line: int | None = None) -> Span:
    """The span of the first place where `marked` stands in the source line."""
    start = text.index(marked)
    return Span(
        path="segments/lapsed.yaml",
        line=line,
        column=start + 1,
        end_line=end_line or line,
        end_column=start + len(marked) + 1,
        text=text,
    )


def shown(found: Diagnostic) -> str:
    return click.unstyle("\n".join(diagnostics.render_one(found)))


def carets(text: str, marked: str) -> tuple[str, str]:
    """The shown source line and the line of carets below it."""
    lines = shown(Diagnostic(code="YML001", summary="x", span=span(text, marked))).splitlines()
    return lines[3].removeprefix("4 | "), lines[4].removeprefix("  | ")


def test_a_diagnostic_shows_place_source_caret_and_help():
    """Rule, summary, path:line:col, the source line, carets below the range, reason and fix."""
    found = Diagnostic(
        code="YML104",
        summary='unknown key "wihtin"',
        detail="a condition on events takes where, within, ago, since, until, calendar",
        help="did you mean within?",
        span=span("where: {did_not: purchase, wihtin: 7d}", "wihtin", line=14),
        address="segment.lapsed_7d",
    )
    assert shown(found) == (
        'error[YML104]: unknown key "wihtin"\n'
        "  --> segments/lapsed.yaml:14:28\n"
        "   |\n"
        "14 | where: {did_not: purchase, wihtin: 7d}\n"
        "   |                            ^^^^^^\n"
        "   = a condition on events takes where, within, ago, since, until, calendar\n"
        "   = help: did you mean within?"
    )


def test_a_diagnostic_without_a_place_names_its_object():
    """Where no source line is known, the address stands in its place."""
    found = Diagnostic(code="SRC001", summary="no such table", address="event.purchase")
    assert shown(found) == "error[SRC001]: no such table\n --> event.purchase"


def test_a_diagnostic_about_nothing_in_particular_is_one_line():
    """A warning with neither place nor object is its summary alone."""
    found = Diagnostic(code="PRJ001", summary="no segments", severity="warning")
    assert shown(found) == "warning[PRJ001]: no segments"


@pytest.mark.parametrize(
    ("text", "marked", "line", "below"),
    [
        ("\twithin: 7d", "7d", "    within: 7d", "            ^^"),
        ("name:\tx y", "x", "name:    x y", "         ^"),
        ("描述: 流失 oops", "oops", "描述: 流失 oops", "           ^^^^"),
        ("描述: 流失", "流失", "描述: 流失", "      ^^^^"),
        ("cafe\u0301: oops", "oops", "cafe\u0301: oops", "      ^^^^"),
        ("🎁: gift", "gift", "🎁: gift", "    ^^^^"),
    ],
)
def test_carets_stand_below_what_they_mark(text, marked, line, below):
    """Tabs, wide characters, emoji and combining accents do not move the carets."""
    assert carets(text, marked) == (line, below)


def test_an_empty_range_still_has_a_caret():
    """A range of no width, such as a missing value's, is marked by one caret."""
    at_the_end = Span(path="a.yaml", line=1, column=8, end_line=1, end_column=8, text="within:")
    lines = shown(Diagnostic(code="YML002", summary="no value", span=at_the_end)).splitlines()
    assert lines[-1] == "  |        ^"


def test_a_range_over_several_lines_is_marked_to_the_end_of_the_first():
    """Only the first line of a longer range is shown, marked to its end."""
    found = Diagnostic(
        code="SEG001",
        summary="x",
        span=span("  all: [a,   ", "all: [a,", line=2, end_line=5),
    )
    assert shown(found).splitlines()[-1] == "  |   ^^^^^^^^"


def test_control_characters_never_reach_the_terminal():
    """Escape codes and direction overrides in a file are shown as replacement characters."""
    line, below = carets("a: \x1b[31m\u202ered", "red")
    assert line == "a: �[31m�red"
    assert below == "         ^^^"


@pytest.mark.parametrize("where", [0, 500, 985])
def test_a_long_line_is_cut_around_its_caret(where):
    """Of a line of a thousand characters, the part with the caret is shown, ends marked by …"""
    text = "x" * where + "oops" + "x" * (996 - where)
    line, below = carets(text, "oops")
    assert len(line) <= 162
    assert line[below.index("^") : below.rindex("^") + 1] == "oops"
    assert line.startswith("…") == (where > 0)
    assert line.endswith("…") == (where < 985)


def test_several_lines_of_help_stay_below_each_other():
    """The second line of a remark is indented as far as the first one's text."""
    found = Diagnostic(code="X", summary="x", help="one of:\n  a\n  b")
    assert shown(found).splitlines()[1:] == ["  = help: one of:", "            a", "            b"]


def test_the_report_is_sorted_and_counted():
    """Diagnostics come in file order whatever the order they were found in, then their number."""
    report = Report()
    for line, severity in ((9, "warning"), (2, "error"), (5, "error")):
        report.add(
            Diagnostic(
                code="YML104",
                summary=f"line {line}",
                severity=severity,
                span=span("ab", "b", line=line),
            )
        )
    places = [line.strip() for line in diagnostics.render(report) if "-->" in line]
    assert [click.unstyle(place).rsplit(":", 2)[1] for place in places] == ["2", "5", "9"]
    assert diagnostics.closing(report) == "Found 2 errors, 1 warning."


def test_the_json_has_the_shape_of_opentofu():
    """Severity, summary, detail, address, range and snippet, with the rule and the fix beside."""
    report = Report()
    report.add(
        Diagnostic(
            code="YML104",
            summary="unknown key",
            help="did you mean within?",
            span=span("{did: p, wihtin: 7d}", "wihtin"),
            address="segment.a",
        )
    )
    report.add(Diagnostic(code="PRJ001", summary="no rules", severity="warning"))
    assert diagnostics.report_to_json(report) == {
        "format_version": "1.0",
        "valid": False,
        "error_count": 1,
        "warning_count": 1,
        "diagnostics": [
            {
                "rule": "PRJ001",
                "severity": "warning",
                "summary": "no rules",
                "detail": "",
                "help": None,
                "address": None,
                "range": None,
                "snippet": None,
            },
            {
                "rule": "YML104",
                "severity": "error",
                "summary": "unknown key",
                "detail": "",
                "help": "did you mean within?",
                "address": "segment.a",
                "range": {
                    "filename": "segments/lapsed.yaml",
                    "start": {"line": 4, "column": 10},
                    "end": {"line": 4, "column": 16},
                },
                "snippet": {
                    "context": "segment.a",
                    "code": "{did: p, wihtin: 7d}",
                    "start_line": 4,
                    "highlight_start_offset": 9,
                    "highlight_end_offset": 15,
                    "values": [],
                },
            },
        ],
    }


def test_warnings_alone_leave_a_project_valid():
    """`valid` speaks of errors only."""
    report = Report()
    report.add(Diagnostic(code="PRJ001", summary="no rules", severity="warning"))
    assert diagnostics.report_to_json(report)["valid"] is True
