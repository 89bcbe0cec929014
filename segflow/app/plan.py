"""segflow plan: what differs between the working tree and what is deployed, and whom it moves."""

from segflow.app.codes import NOT_ASKED
from segflow.app.observe import observe
from segflow.app.sources import source_findings
from segflow.app.wiring import World
from segflow.diagnostics import Report
from segflow.errors import ForeignPlanError, InvalidProjectError
from segflow.executor.deployed import read_deployed
from segflow.executor.effects import no_progress
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.model.state import StateVersion
from segflow.planner.plan import build_plan
from segflow.planner.reach import closure
from segflow.ports import Progress


def make_plan(
    world: World,
    compiled: Compiled,
    as_of: Instant | None,
    impact: bool = True,
    progress: Progress = no_progress,
) -> Plan:
    """The plan that makes the working tree deployed, at one instant (None: now).

    Reads only. Without `impact` no source is asked and nobody is counted. Raises ForeignPlanError
    where the state belongs to another project, InvalidProjectError where a source is not as the
    catalog says, and what the state and the sources raise.
    """
    deployed = read_deployed(world.state)
    _refuse_other_project(world, deployed.version)
    instant = Instant(world.clock.now()) if as_of is None else as_of
    seen = observe(world, compiled, deployed, instant, None, progress)
    plan = build_plan(compiled, seen, with_impact=False)
    if not impact:
        return plan
    _refuse_misfits(world, compiled, plan)
    seen = observe(world, compiled, deployed, instant, plan, progress)
    return build_plan(compiled, seen, with_impact=True)


def _refuse_other_project(world: World, version: StateVersion | None) -> None:
    if version is not None and version.project != world.settings.name:
        raise ForeignPlanError(
            f"the state belongs to project {version.project}, this is {world.settings.name}",
            hint="give this project a state of its own: [state] url in segflow.toml",
        )


def _refuse_misfits(world: World, compiled: Compiled, plan: Plan) -> None:
    """What the catalog says wrongly of a source is told at its line, before the source is read: its
    own words for it would have no place, and a value that is rounded has none at all."""
    touched = (change.address for change in plan.changes if change.action != "delete")
    report = Report()
    found = source_findings(compiled, world.engines, closure(compiled.depends, touched))
    # A source that can't be asked now tells so itself, with whether to try again.
    report.extend(one for one in found if one.code != NOT_ASKED)
    if report.has_errors:
        raise InvalidProjectError(report)
