"""Reads the project's files; what can't be read is a finding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segflow.diagnostics import Diagnostic, Severity, Span
from segflow.loader.discovery import is_inside
from segflow.loader.nodes import SourceFile
from segflow.model.address import Address

_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """A place of an object that names a file, by its path relative to the project."""

    address: Address
    path: str
    span: Span | None


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


def text_of(root: Path, path: str) -> str:
    """What can be made out of a file that is not UTF-8 text; nothing of one that can't be read."""
    try:
        return (root / path).read_bytes().decode(errors="replace").replace("\0", "")
    except OSError:
        return ""


def _not_utf8(path: str, content: bytes, start: int) -> Diagnostic:
    before = SourceFile(path, content[:start].decode(errors="replace")).lines
    line, column = len(before) - 1, len(before[-1])
    file = SourceFile(path, content.decode(errors="replace"))
    span = file.range(line, column, line, column + 1)
    return Diagnostic(
        code="YML007", summary="not UTF-8 text", help="save the file as UTF-8", span=span
    )


def by_path(uses: Iterable[FileUse]) -> Mapping[str, Sequence[FileUse]]:
    """The uses of each file, in the order given."""
    found: dict[str, list[FileUse]] = {}
    for use in uses:
        found.setdefault(use.path, []).append(use)
    return found


def read_named(
    root: Path,
    path: str,
    uses: Iterable[FileUse],
    found: list[Diagnostic],
    codes: tuple[str, str],
    help: str = "the path is relative to the folder of segflow.toml",
) -> bytes | None:
    """The bytes of a file that objects name; None, with an error at each of its uses, where it
    can't be read (the first of `codes`; `help` is for one that is not there) or is not inside of
    the project (the second)."""
    file = root / path
    code = codes[0]
    if not is_inside(str(root.resolve()), str(file)):
        code, summary = codes[1], f"{path} leads out of the project"
        help = "put a copy of the file into the project"
    elif file.is_dir():
        summary, help = f"{path} is a folder", "name a file in it"
    elif not file.is_file():
        summary = f"there is no file {path}"
    else:
        try:
            return file.read_bytes()
        except OSError as error:
            summary = f"can't read {path}: {error.strerror}"
    for use in uses:
        found.append(
            Diagnostic(
                code=code, summary=summary, help=help, span=use.span, address=str(use.address)
            )
        )
    return None


def at_line(
    code: str,
    path: str,
    line: int,
    raw: str,
    summary: str,
    help: str | None,
    *,
    severity: Severity = "error",
) -> Diagnostic:
    """A finding about a whole line of a file."""
    shown = raw[:_LONGEST_SHOWN]
    span = Span(
        path=path,
        line=line,
        column=1,
        end_line=line,
        end_column=max(2, len(shown) + 1),
        text=shown,
    )
    return Diagnostic(code=code, summary=summary, help=help, span=span, severity=severity)
