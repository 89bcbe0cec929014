"""Small worlds for the planner: a project compiled from YAML, and the state after its apply."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from segflow.compiler.pipeline import compile_project
from segflow.compiler.routing.costs import noted
from segflow.loader.project import load_project
from segflow.model.address import Address, parse_address
from segflow.model.codec import canonical
from segflow.model.compiled import Compiled
from segflow.model.cost import Cost, Question, ScanCost
from segflow.model.instant import Instant
from segflow.model.observed import Observed
from segflow.model.plan import Impact, Plan
from segflow.model.project import Object, Project, Settings
from segflow.model.state import DeployedObject, StateVersion
from segflow.planner.files import named_files
from segflow.planner.plan import build_plan

NO_COSTS: "Asked" = MappingProxyType({})

AS_OF = Instant(883_612_800_000)  # 1998-01-01T00:00:00Z
LINEAGE = "5eed"
TOML = """
[project]
name = "shop"
timezone = "{timezone}"

[secrets]
allow = ["HOOK_TOKEN", "OTHER_TOKEN"]
"""

CATALOG = (Path(__file__).parent / "catalog.yaml").read_text(encoding="utf-8")

LAPSED = """
segment: lapsed_7d
entity: customer
where: {did_not: purchase, within: 7d}
---
"""


def compile_text(
    folder: Path, text: str, timezone: str = "UTC", files: Mapping[str, str] | None = None
) -> Compiled:
    """The project that the YAML text describes; it must have no errors."""
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    (folder / "segflow.toml").write_text(TOML.format(timezone=timezone))
    (folder / "segments" / "all.yaml").write_text(text)
    for path, content in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    project, report = load_project(folder)
    assert not report.has_errors, [str(found) for found in report.errors]
    return _compiled(project)


def compile_objects(*objects: Object, timezone: str = "UTC") -> Compiled:
    """A project of these objects, in this order; it must have no errors."""
    return _compiled(
        Project(
            settings=Settings(name="shop", timezone=timezone),
            objects={thing.address: thing for thing in objects},
        )
    )


def _compiled(project: Project) -> Compiled:
    compiled, report = compile_project(project)
    assert compiled is not None, [str(found) for found in report.errors]
    return compiled


def deployed(compiled: Compiled) -> dict[Address, DeployedObject]:
    """What is deployed after an apply of the whole project."""
    found = {}
    for address, thing in compiled.project.objects.items():
        found[address] = DeployedObject(
            address=address,
            canonical=canonical(thing),
            fingerprint=compiled.fingerprints[address],
            definition=compiled.definition(address),
            files=named_files(address, compiled),
        )
    return found


Impacts = Mapping[str, Impact]
"""By name of a segment, or by address as text: "rule.winback"."""


Asked = Mapping[str, Sequence[Cost]]
"""By name of a segment, what its last refresh cost."""


def observed(
    compiled: Compiled | None, impacts: Impacts | None = None, asked: Asked = NO_COSTS
) -> Observed:
    """The world in which the project was applied; None for one without a state."""
    moved = {_address(name): impact for name, impact in (impacts or {}).items()}
    if compiled is None:
        return Observed(as_of=AS_OF, impacts=moved)
    timezone = compiled.project.settings.timezone
    return Observed(
        as_of=AS_OF,
        version=StateVersion(lineage=LINEAGE, serial=3, project="shop", timezone=timezone),
        deployed=deployed(compiled),
        impacts=moved,
        former={file.digest: file.content for file in compiled.project.files.values()},
        costs=tuple(noted({}, (cost.question for costs in asked.values() for cost in costs))),
        asked=asked,
    )


def _address(name: str) -> Address:
    return parse_address(name) if "." in name else Address("segment", name)


def plan(
    before: Compiled | None,
    after: Compiled,
    impacts: Impacts | None = None,
    asked: Asked = NO_COSTS,
) -> Plan:
    """The plan that leads from one project, as applied, to another."""
    return build_plan(after, observed(before, impacts, asked), with_impact=impacts is not None)


def question(source: str, *tables: str, segments: int = 1, seconds: float = 0.0) -> Question:
    """One that was answered by DuckDB, which told nothing of what it read."""
    return Question(
        source=source,
        engine="duckdb",
        tables=tables,
        segments=segments,
        microseconds=round(seconds * 1_000_000),
    )


def scan_cost(source: str, table: str, level: int) -> ScanCost:
    """What reading a table costs, as a choice goes by it."""
    last = question(source, table)
    return ScanCost(source=source, table=table, level=level, segments=1, last=last)


def fingerprints(compiled: Compiled) -> dict[Address, str]:
    """What a state in which the project was applied has deployed."""
    return dict(compiled.fingerprints)
