"""segflow plan: what differs between the working tree and what is deployed, and whom it moves."""

from collections.abc import Iterator

from segflow.app.codes import NOT_KEPT
from segflow.app.observe import observe
from segflow.app.refusal import refuse
from segflow.app.sources import refuse_misfits
from segflow.app.wiring import World
from segflow.diagnostics import Diagnostic
from segflow.errors import ForeignPlanError
from segflow.executor.deployed import read_deployed
from segflow.executor.effects import no_progress
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.plan import Plan
from segflow.model.state import StateVersion
from segflow.planner.plan import build_plan
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
    catalog says or the members of a segment can't be kept, and what the state and the sources
    raise.
    """
    refuse(compiled.project, _unkept(compiled))
    deployed = read_deployed(world.state)
    _refuse_other_project(world, deployed.version)
    instant = Instant(world.clock.now()) if as_of is None else as_of
    seen = observe(world, compiled, deployed, instant, None, progress)
    plan = build_plan(compiled, seen, with_impact=False)
    if not impact:
        return plan
    touched = (change.address for change in plan.changes if change.action != "delete")
    refuse_misfits(world, compiled, touched)
    seen = observe(world, compiled, deployed, instant, plan, progress)
    return build_plan(compiled, seen, with_impact=True)


def _unkept(compiled: Compiled) -> Iterator[Diagnostic]:
    """Snapshots and logs hold integers; strings have no ordinals yet. An entity without segments
    has no members to keep."""
    for name, found in compiled.segments.items():
        entity = compiled.entity_of(name)
        if entity.key_type == "string":
            yield Diagnostic(
                code=NOT_KEPT,
                summary=f"segment {name!r} can't be planned yet: the keys of entity"
                f" {entity.name!r} are strings",
                detail="its members can be counted, listed and explained, and its tests be run,"
                " but not be kept",
                help=f"take it out of what is deployed, or reach {entity.name} from a segment"
                " of users with integer keys, with `via` or `members`",
                span=compiled.project.sources.value(found.address, ("entity",)),
                address=str(found.address),
            )


def _refuse_other_project(world: World, version: StateVersion | None) -> None:
    if version is not None and version.project != world.settings.name:
        raise ForeignPlanError(
            f"the state belongs to project {version.project}, this is {world.settings.name}",
            hint="give this project a state of its own: [state] url in segflow.toml",
        )
