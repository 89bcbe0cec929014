"""`segflow init`: a new project that validates and plans."""

import shlex
from pathlib import Path

import click

from segflow.cli.invocation import Invocation, command
from segflow.cli.scaffold import create

EXAMPLE_INSTANT = "2026-04-01T00:00:00Z"
"""An instant at which the example's customers fall into several segments."""


@command("init", in_project=False)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
def init(call: Invocation, folder: Path) -> None:
    """Make a new project that validates and plans.

    Writes segflow.toml, a small catalog, three segments and made-up sample data into DIR (default:
    this folder). Files that are there already are never overwritten.
    """
    name, files = create(folder)
    if call.output.as_json:
        call.output.facts(
            {"project": name, "folder": str(folder), "files": [str(path) for path in files]}
        )
        return
    call.output.line(f"Made the project {name}:")
    call.output.lines(f"  {folder / path}" for path in files)
    enter = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    call.output.line()
    call.output.line("See what it would deploy:")
    call.output.line(f"  {enter}segflow plan --as-of {EXAMPLE_INSTANT}")
