"""Files of a project that sources name."""

from pathlib import Path

from segflow.errors import SourceUnavailableError, UnusableDataError

Stamp = tuple[tuple[int, int, int], ...]
"""What tells a file, or those of a folder, from what was written in its place: inode, time of
change and size of each."""


def stamp_of(source: str, file: Path) -> Stamp:
    """The stamp as it is now. Raises SourceUnavailableError where the file is gone."""
    files = sorted(file.rglob("*")) if file.is_dir() else [file]
    try:
        found = [one.stat() for one in files]
    except FileNotFoundError as error:
        raise SourceUnavailableError(f"source {source}: the file {file.name} is gone") from error
    return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


def file_inside(source: str, root: Path, path: str) -> Path:
    """The file or folder, which must lie in the project's folder.

    Raises UnusableDataError for one that does not, SourceUnavailableError where there is none.
    """
    base = root.resolve()
    file = (base / path).resolve()
    if not file.is_relative_to(base):
        raise UnusableDataError(
            f"source {source}: {path} lies outside of the project",
            hint="a project reads files of its own folder only; copy or mount the file there",
        )
    if not file.exists():
        raise SourceUnavailableError(
            f"source {source}: there is no file {path}",
            hint="the path is relative to the folder of segflow.toml",
        )
    return file
