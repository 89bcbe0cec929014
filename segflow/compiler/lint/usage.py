"""Files and segments that nothing uses, and segments that say the same."""

from segflow.compiler.lint.codes import SAME, UNUSED_FILE, UNUSED_SEGMENT
from segflow.compiler.lint.subjects import Linted
from segflow.diagnostics import Diagnostic, Span
from segflow.model.compiled import CompiledSegment
from segflow.model.segment import DEFAULT_REFRESH


def unused_files(linted: Linted) -> None:
    """Warn of lists and templates that no object names."""
    project = linted.draft.project
    for path in linted.files:
        if path in project.lists or path in project.files:
            continue
        span = Span(path=path, line=1, column=1, end_line=1, end_column=2, text="")
        linted.draft.report.add(
            Diagnostic(
                code=UNUSED_FILE,
                severity="warning",
                summary="nothing names this file",
                help="remove it, or name it: a list by in_file, a template in a rule",
                span=span,
            )
        )


def unused_segments(linted: Linted) -> None:
    """Warn of segments that neither a rule nor another object names, where there are rules at all;
    one whose `refresh` is not the default is kept up to date on purpose."""
    compiled = linted.compiled
    if not compiled.rules:
        return
    used = {needed for needs in compiled.depends.values() for needed in needs}
    for name, one in compiled.segments.items():
        if one.address not in used and one.segment.refresh == DEFAULT_REFRESH:
            summary = f"nothing uses segment {name!r}, and it is refreshed every hour"
            help = "name it in a rule or a segment, write how often it is refreshed, or remove it"
            linted.warn(UNUSED_SEGMENT, one.address, ("segment",), summary, help)


def same_segments(linted: Linted) -> None:
    """Warn of segments that mean what another means and are kept as it is."""
    first: dict[tuple[str, str], CompiledSegment] = {}
    for one in sorted(linted.compiled.segments.values(), key=lambda one: one.address):
        other = first.setdefault((one.definition, one.segment.mode), one)
        if other is not one:
            summary = f"it means the same as {other.address}"
            help = f"use {other.segment.name} in its place"
            linted.warn(SAME, one.address, ("segment",), summary, help)
