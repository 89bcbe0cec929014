"""Diagnostics for a person (source line, caret, fix) and as JSON for editors and CI."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import click
from rich.cells import cell_len

from segflow.cli.output import counted
from segflow.diagnostics import Diagnostic, Report, Span

_TAB = "    "
_LONGEST_LINE = 160
"""Characters of a source line that are shown; a longer one is cut around its caret."""
_COLORS = {"error": "red", "warning": "yellow"}


def render(report: Iterable[Diagnostic]) -> Iterator[str]:
    """The lines that show every diagnostic, each followed by an empty line."""
    for diagnostic in report:
        yield from render_one(diagnostic)
        yield ""


def closing(report: Iterable[Diagnostic]) -> str:
    """ "Found 2 errors, 1 warning." """
    errors, warnings = tally(report)
    return f"Found {counted(errors, 'error')}, {counted(warnings, 'warning')}."


def tally(report: Iterable[Diagnostic]) -> tuple[int, int]:
    """The number of errors and of warnings."""
    severities = [found.severity for found in report]
    return severities.count("error"), severities.count("warning")


def render_one(diagnostic: Diagnostic) -> Iterator[str]:
    """The lines that show one diagnostic."""
    color = _COLORS[diagnostic.severity]
    head = click.style(f"{diagnostic.severity}[{diagnostic.code}]", fg=color, bold=True)
    yield f"{head}: {click.style(printable(diagnostic.summary), bold=True)}"
    span = diagnostic.span
    margin = " " * (len(str(span.line)) if span else 1)
    if span is not None:
        yield f"{margin}{_dim('-->')} {printable(span.path)}:{span.line}:{span.column}"
        yield from _source(span, margin, color)
    elif diagnostic.address is not None:
        yield f"{margin}{_dim('-->')} {diagnostic.address}"
    if diagnostic.detail is not None:
        yield from _remark("", diagnostic.detail, margin)
    if diagnostic.help is not None:
        yield from _remark("help: ", diagnostic.help, margin)


def _source(span: Span, margin: str, color: str) -> Iterator[str]:
    if not span.text:
        return
    line, start, end = _cut(span.text, span.column - 1, _end_of_caret(span))
    before = cell_len(printable(line[:start]))
    carets = "^" * max(1, cell_len(printable(line[start:end])))
    bar = _dim("|")
    yield f"{margin} {bar}"
    yield f"{_dim(str(span.line))} {bar} {printable(line)}"
    yield f"{margin} {bar} {' ' * before}{click.style(carets, fg=color, bold=True)}"


def _end_of_caret(span: Span) -> int:
    """Where the marked part of the first line ends, counted from 0: a range that goes on below is
    marked to the line's end."""
    if span.end_line > span.line:
        return len(span.text.rstrip())
    return span.end_column - 1


def _cut(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a long line around its caret, and the caret's place in that."""
    if len(text) <= _LONGEST_LINE:
        return text, start, end
    left = max(0, min(start - _LONGEST_LINE // 3, len(text) - _LONGEST_LINE))
    right = left + _LONGEST_LINE
    head = "…" if left else ""
    tail = "…" if right < len(text) else ""
    shift = len(head) - left
    return f"{head}{text[left:right]}{tail}", start + shift, min(end, right) + shift


def _remark(label: str, text: str, margin: str) -> Iterator[str]:
    first, *others = text.splitlines() or [""]
    yield f"{margin} {_dim('=')} {click.style(label, bold=True)}{printable(first)}"
    for other in others:
        yield f"{margin}   {' ' * len(label)}{printable(other)}"


def _dim(text: str) -> str:
    return click.style(text, fg="blue", bold=True)


def printable(text: str) -> str:
    """The text as it is safe to show: tabs as four spaces, control and direction characters, which
    could steer the terminal or hide what stands there, as replacement characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return _TAB
    # Cc: control; Cf: format, among them the direction overrides; Cs: lone surrogates.
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs")
    return "�" if hidden else character


# --- JSON --------------------------------------------------------------------------------------


def report_to_json(report: Report) -> dict[str, Any]:
    """What `segflow validate --json` prints."""
    errors, warnings = tally(report)
    return {
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": warnings,
        "diagnostics": [to_json(diagnostic) for diagnostic in report],
    }


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """One diagnostic in the shape of OpenTofu's, with two more keys: `rule` and `help`."""
    span = diagnostic.span
    return {
        "rule": diagnostic.code,
        "severity": diagnostic.severity,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail or "",
        "help": diagnostic.help,
        "address": diagnostic.address,
        "range": None if span is None else _range(span),
        "snippet": None if span is None else _snippet(span, diagnostic.address),
    }


def _range(span: Span) -> dict[str, Any]:
    return {
        "filename": span.path,
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }


def _snippet(span: Span, address: str | None) -> dict[str, Any]:
    return {
        "context": address,
        "code": span.text,
        "start_line": span.line,
        "highlight_start_offset": span.column - 1,
        "highlight_end_offset": _end_of_caret(span),
        "values": [],
    }
