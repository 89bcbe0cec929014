"""Traces for people and for programs: why one user is in a segment, as a tree."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from segflow.cli.diagnostics import printable
from segflow.cli.output import counted
from segflow.compiler.trace import FeatureValue, TraceNode

_COMBINES = ("all", "any", "none", "not")


def tree(node: TraceNode, depth: int = 0, deciding: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a predicate's tree. Leaves whose text is among `deciding` are marked; a nested
    segment is one leaf, whatever is shown below it."""
    indent = "  " * depth
    sign = click.style("✓", fg="green") if node.holds else click.style("✗", fg="red")
    mark = click.style("  <- decides", fg="yellow") if node.text in deciding else ""
    yield f"{indent}{sign} {printable(node.text)}{mark}"
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
    }
