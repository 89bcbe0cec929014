"""Finds the files of a project in a fixed order, and never leaves its folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from segflow.diagnostics import Diagnostic, Span

_ENDINGS = (".yaml", ".yml")


def yaml_files(root: Path, folders: tuple[str, ...], found: list[Diagnostic]) -> Iterator[str]:
    """The YAML files below the folders, each once, as paths relative to the root, sorted.

    Hidden files and folders are passed over. A symbolic link that leads out of the project is an
    error and not followed.
    """
    home = os.path.realpath(root)
    seen: set[str] = set()
    names: list[str] = []
    for folder in folders:
        if is_inside(home, os.path.join(home, folder)):
            names += _walk(home, folder, seen, found)
        else:
            found.append(_leads_out(folder))
    return iter(sorted(names))


def is_inside(home: str, path: str) -> bool:
    """True where the real place of `path` is `home`, itself a real path, or below it."""
    real = os.path.realpath(path)
    return real == home or real.startswith(home + os.sep)


def _walk(home: str, relative: str, seen: set[str], found: list[Diagnostic]) -> Iterator[str]:
    folder = os.path.join(home, relative)
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        found.append(_fault("YML009", relative, f"can't read the folder: {error.strerror}"))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = entry.name if relative == "." else f"{relative}/{entry.name}"
        if entry.is_symlink() and not is_inside(home, entry.path):
            found.append(_leads_out(path))
        elif entry.is_dir():
            yield from _walk(home, path, seen, found)
        elif entry.name.endswith(_ENDINGS) and _is_first(entry, seen):
            yield path


def _is_first(entry: os.DirEntry[str], seen: set[str]) -> bool:
    """False for a second name of a file that was found already."""
    if not entry.is_symlink():
        seen.add(entry.path)
        return True
    real = os.path.realpath(entry.path)
    if real in seen:
        return False
    seen.add(real)
    return True


def _leads_out(path: str) -> Diagnostic:
    help = "put a copy of it into the project"
    return _fault("YML010", path, "a symbolic link leads out of the project", help)


def _fault(code: str, path: str, summary: str, help: str | None = None) -> Diagnostic:
    span = Span(path=path, line=1, column=1, end_line=1, end_column=2, text="")
    return Diagnostic(code=code, summary=summary, help=help, span=span)
