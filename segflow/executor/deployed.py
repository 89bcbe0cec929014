"""The deployed state as a project again: decoded by the codec, compiled by the same compiler."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segflow.compiler.pipeline import compile_project
from segflow.errors import CorruptStateError, StalePlanError, UnsupportedVersionError
from segflow.executor.timing import known_zone
from segflow.loader.attached import kept_file
from segflow.loader.lists import kept_list
from segflow.model.address import Address
from segflow.model.codec import from_canonical
from segflow.model.compiled import Compiled
from segflow.model.cost import ScanCost
from segflow.model.plan import Change, Plan
from segflow.model.project import ListFile, Object, Project, ProjectFile, Settings
from segflow.model.segment import Segment
from segflow.model.state import DeployedObject, Snapshot, StateVersion
from segflow.planner.stale import PLAN_AGAIN
from segflow.ports import StateReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """All that is deployed, read at once. `version` is None where there is no state yet; `costs`
    are what was measured of reading tables."""

    version: StateVersion | None = None
    objects: Mapping[Address, DeployedObject] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    costs: tuple[ScanCost, ...] = ()

    def definition(self, address: Address) -> str | None:
        """The deployed definition hash of a segment or rule; None where it is not deployed."""
        found = self.objects.get(address)
        return None if found is None else found.definition

    def is_static(self, segment: str) -> bool:
        """True where the segment is deployed as a static one."""
        found = self.objects.get(Address("segment", segment))
        if found is None:
            return False
        thing = decoded(found.address, found.canonical)
        return isinstance(thing, Segment) and thing.mode == "static"


def read_deployed(state: StateReader) -> Deployed:
    """Version, objects, current snapshots and costs, all of one serial: what is committed while we
    read has us read again. Nothing is made where no state exists."""
    version = state.version()
    while version is not None:
        found = Deployed(
            version=version,
            objects=state.deployed(),
            snapshots=state.snapshots(),
            costs=tuple(state.scan_costs()),
        )
        version = state.version()
        if version == found.version:
            return found
    return Deployed()


def compile_deployed(deployed: Deployed, state: StateReader) -> Compiled:
    """What is deployed, ready to be evaluated. Raises RefusedError where this machine does not know
    the project's time zone."""
    timezone = "UTC" if deployed.version is None else deployed.version.timezone
    found = _compile(deployed.objects.values(), timezone, state)
    if isinstance(found, Compiled):
        return found
    raise UnsupportedVersionError(
        f"what is deployed can't be compiled by this version of segflow: {found}",
        hint="use the version that deployed it, or correct the objects and apply them",
    )


def compile_planned(plan: Plan, deployed: Deployed, state: StateReader) -> Compiled:
    """What will be deployed after the plan: what is now, with the plan's changes. Raises
    StalePlanError where that is no whole any more: something new rests on what the plan deletes."""
    objects = dict(deployed.objects)
    for change in plan.changes:
        if change.action == "delete":
            objects.pop(change.address, None)
        else:
            objects[change.address] = deployed_after(change)
    found = _compile(objects.values(), plan.timezone, state)
    if isinstance(found, Compiled):
        return found
    raise StalePlanError(
        f"what the plan changes and what is deployed do not fit together any more: {found}",
        hint=PLAN_AGAIN,
    )


def deployed_after(change: Change) -> DeployedObject:
    """The object as it is deployed once a change that is no deletion is applied."""
    if change.canonical is None or change.fingerprint is None:
        raise CorruptStateError(f"the plan does not hold {change.address}")
    return DeployedObject(
        address=change.address,
        canonical=change.canonical,
        fingerprint=change.fingerprint,
        definition=change.definition,
        files=change.files,
    )


def decoded(address: Address, text: str) -> Object:
    """The object of a canonical JSON. Raises CorruptStateError."""
    try:
        found: Object = from_canonical(text)
    except ValueError as error:
        raise CorruptStateError(f"the deployed {address} can't be read: {error}") from error
    return found


def _compile(rows: Iterable[DeployedObject], timezone: str, state: StateReader) -> Compiled | str:
    """The objects as a project; where they are none, the first reason."""
    known_zone(timezone)
    every = tuple(rows)
    objects = {row.address: decoded(row.address, row.canonical) for row in every}
    lists: dict[str, ListFile] = {}
    files: dict[str, ProjectFile] = {}
    for row in every:
        for path, kept in row.files:
            as_list, as_file = _kept(path, state.blob(kept), row.address, objects)
            lists |= {} if as_list is None else {path: as_list}
            files |= {} if as_file is None else {path: as_file}
    settings = Settings(name="deployed", timezone=timezone)
    project = Project(settings=settings, objects=objects, lists=lists, files=files)
    compiled, report = compile_project(project)
    return report.errors[0].summary if compiled is None else compiled


def _kept(
    path: str, content: bytes | None, user: Address, objects: Mapping[Address, Object]
) -> tuple[ListFile | None, ProjectFile | None]:
    """A file that was kept for an object, as that object reads it: mostly in one way."""
    if content is not None:
        as_list = kept_list(path, content, user, objects)
        as_file = kept_file(path, content, objects[user])
        if as_list is not None or as_file is not None:
            return as_list, as_file
    raise CorruptStateError(
        f"the copy of {path} that was kept for {user} is missing or not what it should be",
        hint="restore the state from a backup",
    )
