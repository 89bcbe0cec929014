"""A plan on the terminal, as JSON, and out of its file."""

from pathlib import Path
from typing import Any

import click

from segflow.cli.diagnostics import printable
from segflow.cli.output import Output
from segflow.model.plan import Plan
from segflow.planner.machine import to_json
from segflow.planner.planfile import from_bytes
from segflow.planner.render import Line, Piece, Style, render_plan

_STYLES: dict[Style, dict[str, Any]] = {
    "plain": {},
    "bold": {"bold": True},
    "muted": {"dim": True},
    "create": {"fg": "green"},
    "update": {"fg": "yellow"},
    "delete": {"fg": "red"},
    "recompute": {"fg": "cyan"},
    "blocked": {"fg": "red", "bold": True},
}


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises OSError, and what from_bytes() raises of a file that is none."""
    return from_bytes(path.read_bytes())


def show_plan(output: Output, plan: Plan) -> None:
    """Print the plan as lines, or as one JSON object."""
    if output.as_json:
        output.facts(to_json(plan))
    else:
        output.lines(_line(line) for line in render_plan(plan))


def _line(line: Line) -> str:
    return "".join(_piece(piece) for piece in line)


def _piece(piece: Piece) -> str:
    text = printable(piece.text)
    style = _STYLES[piece.style]
    return click.style(text, **style) if style else text
