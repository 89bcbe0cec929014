"""What a project's files compiled to last time, so that an empty plan need not read them.

One small file beside the state, `.segflow/cache/project.json`: a digest of every file that was read
and a digest of every object that came out. It only ever answers "nothing changed"; in every other
case, and whenever anything about it is odd, the files are read as if it were not there.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from segflow import __version__
from segflow.app.wiring import World
from segflow.diagnostics import Diagnostic
from segflow.loader.discovery import yaml_files
from segflow.loader.settings import FILE
from segflow.model.address import Address
from segflow.model.codec import digest
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.planner.files import Files, named_files
from segflow.planner.plan import empty_plan

_HOME = Path(".segflow")
_PLACE = _HOME / "cache" / "project.json"


def texts(world: World) -> str | None:
    """One digest of all YAML and settings, and of who reads them; None where they can't be read in
    peace. To be taken before a project is loaded, so that what is saved meanwhile is not taken for
    what was read."""
    found: list[Diagnostic] = []
    paths = [FILE, *yaml_files(world.root, world.settings.paths, found)]
    contents = _digests(world.root, paths)
    if found or contents is None:
        return None
    return digest("\n".join([__version__, world.settings.environment, *contents]))


def unchanged_plan(
    world: World, seen: str | None, as_of: Instant | None, *, impact: bool
) -> Plan | None:
    """The plan with nothing to do, where the files (`seen` of texts()) are as they were remembered
    and what they compiled to is what is deployed; None where only reading them can tell.

    Raises what the state raises.
    """
    memory = _read(world.root)
    if seen is None or memory is None or memory.get("texts") != seen:
        return None
    lists = memory.get("lists")
    if not isinstance(lists, dict) or _digests(world.root, lists) != _lines(lists):
        return None
    version = world.state.version()
    mine = (world.settings.name, world.settings.timezone)
    if version is None or (version.project, version.timezone) != mine:
        return None
    deployed = world.state.deployed()
    rows = ((one.address, one.fingerprint, one.definition, one.files) for one in deployed.values())
    if memory.get("objects") != _objects(rows):
        return None
    instant = Instant(world.clock.now()) if as_of is None else as_of
    return empty_plan(world.settings, version, instant, unchanged=len(deployed), with_impact=impact)


def remember(world: World, compiled: Compiled, seen: str | None) -> None:
    """Keep the digests of a project without findings that is deployed as it is; `seen` is that of
    its texts before it was loaded. Makes no folder but its own beside the state; where that can't
    be written nothing is kept."""
    if seen is None or not (world.root / _HOME).is_dir():
        return
    rows = (
        (address, fingerprint, compiled.definition(address), named_files(address, compiled))
        for address, fingerprint in compiled.fingerprints.items()
    )
    project = compiled.project
    lists = {path: found.digest for path, found in project.lists.items()}
    lists |= {path: found.digest for path, found in project.files.items()}
    memory = {"texts": seen, "lists": lists, "objects": _objects(rows)}
    with contextlib.suppress(OSError):
        _write(world.root / _PLACE, json.dumps(memory))


def _digests(root: Path, paths: Iterable[str]) -> list[str] | None:
    try:
        return _lines({path: digest((root / path).read_bytes()) for path in paths})
    except OSError:
        return None


def _lines(digests: Mapping[str, str]) -> list[str]:
    return [f"{path} {found}" for path, found in digests.items()]


def _objects(rows: Iterable[tuple[Address, str, str | None, Files]]) -> str:
    """One digest of objects: each with its fingerprint, its definition hash and its files."""
    return digest("\n".join(sorted(" ".join(map(str, row)) for row in rows)))


def _read(root: Path) -> dict[str, Any] | None:
    try:
        memory = json.loads((root / _PLACE).read_text())
    except (OSError, ValueError):
        return None
    return memory if isinstance(memory, dict) else None


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(exist_ok=True)
    # Renamed into place, so that no reader ever sees half of it.
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.replace(place)
