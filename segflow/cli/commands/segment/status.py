"""How a segment of the files compares with the deployed one, and whether that one is stale."""

from typing import Any

from segflow.app.segments import Listed
from segflow.model.instant import format_instant
from segflow.model.state import FailedRefresh


def status_facts(one: Listed) -> dict[str, Any]:
    """The facts of `segment list`, which `segment show` repeats."""
    return {
        "segment": one.name,
        "entity": one.entity,
        "mode": one.mode,
        "status": one.status,
        "size": one.size,
        "as_of": None if one.as_of is None else format_instant(one.as_of),
        "stale": None if one.stale is None else _stale_facts(one.stale),
        "owner": one.owner,
        "description": one.description,
    }


def why_stale(failed: FailedRefresh) -> str:
    """What is told of a stale segment."""
    return f"its refresh as of {format_instant(failed.as_of)} failed: {failed.reason}"


def _stale_facts(failed: FailedRefresh) -> dict[str, Any]:
    return {"as_of": format_instant(failed.as_of), "reason": failed.reason}
