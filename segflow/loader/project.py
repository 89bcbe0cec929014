"""Loads a project: settings, objects, lists, and all that is wrong with their text."""

from dataclasses import dataclass, field
from pathlib import Path

from segflow.diagnostics import Diagnostic, Report
from segflow.loader.attached import read_attached
from segflow.loader.discovery import yaml_files
from segflow.loader.files import FileUse, read_text
from segflow.loader.findings import Findings
from segflow.loader.kinds import READERS, REFUSED
from segflow.loader.lists import read_lists
from segflow.loader.nodes import MapNode, Node, Scalar, shorten
from segflow.loader.settings import load_settings
from segflow.loader.shapes import Record
from segflow.loader.spans import Placed, Places, Spans
from segflow.loader.suggest import nearest
from segflow.loader.yamlsource import documents
from segflow.model.address import KINDS, Address, is_name
from segflow.model.project import Object, Project, Settings, SourceMap


def load_project(root: Path, environment: str | None = None) -> tuple[Project, Report]:
    """The project in the folder `root` with the named environment folded in, and every finding.

    The project holds the objects that have no error of their own; it is whole where the report has
    no errors. Never raises for what the files say.
    """
    found: list[Diagnostic] = []
    settings = load_settings(root, environment, found)
    loaded = _Loaded(settings=settings, secrets=frozenset(settings.secrets), found=found)
    for path in yaml_files(root, settings.paths, found):
        _read_file(root, path, loaded)
    lists = read_lists(root, loaded.objects, loaded.uses, found)
    sources = SourceMap(
        keys=Spans(loaded.places, of_keys=True), values=Spans(loaded.places, of_keys=False)
    )
    files = read_attached(root, loaded.objects, sources, found)
    report = Report()
    report.extend(found)
    project = Project(
        settings=settings, objects=loaded.objects, sources=sources, lists=lists, files=files
    )
    return project, report


@dataclass(slots=True)
class _Loaded:
    """What was read so far."""

    settings: Settings
    secrets: frozenset[str]
    found: list[Diagnostic]
    objects: dict[Address, Object] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    uses: list[FileUse] = field(default_factory=list)


def _read_file(root: Path, path: str, loaded: _Loaded) -> None:
    file = read_text(root, path, loaded.found)
    if file is None:
        return
    for number, node in enumerate(documents(file, loaded.found)):
        _read_document(Placed(file, number), node, loaded)


def _read_document(place: Placed, node: Node, loaded: _Loaded) -> None:
    findings = Findings(place.file, loaded.secrets, errors=loaded.found)
    kind = _kind_of(node, findings)
    if kind is None or not isinstance(node, MapNode):
        return
    name_node = node.entries[kind][1]
    if not isinstance(name_node, Scalar) or not is_name(name_node.text):
        READERS[kind].read(node, findings)
        return
    address = Address(kind, name_node.text)
    findings.address = str(address)
    first = loaded.places.placed.setdefault(address, place)
    read = READERS[kind].read(node, findings)
    for path, list_node in findings.lists:
        span = place.file.span(list_node)
        loaded.uses.append(FileUse(address=address, path=path, span=span))
    if first is not place:
        span = first.file.span(loaded.places.root(address)[1])
        summary = f"{address} is declared twice; first in {span.path}:{span.line}"
        findings.error("NAM002", summary, name_node, help="rename one of the two")
    elif read is not None:
        loaded.objects[address] = read


def _kind_of(node: Node, findings: Findings) -> str | None:
    """The kind of a document; None, with an error, where it has none or is refused."""
    if not isinstance(node, MapNode):
        help = "for example segment: lapsed_7d"
        findings.wrong_shape(node, "an object, which is a mapping", help=help)
        return None
    first = next(iter(node.entries), None)
    if first is not None and first in REFUSED:
        findings.error("NOT001", REFUSED[first], node.entries[first][0], help="remove it")
        return None
    kind = next((kind for kind in KINDS if kind in node.entries), None)
    near = None if first is None or first == kind else nearest(first, KINDS)
    if kind in READERS and (near is None or _is_key_of(first, kind)):
        return kind
    help = "a document begins with its kind: " + ", ".join(KINDS)
    if near is not None:
        help = f"did you mean `{near}`?"
    if first is None:
        findings.error("NAM003", "an object without a kind", node, help=help)
    else:
        summary = f"`{shorten(first)}` is no kind of object"
        findings.error("NAM003", summary, node.entries[first][0], help=help)
    return None


def _is_key_of(key: str | None, kind: str | None) -> bool:
    """True for a key that objects of the kind have."""
    reader = READERS.get(kind or "")
    return isinstance(reader, Record) and key in reader.keys
