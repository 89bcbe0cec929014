"""The corpus of examples/corpus as loaded, and as much of it as can be compiled."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from segflow.compiler.codes import NOT_YET, UNKNOWN
from segflow.compiler.pipeline import compile_project
from segflow.diagnostics import Diagnostic, Span
from segflow.loader.project import load_project
from segflow.model.address import Address, parse_address
from segflow.model.catalog import Entity, Event
from segflow.model.project import Object, Project

FOLDER = Path(__file__).parents[2] / "examples" / "corpus"
CASES = 132
"""How many cases of other systems there are, counted from 1."""
NOT_READ = "NOT001"
_REFUSED = re.compile(r"(?P<form>.+) (is|are) not (supported yet|read by this version)\Z")
_NUMBERED = re.compile(
    r"^# (?P<near>near )?(?P<number>[0-9]+), after (?P<source>.+)\nsegment: (?P<name>\w+)\n"
    r"description: (?P<description>.+)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A segment of the corpus: the number of the case that it says, or comes near, where that case
    comes from, its name, whom it selects in words, and its file."""

    number: int
    near: bool
    source: str
    name: str
    description: str
    file: str


def examples() -> Sequence[Example]:
    """Every segment that has a case, in order of the cases; of one case in order of the files."""
    return sorted(
        (
            Example(
                number=int(found["number"]),
                near=found["near"] is not None,
                source=found["source"],
                name=found["name"],
                description=found["description"],
                file=path.name,
            )
            for path in sorted((FOLDER / "segments").glob("*.yaml"))
            for found in _NUMBERED.finditer(path.read_text(encoding="utf-8"))
        ),
        key=lambda example: example.number,
    )


@cache
def loaded() -> tuple[Project, Sequence[Diagnostic]]:
    """The corpus, and all that is found in it."""
    project, report = load_project(FOLDER)
    _, found = compile_project(project)
    return project, (*report, *found)


def refused_form(found: Diagnostic) -> str | None:
    """The form of the language that a finding says is not there yet; None for any other finding."""
    said = _REFUSED.match(found.summary)
    return said["form"] if said and found.code in (NOT_YET, NOT_READ) else None


def runnable(project: Project) -> Project:
    """The project without what is refused, and without what rests on that.

    A field or property is left out alone, of anything else the whole object.
    """
    project, parts = replace(project, broken={}), _parts(project)
    while True:
        _, report = compile_project(project)
        found = [one for one in report if one.code in (NOT_YET, UNKNOWN)]
        if not found:
            return project
        project = replace(project, objects=_without(project, found, parts))


Parts = Mapping[tuple[Address, Span], str]
"""The field or property that a place in the text of an entity or event belongs to."""


def _parts(project: Project) -> Parts:
    return {
        (address, span): str(path[1])
        for spans in (project.sources.keys, project.sources.values)
        for (address, path), span in spans.items()
        if address.kind in ("entity", "event") and path[1:] and path[0] in ("fields", "properties")
    }


def _without(
    project: Project, report: Sequence[Diagnostic], parts: Parts
) -> Mapping[Address, Object]:
    objects = dict(project.objects)
    for found in report:
        assert found.address is not None and found.span is not None
        address = parse_address(found.address)
        whole, part = objects.pop(address, None), parts.get((address, found.span))
        if part is not None and isinstance(whole, Entity):
            fields = tuple(field for field in whole.fields if field.name != part)
            objects[address] = replace(whole, fields=fields)
        elif part is not None and isinstance(whole, Event):
            kept = tuple(prop for prop in whole.properties if prop.name != part)
            objects[address] = replace(whole, properties=kept)
    return objects
