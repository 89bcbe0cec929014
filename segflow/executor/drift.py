"""Drift: a source changed its past between plan and apply, so that a segment has other members."""

from segflow.executor.checks import blocked_error
from segflow.model.plan import Impact
from segflow.model.segment import Segment
from segflow.planner.guards import beyond


def refuse_drift(segment: Segment, planned: Impact | None, found: Impact) -> None:
    """Judge what was found by the segment's `protect`, as the plan judged what it saw. Where the
    members are the planned ones the plan has judged them. Raises BlockedError."""
    if planned is not None and planned.digest == found.digest:
        return
    if blocked := tuple(beyond(segment.address, segment.protect, found)):
        raise blocked_error(blocked)
