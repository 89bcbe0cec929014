"""Traces for people and for programs: why one user is in a segment, as a tree."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from segflow.cli.diagnostics import printable
from segflow.cli.output import counted
from segflow.compiler.deadlines.search import Deadline
from segflow.compiler.trace import TraceNode
from segflow.compiler.trace_values import FeatureValue
from segflow.model.instant import Instant, format_instant
from segflow.model.wording import phrase

_COMBINES = ("all", "any", "none", "not")


def tree(node: TraceNode, depth: int = 0, deciding: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a predicate's tree. Leaves whose text is among `deciding` are marked; a nested
    segment is one leaf, whatever is shown below it."""
    indent = "  " * depth
    sign = click.style("✓", fg="green") if node.holds else click.style("✗", fg="red")
    mark = click.style("  <- decides", fg="yellow") if node.text in deciding else ""
    until = "" if node.changes is None else f"  (until {format_instant(node.changes)})"
    yield f"{indent}{sign} {printable(node.text)}{click.style(until, dim=True)}{mark}"
    for value in node.values:
        yield f"{indent}    {click.style(printable(_value(value)), dim=True)}"
    for item in node.items:
        yield from tree(item, depth + 1, deciding if node.text in _COMBINES else ())


def _value(value: FeatureValue) -> str:
    over = "" if value.events is None else f"  ({counted(value.events, 'event')})"
    return f"{value.text} = {'(missing)' if value.value is None else value.value}{over}"


def tree_facts(node: TraceNode) -> dict[str, Any]:
    """The tree as JSON."""
    return {
        "text": node.text,
        "holds": node.holds,
        "values": [
            {"feature": value.text, "value": value.value, "events": value.events}
            for value in node.values
        ],
        "items": [tree_facts(item) for item in node.items],
        "changes": _instant(node.changes),
    }


# --- deadlines -------------------------------------------------------------------------------


def deadline_lines(deadline: Deadline, member: bool) -> Iterator[str]:
    """When somebody who is a member, or is none, leaves or enters if nothing happens, and why."""
    if deadline.at is not None:
        move = "leaves" if member else "enters"
        yield (
            f"Unless something happens, it {move} at {format_instant(deadline.at)}: "
            f"{printable(' and '.join(_reasons(deadline)))}."
        )
    else:
        until = deadline.until
        limit = "" if until is None else f" at least until {format_instant(until)}"
        yield f"Unless something happens, that stays so{limit}."
    for leaf in deadline.unforeseen:
        told = printable(phrase(leaf))
        yield f"That takes `{told}` to stay as it is: its changes can not be foreseen."


def _reasons(deadline: Deadline) -> Iterator[str]:
    if deadline.begins:
        yield "it begins to exist"
    for leaf, holds in deadline.because:
        yield f"`{phrase(leaf)}` {'comes to hold' if holds else 'no longer holds'}"


def deadline_facts(deadline: Deadline) -> dict[str, Any]:
    """The deadline as JSON."""
    return {
        "at": _instant(deadline.at),
        "because": [{"text": phrase(leaf), "holds": holds} for leaf, holds in deadline.because],
        "begins": deadline.begins,
        "looked_until": _instant(deadline.until),
        "taken_as_now": [phrase(leaf) for leaf in deadline.unforeseen],
    }


def _instant(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
