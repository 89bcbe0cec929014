"""Files of a project that sources name."""

from pathlib import Path

from segflow.errors import SourceUnavailableError, UnusableDataError


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
