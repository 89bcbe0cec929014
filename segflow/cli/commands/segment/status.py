"""How a segment of the files compares with the deployed one, as JSON."""

from typing import Any

from segflow.app.segments import Listed
from segflow.model.instant import format_instant


def status_facts(one: Listed) -> dict[str, Any]:
    """The facts of `segment list`, which `segment show` repeats."""
    return {
        "segment": one.name,
        "entity": one.entity,
        "mode": one.mode,
        "status": one.status,
        "size": one.size,
        "as_of": None if one.as_of is None else format_instant(one.as_of),
        "owner": one.owner,
        "description": one.description,
    }
