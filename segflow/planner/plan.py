"""The plan as a whole: changes with their impact, guards, steps, and what it was made against."""

from collections.abc import Iterable
from dataclasses import replace

from segflow.model.address import Address
from segflow.model.codec import canonical, digest
from segflow.model.compiled import Compiled
from segflow.model.cost import ScanCost
from segflow.model.instant import Instant
from segflow.model.observed import Observed
from segflow.model.plan import Change, Plan
from segflow.model.project import Settings
from segflow.model.state import StateVersion
from segflow.planner.diff import difference
from segflow.planner.guards import blocked
from segflow.planner.reach import closure
from segflow.planner.renames import look_alikes
from segflow.planner.scans import with_scans
from segflow.planner.steps import drops_members, moves_audience, moves_members, steps


def build_plan(compiled: Compiled, observed: Observed, *, with_impact: bool) -> Plan:
    """The plan that makes the deployed state that of the project.

    Reads nothing but its arguments, in whatever order they are: the same content gives the same
    plan, and the same id. Impacts are those of `observed`.
    """
    found = difference(compiled, observed)
    changes = tuple(_with_impact(change, observed) for change in found.changes)
    if with_impact:
        changes = with_scans(changes, compiled, observed)
    settings, version = compiled.project.settings, observed.version
    moved_zone = _zone_before(settings, version)
    plan = Plan(
        id="",
        project=settings.name,
        environment=settings.environment,
        lineage=None if version is None else version.lineage,
        serial=0 if version is None else version.serial,
        as_of=observed.as_of,
        with_impact=with_impact,
        changes=changes,
        unchanged=found.unchanged,
        steps=steps(changes, compiled, commits=bool(changes) or moved_zone is not None),
        bases=_bases(changes, compiled, observed),
        blocked=tuple(stop for change in changes for stop in blocked(change, compiled, observed)),
        timezone=settings.timezone,
        renames=look_alikes(changes, compiled, observed),
        timezone_before=moved_zone,
        costs=_costs(changes, compiled, observed),
    )
    return replace(plan, id=plan_id(plan))


def empty_plan(
    settings: Settings,
    version: StateVersion,
    as_of: Instant,
    *,
    unchanged: int,
    with_impact: bool,
) -> Plan:
    """The plan of a project that is deployed just so: what build_plan() gives for it."""
    plan = Plan(
        id="",
        project=settings.name,
        environment=settings.environment,
        lineage=version.lineage,
        serial=version.serial,
        as_of=as_of,
        with_impact=with_impact,
        changes=(),
        unchanged=unchanged,
        steps=(),
        bases=(),
        timezone=settings.timezone,
    )
    return replace(plan, id=plan_id(plan))


def _zone_before(settings: Settings, version: StateVersion | None) -> str | None:
    """The project's time zone in force, where the settings have another. Schedules without a zone
    of their own are read by it, though no object says so."""
    if version is None or version.timezone == settings.timezone:
        return None
    return version.timezone


def plan_id(plan: Plan) -> str:
    """The SHA-256 of a plan's content, in hex; the id that it holds does not count."""
    return digest(canonical(replace(plan, id="")))


def _with_impact(change: Change, observed: Observed) -> Change:
    if not (moves_members(change) or drops_members(change) or moves_audience(change)):
        return change
    return replace(change, impact=observed.impacts.get(change.address))


def _costs(
    changes: Iterable[Change], compiled: Compiled, observed: Observed
) -> tuple[ScanCost, ...]:
    """What is known of the project's sources, where any is asked."""
    if not any(map(moves_members, changes)):
        return ()
    return tuple(one for one in observed.costs if compiled.project.source(one.source) is not None)


def _bases(
    changes: Iterable[Change], compiled: Compiled, observed: Observed
) -> tuple[tuple[Address, str | None], ...]:
    """Everything touched and all that it rests on, with what is deployed under its address."""
    deployed = observed.deployed
    rests_on = closure(compiled.depends, (change.address for change in changes))
    return tuple(
        (address, deployed[address].fingerprint if address in deployed else None)
        for address in sorted(rests_on)
    )
