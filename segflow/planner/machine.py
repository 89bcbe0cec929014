"""A plan for machines: JSON whose form has a version and a published schema (schemas/plan.json)."""

import json
from typing import Any

from segflow.model.instant import format_instant
from segflow.model.plan import (
    AttributeChange,
    Change,
    CommitState,
    DropSegment,
    EvaluateSegment,
    Impact,
    Plan,
    PlanStep,
    Scan,
)
from segflow.model.wording_cost import question_facts
from segflow.planner.impact import totals
from segflow.planner.rules import holdout, next_run, planned_rule, shares
from segflow.planner.scans import last_asked

FORMAT_VERSION = "1.1"
"""The major number changes when a reader of the old form would be misled, the minor one when
something is added."""


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values.

    Attribute values are what the YAML says, null where there is none; numbers with a fraction are
    strings, so that no digit is lost. Values of personal fields are masked.
    """
    entered, left = totals(plan.changes)
    return {
        "format_version": FORMAT_VERSION,
        "id": plan.id,
        "project": plan.project,
        "environment": plan.environment,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "as_of": format_instant(plan.as_of),
        "timezone": plan.timezone,
        "timezone_before": plan.timezone_before,
        "with_impact": plan.with_impact,
        "blocked": [
            {"address": str(stop.address), "rule": stop.rule, "message": stop.message}
            for stop in plan.blocked
        ],
        "summary": _counts(plan) | {"entered": entered, "left": left},
        "changes": [_change(change, plan) for change in plan.changes],
        "steps": [_step(step) for step in plan.steps],
        "renames": [{"deleted": str(old), "created": str(new)} for old, new in plan.renames],
    }


def _counts(plan: Plan) -> dict[str, int]:
    actions = [change.action for change in plan.changes]
    counts = {name: actions.count(name) for name in ("create", "update", "delete", "recompute")}
    return counts | {"unchanged": plan.unchanged}


def _change(change: Change, plan: Plan) -> dict[str, Any]:
    return {
        "address": str(change.address),
        "kind": change.address.kind,
        "name": change.address.name,
        "action": change.action,
        "attributes": [_attribute(attribute) for attribute in change.attributes],
        "because": [str(address) for address in change.because],
        "reaches": [str(address) for address in change.reaches],
        "frozen": change.frozen,
        "definition": change.definition,
        "impact": None if change.impact is None else _impact(change.impact),
        "rule": _rule(change, plan),
        "scans": [_scan(scan, plan) for scan in change.scans],
    }


def _scan(scan: Scan, plan: Plan) -> dict[str, Any]:
    last = last_asked(scan, plan)
    return {
        "source": scan.source,
        "engine": scan.engine,
        "table": scan.table,
        "added": scan.is_added,
        "others": scan.others,
        "last": None if last is None else question_facts(last),
    }


def _rule(change: Change, plan: Plan) -> dict[str, Any] | None:
    rule = planned_rule(change)
    if rule is None:
        return None
    found = next_run(rule, plan.as_of, plan.timezone)
    return {
        "holdout": holdout(rule),
        "variants": [{"name": name, "share": share} for name, share in shares(rule)],
        "next_run": None if found is None else format_instant(found),
    }


def _attribute(attribute: AttributeChange) -> dict[str, Any]:
    return {
        "path": attribute.path,
        "before": _value(attribute.before),
        "after": _value(attribute.after),
        "lines": list(attribute.lines),
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=str)


def _impact(impact: Impact) -> dict[str, Any]:
    return {
        "size_now": impact.size_now,
        "size_after": impact.size_after,
        "entered": impact.entered,
        "left": impact.left,
        "digest": impact.digest,
        "from_snapshot": impact.from_snapshot,
    }


def _step(step: PlanStep) -> dict[str, str]:
    match step:
        case EvaluateSegment(segment=segment):
            return {"step": "evaluate", "segment": segment}
        case DropSegment(segment=segment):
            return {"step": "drop", "segment": segment}
        case CommitState():
            return {"step": "commit"}
