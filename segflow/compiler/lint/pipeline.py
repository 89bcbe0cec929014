"""The rules of lint; read this first."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from segflow.compiler.lint.cost import cost
from segflow.compiler.lint.missing import missing
from segflow.compiler.lint.privacy import privacy
from segflow.compiler.lint.subjects import Linted, roots
from segflow.compiler.lint.truth import truth
from segflow.compiler.lint.usage import same_segments, unused_files, unused_segments
from segflow.compiler.passes.draft import draft_of
from segflow.compiler.passes.typecheck import typecheck
from segflow.diagnostics import Report
from segflow.model.compiled import Compiled

RULES: tuple[Callable[[Linted], None], ...] = (
    truth,
    missing,
    cost,
    privacy,
    unused_files,
    unused_segments,
    same_segments,
)


def lint(compiled: Compiled, files: Iterable[str]) -> Report:
    """What is legal and probably not meant in a project that compiles. `files` are those in its
    folders of lists and templates. Each rule looks at every condition once."""
    # Typed again, since what is compiled has a normal shape, in which places are lost.
    draft = replace(typecheck(draft_of(compiled.project)), report=Report())
    linted = Linted(compiled=compiled, draft=draft, files=tuple(files), roots=tuple(roots(draft)))
    for rule in RULES:
        rule(linted)
    report = Report()
    report.extend(compiled.project.sources.told(draft.report))
    return report
