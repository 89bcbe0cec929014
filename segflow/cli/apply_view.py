"""What an apply did, for a person and as JSON."""

from typing import Any

import click

from segflow.app.apply import ApplyOutcome
from segflow.cli.output import Output
from segflow.cli.tables import columns
from segflow.model.instant import format_instant


def show_outcome(output: Output, outcome: ApplyOutcome) -> None:
    """The segments that were evaluated, what drifted since the plan, and the sum of it."""
    if outcome.segments:
        head = ("SEGMENT", "SIZE", "ENTERED", "LEFT")
        rows = [(one.name, one.size, one.entered, one.left) for one in outcome.segments]
        output.lines(columns(head, rows))
        output.line()
    for drift in outcome.drift:
        label = click.style("warning", fg="yellow", bold=True)
        output.note(f"{label}: the source changed its past since the plan: {drift}")
    verb = "Finished an interrupted apply" if outcome.resumed else "Applied"
    output.line(
        f"{click.style(verb, fg='green', bold=True)}: {_counts(outcome)}. "
        f"The state is at serial {outcome.serial}."
    )


def _counts(outcome: ApplyOutcome) -> str:
    """The counts of the plan's summary, in its order and by its rule for what is recomputed."""
    counts = (
        f"{outcome.created:,} created, {outcome.updated:,} updated, {outcome.deleted:,} deleted"
    )
    return counts + (f", {outcome.recomputed:,} recomputed" if outcome.recomputed else "")


def outcome_to_json(outcome: ApplyOutcome) -> dict[str, Any]:
    """The outcome for programs."""
    return {
        "apply_id": outcome.apply_id,
        "plan_id": outcome.plan_id,
        "as_of": format_instant(outcome.as_of),
        "serial": outcome.serial,
        "resumed": outcome.resumed,
        "created": outcome.created,
        "updated": outcome.updated,
        "deleted": outcome.deleted,
        "recomputed": outcome.recomputed,
        "segments": [
            {"segment": one.name, "size": one.size, "entered": one.entered, "left": one.left}
            for one in outcome.segments
        ],
        "drift": [
            {
                "segment": one.segment,
                "planned": {
                    "size": one.planned_size,
                    "entered": one.planned_entered,
                    "left": one.planned_left,
                },
                "found": {"size": one.size, "entered": one.entered, "left": one.left},
            }
            for one in outcome.drift
        ],
    }
