"""Loads a project: settings, objects, lists, and all that is wrong with their text."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from segflow.diagnostics import Diagnostic, Report
from segflow.loader.attached import read_attached
from segflow.loader.blueprint import BLUEPRINT, Made
from segflow.loader.discovery import yaml_files
from segflow.loader.files import FileUse, read_text, text_of
from segflow.loader.findings import Findings
from segflow.loader.kinds import READERS, declared_in, kind_of, may_be
from segflow.loader.lists import read_lists
from segflow.loader.nodes import MapNode, Node, Scalar
from segflow.loader.settings import load_settings
from segflow.loader.slots import name_like
from segflow.loader.spans import Origins, Placed, Places, Spans
from segflow.loader.yamlsource import ENDING, documents
from segflow.model.address import Address, is_name
from segflow.model.project import Object, Project, Settings, SourceMap
from segflow.model.trial import Check


def load_project(root: Path, environment: str | None = None) -> tuple[Project, Report]:
    """The project in the folder `root` with the named environment folded in, and every finding.

    The project holds the objects that have no error of their own, and apart from them those that
    have, as far as they could be read; it is whole where the report has no errors. Never raises
    for what the files say.
    """
    found: list[Diagnostic] = []
    settings = load_settings(root, environment, found)
    loaded = _Loaded(settings=settings, secrets=frozenset(settings.secrets), found=found)
    for path in yaml_files(root, settings.paths, found):
        _read_file(root, path, loaded)
    loaded.name_the_nameless()
    sources = SourceMap(
        keys=Spans(loaded.places, of_keys=True),
        values=Spans(loaded.places, of_keys=False),
        made=Origins(loaded.places),
    )
    project = Project(
        settings=settings,
        objects=loaded.objects,
        broken=loaded.broken,
        checks=loaded.checks,
        sources=sources,
    )
    named = project.for_judging().objects
    lists = read_lists(root, named, loaded.uses, found)
    files = read_attached(root, named, sources, found)
    report = Report()
    report.extend(sources.told(found))
    return replace(project, lists=lists, files=files), report


@dataclass(frozen=True, slots=True)
class _Read:
    """A document as read: its place, its kind, what was made of it, and what was found on the way.
    `meant` is the name that its own was taken for, where that is none."""

    place: Placed
    kind: str
    name: str
    object: Object | Check | None
    found: Findings
    meant: str | None = None


@dataclass(slots=True)
class _Loaded:
    """What was read so far. `nameless` have no name, or one that another had before."""

    settings: Settings
    secrets: frozenset[str]
    found: list[Diagnostic]
    objects: dict[Address, Object] = field(default_factory=dict)
    checks: dict[Address, Check] = field(default_factory=dict)
    broken: dict[Address, Object | Check | None] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    uses: list[FileUse] = field(default_factory=list)
    nameless: list[_Read] = field(default_factory=list)
    unread: set[Address] = field(default_factory=set)
    blueprints: dict[str, str] = field(default_factory=dict)

    def keep(self, address: Address, read: _Read, *, whole: bool) -> None:
        """Keep an object under its address."""
        self.places.placed[address] = read.place
        self.places.taken[address] = read.found.taken
        for path, node in read.found.lists:
            span = read.place.file.span(node)
            self.uses.append(FileUse(address=address, path=path, span=span))
        if read.object is None:
            self.broken[address] = None
        elif not whole:
            self.broken[address] = replace(read.object, name=address.name)
        elif isinstance(read.object, Check):
            self.checks[address] = read.object
        else:
            self.objects[address] = read.object

    def name_the_nameless(self) -> None:
        """Let each go by the name that it was taken for, unless another has it, or by what it has
        of a name and its place."""
        for read in self.nameless:
            address = Address(read.kind, read.meant or "")
            if not read.meant or address in self.places.placed:
                address = Address(read.kind, f"{read.name}:{read.place}")
            self.keep(address, read, whole=False)
        for address in self.unread - self.places.placed.keys():
            self.broken[address] = None


def _read_file(root: Path, path: str, loaded: _Loaded) -> None:
    before = len(loaded.found)
    file = read_text(root, path, loaded.found)
    if file is None:
        loaded.unread |= declared_in(text_of(root, path))
        return
    for number, node in enumerate(documents(file, loaded.found)):
        _read_document(Placed(file, number), node, loaded, before)
        before = len(loaded.found)
    if any(error.code in ENDING for error in loaded.found[before:]):
        loaded.unread |= declared_in(file.text)


def _read_document(place: Placed, node: Node, loaded: _Loaded, before: int) -> None:
    """Read a document; what is in it has no fault where there are as many findings as before."""
    findings = Findings(place.file, loaded.secrets, errors=loaded.found)
    kind, node = kind_of(node, findings)
    if kind is None or not isinstance(node, MapNode):
        loaded.unread |= may_be(node) | declared_in(place.file.text)
        return
    if kind == "blueprint":
        _read_blueprint(place, node, findings, loaded, before)
    else:
        _read_object(place, kind, node, findings, loaded, before)


def _read_blueprint(
    place: Placed, node: MapNode, findings: Findings, loaded: _Loaded, before: int
) -> None:
    """Read a blueprint and all that it makes; where it can't be told for sure what that is, the
    blueprint itself is kept as unread."""
    label = node.entries["blueprint"][1] if "blueprint" in node.entries else node
    name = label.text if isinstance(label, Scalar) else ""
    findings.address = f"blueprint.{name}" if name else None
    blueprint = BLUEPRINT.read(node, findings)
    if blueprint is None or blueprint.faulty or blueprint.faults:
        loaded.unread.add(Address("blueprint", name))
    if blueprint is None:
        return
    if name in loaded.blueprints:
        summary = f"blueprint.{name} is declared twice; first in {loaded.blueprints[name]}"
        findings.error("NAM002", summary, label, help="rename one of the two")
    span = place.file.span(node)
    loaded.blueprints.setdefault(name, f"{span.path}:{span.line}")
    sound = len(loaded.found) == before
    for made in blueprint.made():
        _read_made(Placed(place.file, place.number, made), made, loaded, sound=sound)


def _read_made(place: Placed, made: Made, loaded: _Loaded, *, sound: bool) -> None:
    """Read an object that a blueprint made; it is whole where the blueprint is."""
    findings = Findings(place.file, loaded.secrets, f"blueprint.{made.blueprint.name}")
    kind, node = kind_of(made.node(), findings)
    if kind is None or not isinstance(node, MapNode):
        loaded.unread |= may_be(node)
    else:
        _read_object(place, kind, node, findings, loaded, 0 if sound else -1)
    loaded.found.extend(made.judged(findings.errors))


def _read_object(
    place: Placed, kind: str, node: MapNode, findings: Findings, loaded: _Loaded, before: int
) -> None:
    """Read an object; it has no fault where there are as many findings as before it."""
    name_node = node.entries[kind][1] if kind in node.entries else node
    name = name_node.text if isinstance(name_node, Scalar) else ""
    address = Address(kind, name)
    if place.made is not None and address not in loaded.places.placed:
        loaded.places.made.setdefault(str(address), place.made)
        findings.address = str(address)
    if not is_name(name):
        read = READERS[kind].read(node, findings)
        loaded.nameless.append(_Read(place, kind, "", read, findings, name_like(name)))
        return
    if not node.whole:
        loaded.unread |= declared_in(place.file.text)
    if str(address) not in loaded.places.made:
        findings.address = str(address)
    read = READERS[kind].read(node, findings)
    if place.made is not None and not place.made.is_sound:
        read = None  # what stands in it was not meant
    if address not in loaded.places.placed:
        whole = len(findings.errors) == before
        loaded.keep(address, _Read(place, kind, name, read, findings), whole=whole)
        return
    if place.made is None or place.made.is_sound:
        _twice(address, name_node, place, findings, loaded)
    loaded.nameless.append(_Read(place, kind, name, read, findings))


def _twice(
    address: Address, name: Node, place: Placed, findings: Findings, loaded: _Loaded
) -> None:
    """Note that an object of that address was declared before."""
    first = loaded.places.declared(address)
    at = f"first in {first.path}:{first.line}"
    if place.made is None:
        summary = f"{address} is declared twice; {at}"
        findings.error("NAM002", summary, name, help="rename one of the two")
        return
    summary = f"{address}, which these values make, is declared twice; {at}"
    help = "let every parameter that differs stand in the name, or remove these values"
    findings.error("NAM002", summary, place.made.row, help=help)
