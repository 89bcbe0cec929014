"""One shop judged on every engine, and one fault seeded: what the full run does many times."""

import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, select

from segflow.compiler.passes.depends import named_in
from segflow.compiler.passes.walk import segment_sites
from segflow.model.project import Project
from segflow.model.segment import Segment
from segflow.model.wording import phrase
from tests.agreement import (
    test_mutants,
    test_mutants_contacts,
    test_mutants_judged,
    test_mutants_past,
    test_mutants_texts,
    test_stored_mutants,
)
from tests.agreement.cells import Cell
from tests.agreement.choices import Pick
from tests.agreement.documents import LINES, Line, pairs_of
from tests.agreement.faults import is_caught
from tests.agreement.hosts import HOSTS, SPARK, Host
from tests.agreement.minimal import smallest, told
from tests.agreement.permitted import permitted
from tests.agreement.sides import Pair, pairs
from tests.agreement.tally import Tally
from tests.strategies import Example, composed

FAULTS = (
    *test_mutants.FAULTS,
    *test_mutants_contacts.FAULTS,
    *test_mutants_judged.FAULTS,
    *test_mutants_past.FAULTS,
    *test_mutants_texts.FAULTS,
    *test_stored_mutants.FAULTS,
)
"""Every seeded fault."""

BY_NAME: Mapping[str, Host | Line] = {one.name: one for one in (*HOSTS, SPARK, *LINES)}
_Held = TypeVar("_Held")
_BUILD = re.compile(r" (\(.*|[0-9a-f]{40}\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was counted, by engine, and the disagreements in words."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def judge(number: int, shop: Example, engines: Collection[str]) -> Judged:
    """Ask engines for the segments of a shop, of some shops for each alone."""
    judged = Judged()
    for engine in map(BY_NAME.__getitem__, engines):
        asked = shop
        if isinstance(engine, Host):
            asked = answered(shop, permitted(engine.name).cells)
        tally = judged.tallies[engine.name] = Tally()
        with tempfile.TemporaryDirectory() as folder:
            asking = _Asking(asked, engine, Path(folder))
            try:
                found = asking.of(asked.segments, alone=number % 16 == 0)
            except Exception as error:
                judged.differences.append(f"shop {number}, {asking.failed(error)}")
                continue
            for pair in found:
                tally.count(pair, asked.cells(pair.segment))
            wrong = [pair.segment for pair in found if not pair.agree]
            for name in wrong[:1]:
                judged.differences.append(f"shop {number}, {asking.differed(name)}")
    return judged


@dataclass(frozen=True, slots=True)
class _Asking:
    """A shop that is asked of an engine."""

    shop: Example
    engine: Host | Line
    folder: Path

    def of(self, names: Collection[str], *, alone: bool) -> list[Pair]:
        """The pairs of some of its segments; Elasticsearch has none of those that it is refused."""
        if isinstance(self.engine, Host):
            return list(pairs(self.shop, self.folder, list(names), self.engine, alone=alone))
        return pairs_of(self.engine, self.shop, names, alone=alone)

    def failed(self, error: Exception) -> str:
        """What is told of an engine that gave no answer: the segments that are the reason."""
        lines = [f"{self.engine.name} fails with {type(error).__name__}: {error}"]
        for name in self.shop.segments:
            try:
                self.of([name], alone=True)
            except Exception as own:
                segment = self.shop.project.segment(name)
                lines.append(f"{segment and phrase(segment.where)}: {own}")
        return "\n".join(lines)

    def differed(self, name: str) -> str:
        """What is told of a segment about which the sides differ: the least that they differ on."""

        def differs(example: Example, alone: bool = True) -> bool:
            names = [name] if alone else example.segments
            found = replace(self, shop=example).of(names, alone=alone)
            return any(pair.segment == name and not pair.agree for pair in found)

        if differs(self.shop):
            return f"{self.engine.name} and the reference differ on {name}\n" + told(
                smallest(self.shop, name, differs)
            )
        return f"{self.engine.name} and the reference differ on {name}, asked with others\n" + told(
            smallest(self.shop, name, lambda example: differs(example, alone=False))
        )


def answered(shop: Example, cells: Collection[Cell]) -> Example:
    """The shop with those of its segments that are in these cells only, and rest on such only."""
    project = shop.project
    refused = {name for name in shop.segments if not shop.cells(name) <= set(cells)}
    while more := {
        segment.name
        for segment in project.segments()
        if segment.name not in refused and not refused.isdisjoint(_named(segment, project))
    }:
        refused |= more
    objects = {
        address: one
        for address, one in project.objects.items()
        if not (isinstance(one, Segment) and one.name in refused)
    }
    world = replace(
        shop.world,
        snapshots=_without(shop.world.snapshots, refused),
        logs=_without(shop.world.logs, refused),
    )
    return replace(shop, project=replace(project, objects=objects), world=world)


def _without(found: Mapping[str, _Held], names: Collection[str]) -> dict[str, _Held]:
    return {name: held for name, held in found.items() if name not in names}


def _named(segment: Segment, project: Project) -> set[str]:
    related = {one.name: one.to_entity for one in project.relations()}
    named = named_in(segment_sites(segment, related), project)
    return {address.name for address in named if address.kind == "segment"}


def seed(number: int) -> bool:
    """Whether the fault of that number is caught."""
    with tempfile.TemporaryDirectory() as folder:
        return is_caught(FAULTS[number], Path(folder))


def versions(engines: Collection[str]) -> dict[str, str]:
    """Which engines are asked, in their own words without what tells builds apart."""
    found = {}
    picks = iter([Pick(()), Pick(())])
    shop = composed(next(picks), next(picks), [])
    for asked in map(BY_NAME.__getitem__, engines):
        if isinstance(asked, Line):
            found[asked.name] = asked.version
            continue
        project = asked.of(shop.project)
        with tempfile.TemporaryDirectory() as folder:
            asked.write(Path(folder), project, {}, {})
            with asked.opened(project, Path(folder)) as engine:
                told_ = engine.rows(select(getattr(func, asked.version)().label("version")))
        found[asked.name] = _BUILD.sub("", str(told_[0]["version"]))
    return found
