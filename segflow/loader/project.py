"""Loads a project: settings, objects, lists, and all that is wrong with their text."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from segflow.diagnostics import Diagnostic, Report
from segflow.loader.attached import read_attached
from segflow.loader.discovery import yaml_files
from segflow.loader.files import FileUse, read_text, text_of
from segflow.loader.findings import Findings
from segflow.loader.kinds import READERS, declared_in, kind_of, may_be
from segflow.loader.lists import read_lists
from segflow.loader.nodes import MapNode, Node, Scalar
from segflow.loader.settings import load_settings
from segflow.loader.slots import name_like
from segflow.loader.spans import Placed, Places, Spans
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
        keys=Spans(loaded.places, of_keys=True), values=Spans(loaded.places, of_keys=False)
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
    report.extend(found)
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
                place = f"{read.place.file.path}:{read.place.number}"
                address = Address(read.kind, f"{read.name}:{place}")
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
    """Read a document; it has no fault where there are as many findings as before it."""
    findings = Findings(place.file, loaded.secrets, errors=loaded.found)
    kind, node = kind_of(node, findings)
    if kind is None or not isinstance(node, MapNode):
        loaded.unread |= may_be(node) | declared_in(place.file.text)
        return
    name_node = node.entries[kind][1] if kind in node.entries else node
    name = name_node.text if isinstance(name_node, Scalar) else ""
    if not is_name(name):
        read = READERS[kind].read(node, findings)
        loaded.nameless.append(_Read(place, kind, "", read, findings, name_like(name)))
        return
    if not node.whole:
        loaded.unread |= declared_in(place.file.text)
    address = Address(kind, name)
    findings.address = str(address)
    read = READERS[kind].read(node, findings)
    first = loaded.places.placed.get(address)
    if first is None:
        whole = len(loaded.found) == before
        loaded.keep(address, _Read(place, kind, name, read, findings), whole=whole)
        return
    span = first.file.span(loaded.places.root(address)[1])
    summary = f"{address} is declared twice; first in {span.path}:{span.line}"
    findings.error("NAM002", summary, name_node, help="rename one of the two")
    loaded.nameless.append(_Read(place, kind, name, read, findings))
