"""Diagnostics for the user's text: what is wrong, where, and how to mend it.

They are gathered and sorted, never thrown one by one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range of one file. Lines and columns count from 1; the end column is exclusive.

    `path` is relative to the project. `text` is the source line at `line`, without its end.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding about the user's text.

    `code` is stable and documented (three letters, three digits), `summary` one line,
    `detail` the longer reason if any, `help` the fix. `address` names the object ("segment.x").
    """

    code: str
    summary: str
    severity: Severity = "error"
    detail: str | None = None
    help: str | None = None
    span: Span | None = None
    address: str | None = None

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """File order: path, line, column, then code and words."""
        if self.span is None:
            return ("", 0, 0, self.code, self.summary)
        return (self.span.path, self.span.line, self.span.column, self.code, self.summary)


@dataclass(slots=True)
class Report:
    """A collection of diagnostics that grows while text is read and is asked in file order."""

    _found: dict[Diagnostic, None] = field(default_factory=dict)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep one more finding; the very same one is kept once."""
        self._found[diagnostic] = None

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep several."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self._found, key=Diagnostic.sort_key))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Only the errors, in file order."""
        return tuple(found for found in self if found.severity == "error")

    @property
    def has_errors(self) -> bool:
        """True where at least one finding is an error."""
        return any(found.severity == "error" for found in self._found)
