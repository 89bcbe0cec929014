"""The folder of a project."""

from pathlib import Path

from segflow.errors import RefusedError
from segflow.loader.settings import FILE


def find_root(start: Path) -> Path:
    """The nearest folder upward with segflow.toml. Raises RefusedError where there is none."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
    raise RefusedError(
        f"there is no {FILE} in {start} or above it",
        hint="`segflow init` makes a new project; --project DIR names one",
    )
