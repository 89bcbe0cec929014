"""The folder of the project that a command works in."""

from pathlib import Path

from segflow.app.root import find_root
from segflow.cli.invocation import Invocation
from segflow.errors import RefusedError
from segflow.loader.settings import FILE


def root_of(call: Invocation) -> Path:
    """The project's folder: the one that was named, or the nearest upward.

    Raises RefusedError where there is none.
    """
    if call.project is None:
        return find_root(Path.cwd())
    if not (call.project / FILE).is_file():
        raise RefusedError(
            f"there is no {FILE} in {call.project}",
            hint="--project names the folder of a project; `segflow init` makes a new one",
        )
    return call.project
