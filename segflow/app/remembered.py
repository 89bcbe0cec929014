"""What a project's files compiled to last time, so that an empty plan need not read them.

One small file beside the state, `.segflow/cache/project.json`: a digest of every file that was read
and a digest of every object that came out. It only ever answers "nothing changed"; in every other
case, and whenever anything about it is odd, the files are read as if it were not there.
"""

import contextlib
import json
import os
from collections.abc import Iterable
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
from segflow.planner.plan import empty_plan

_HOME = Path(".segflow")
_PLACE = _HOME / "cache" / "project.json"


def unchanged_plan(world: World, as_of: Instant | None, *, impact: bool) -> Plan | None:
    """The plan with nothing to do, where the files are as they were remembered and what they
    compiled to is what is deployed; None where only reading them can tell.

    Raises what the state raises.
    """
    memory = _read(world.root)
    if memory is None or memory.get("files") != _files(world, memory.get("lists", ())):
        return None
    version = world.state.version()
    if version is None or version.project != world.settings.name:
        return None
    deployed = world.state.deployed()
    rows = ((one.address, one.fingerprint, one.definition) for one in deployed.values())
    if memory.get("objects") != _objects(rows):
        return None
    instant = Instant(world.clock.now()) if as_of is None else as_of
    return empty_plan(world.settings, version, instant, unchanged=len(deployed), with_impact=impact)


def remember(world: World, compiled: Compiled) -> None:
    """Keep the digests of a project without findings that is deployed as it is. Makes no folder but
    its own beside the state; where that can't be written nothing is kept."""
    if not (world.root / _HOME).is_dir():
        return
    lists = sorted({*compiled.project.lists, *compiled.project.files})
    files = _files(world, lists)
    if files is None:
        return
    segments = compiled.segments
    rows = (
        (
            address,
            fingerprint,
            segments[address.name].definition if address.kind == "segment" else None,
        )
        for address, fingerprint in compiled.fingerprints.items()
    )
    memory = {"files": files, "lists": lists, "objects": _objects(rows)}
    with contextlib.suppress(OSError):
        _write(world.root / _PLACE, json.dumps(memory))


def _files(world: World, lists: Iterable[str]) -> str | None:
    """One digest of all that is read to load the project, and of who reads it; None where it can't
    be read in peace."""
    found: list[Diagnostic] = []
    paths = [FILE, *yaml_files(world.root, world.settings.paths, found), *lists]
    if found:
        return None
    try:
        parts = [f"{path} {digest((world.root / path).read_bytes())}" for path in paths]
    except OSError:
        return None
    return digest("\n".join([__version__, world.settings.environment, *parts]))


def _objects(rows: Iterable[tuple[Address, str, str | None]]) -> str:
    return digest(
        "\n".join(sorted(f"{address} {mark} {definition}" for address, mark, definition in rows))
    )


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
