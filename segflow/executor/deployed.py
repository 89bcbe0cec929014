"""The deployed state as a project again: decoded by the codec, compiled by the same compiler."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segflow.compiler.pipeline import compile_project
from segflow.errors import CorruptStateError, UnsupportedVersionError
from segflow.model.address import Address
from segflow.model.codec import from_canonical
from segflow.model.compiled import Compiled
from segflow.model.plan import Plan
from segflow.model.project import ListFile, Object, Project, Settings
from segflow.model.segment import Segment
from segflow.model.state import DeployedObject, Snapshot, StateVersion
from segflow.ports import StateReader

Texts = dict[Address, str]
"""Canonical JSON by address."""

Lists = set[tuple[str, str]]
"""Pairs of a list file's path and the digest of the blob kept of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """All that is deployed, read at once. `version` is None where there is no state yet."""

    version: StateVersion | None = None
    objects: Mapping[Address, DeployedObject] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)

    def definition(self, segment: str) -> str | None:
        """The deployed definition hash of a segment; None where it is not deployed."""
        found = self.objects.get(Address("segment", segment))
        return None if found is None else found.definition

    def is_static(self, segment: str) -> bool:
        """True where the segment is deployed as a static one."""
        found = self.objects.get(Address("segment", segment))
        if found is None:
            return False
        thing = decoded(found.address, found.canonical)
        return isinstance(thing, Segment) and thing.mode == "static"


def read_deployed(state: StateReader) -> Deployed:
    """Version, objects and current snapshots; nothing is made where no state exists."""
    version = state.version()
    if version is None:
        return Deployed()
    return Deployed(version=version, objects=state.deployed(), snapshots=state.snapshots())


def compile_deployed(deployed: Deployed, state: StateReader) -> Compiled:
    """What is deployed, ready to be evaluated."""
    texts = {address: found.canonical for address, found in deployed.objects.items()}
    timezone = "UTC" if deployed.version is None else deployed.version.timezone
    return _compile(texts, _lists_of(deployed.objects.values()), timezone, state)


def compile_planned(plan: Plan, deployed: Deployed, state: StateReader) -> Compiled:
    """What will be deployed after the plan: what is now, with the plan's changes."""
    texts = {address: found.canonical for address, found in deployed.objects.items()}
    objects = dict(deployed.objects)
    lists: Lists = set()
    for change in plan.changes:
        objects.pop(change.address, None)
        texts.pop(change.address, None)
        if change.canonical is not None:
            texts[change.address] = change.canonical
            lists |= set(change.lists)
    return _compile(texts, lists | _lists_of(objects.values()), plan.timezone, state)


def _lists_of(objects: Iterable[DeployedObject]) -> Lists:
    return {pair for found in objects for pair in found.lists}


def _compile(texts: Texts, lists: Lists, timezone: str, state: StateReader) -> Compiled:
    project = Project(
        settings=Settings(name="deployed", timezone=timezone),
        objects={address: decoded(address, text) for address, text in texts.items()},
        lists={path: _list_file(path, digest, state) for path, digest in lists},
    )
    compiled, report = compile_project(project)
    if compiled is None:
        first = next(iter(report.errors))
        raise UnsupportedVersionError(
            f"what is deployed can't be compiled by this version of segflow: {first.summary}",
            hint="use the version that deployed it, or correct the objects and apply again",
        )
    return compiled


def decoded(address: Address, text: str) -> Object:
    """The object of a canonical JSON. Raises CorruptStateError."""
    try:
        found: Object = from_canonical(text)
    except ValueError as error:
        raise CorruptStateError(f"the deployed {address} can't be read: {error}") from error
    return found


def _list_file(path: str, digest: str, state: StateReader) -> ListFile:
    content = state.blob(digest)
    if content is None:
        raise CorruptStateError(f"the kept copy of {path} ({digest[:12]}) is missing")
    keys = tuple(content.decode().split())
    return ListFile(path=path, keys=keys, digest=digest, content=content)
