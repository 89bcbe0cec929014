"""Reads the project's text files; what can't be read is a finding."""

from pathlib import Path

from segflow.diagnostics import Diagnostic
from segflow.loader.nodes import SourceFile


def read_text(
    root: Path, path: str, found: list[Diagnostic], *, code: str = "YML009"
) -> SourceFile | None:
    """The file as text; None, with an error, where it can't be read (`code`) or is not UTF-8."""
    try:
        content = (root / path).read_bytes()
        return SourceFile(path, content.decode("utf-8-sig"))
    except OSError as error:
        span = SourceFile(path, "").range(0, 0, 0, 1)
        summary = f"can't read {path}: {error.strerror}"
        found.append(Diagnostic(code=code, summary=summary, span=span))
    except UnicodeDecodeError as error:
        found.append(_not_utf8(path, content, error.start))
    return None


def _not_utf8(path: str, content: bytes, start: int) -> Diagnostic:
    before = SourceFile(path, content[:start].decode(errors="replace")).lines
    line, column = len(before) - 1, len(before[-1])
    file = SourceFile(path, content.decode(errors="replace"))
    span = file.range(line, column, line, column + 1)
    return Diagnostic(
        code="YML007", summary="not UTF-8 text", help="save the file as UTF-8", span=span
    )
