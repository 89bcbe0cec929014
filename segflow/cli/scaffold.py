"""The files of a new project, and writing them where nothing stands in the way."""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from segflow.errors import RefusedError

_PLACEHOLDER = b"PROJECT"
_IGNORED = ".segflow/"


def create(folder: Path) -> tuple[str, tuple[Path, ...]]:
    """Write a new project into the folder, which is made if need be; give its name and its files.

    Raises RefusedError when the folder is a project already or holds a file of the same name.
    """
    files = _template(resources.files("segflow.cli").joinpath("template"), Path())
    name = project_name(folder)
    here = "this folder" if folder == Path() else str(folder)
    if (folder / "segflow.toml").exists():
        raise RefusedError(
            f"{here} is a segflow project already",
            hint="go on with `segflow plan` there, or name another folder",
        )
    if taken := [str(path) for path in files if (folder / path).exists()]:
        raise RefusedError(
            f"{here} holds files of the same name: {', '.join(taken)}",
            hint="move them away, or name another folder",
        )
    for path, content in files.items():
        _write(folder / path, content)
    ignored = _ignore_state(folder / ".gitignore")
    # Last, so that a folder is a project only when all of it is there.
    settings = resources.files("segflow.cli").joinpath("template", "segflow.toml").read_bytes()
    _write(folder / "segflow.toml", settings.replace(_PLACEHOLDER, name.encode()))
    return name, (Path("segflow.toml"), *ignored, *files)


def project_name(folder: Path) -> str:
    """The folder's name in lower case, with a dash for what a name should not hold."""
    plain = re.sub(r"[^a-z0-9_]+", "-", folder.absolute().name.lower()).strip("-")
    return plain or "project"


def _template(place: Traversable, path: Path) -> dict[Path, bytes]:
    """Every file below a folder of the template, but those that need more than a copy."""
    files: dict[Path, bytes] = {}
    for item in sorted(place.iterdir(), key=lambda found: found.name):
        if item.is_dir():
            files |= _template(item, path / item.name)
        elif item.name not in ("gitignore", "segflow.toml"):
            files[path / item.name] = item.read_bytes()
    return files


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _ignore_state(path: Path) -> tuple[Path, ...]:
    """Keep the state out of git; a .gitignore that is there keeps its lines."""
    template = resources.files("segflow.cli").joinpath("template", "gitignore").read_text("utf-8")
    if not path.exists():
        _write(path, template.encode())
        return (Path(path.name),)
    held = path.read_text("utf-8")
    if _IGNORED not in held.splitlines():
        break_ = "" if not held or held.endswith("\n") else "\n"
        path.write_text(f"{held}{break_}{template}", "utf-8")
    return ()
