"""Funnels as files."""

from collections.abc import Sequence
from pathlib import Path

from segflow.cli.files import write_whole
from segflow.cli.funnel import funnel_svg
from segflow.cli.invocation import Invocation
from segflow.model.run import RunReport


def draw(call: Invocation, path: Path, reports: Sequence[RunReport]) -> None:
    """Write the funnel of the runs as SVG, and tell a person. Raises OSError."""
    write_whole(path, funnel_svg(reports).encode())
    if not call.output.as_json:
        call.output.note(f"Drew {path}.")
