"""What every command has in common: its global options, and how it is declared."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from segflow.cli.output import Output, wanted_color


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The global options of one call. `project` is None for the nearest folder upward, and
    `environment` for the default one."""

    output: Output
    project: Path | None = None
    environment: str | None = None


_PROJECT = click.Option(
    ["--project"],
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The project's folder.  [default: the nearest one upward with segflow.toml]",
)
_ENVIRONMENT = click.Option(
    ["--env", "environment"], metavar="NAME", help="The environment of segflow.toml to use."
)
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print facts as JSON.")
_NO_COLOR = click.Option(["--no-color"], is_flag=True, help="No colour (so does NO_COLOR=1).")
_DEBUG = click.Option(["--debug"], is_flag=True, help="Show the traceback of a failure.")


def command(
    name: str, *, in_project: bool = True
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Declare a command: the function gets an Invocation, then its own arguments and options.

    It returns its exit code, None for 0. `in_project` adds --project and --env.
    """

    def declare(function: Callable[..., int | None]) -> click.Command:
        @functools.wraps(function)
        def run(*, as_json: bool, no_color: bool, debug: bool, **own: Any) -> int:
            del debug  # main looks for it, since it is wanted when parsing fails too
            call = Invocation(
                output=Output(as_json=as_json, color=wanted_color(no_color)),
                project=own.pop("project", None),
                environment=own.pop("environment", None),
            )
            return function(call, **own) or 0

        declared = click.command(name)(run)
        everywhere = [_JSON, _NO_COLOR, _DEBUG]
        declared.params.extend([_PROJECT, _ENVIRONMENT, *everywhere] if in_project else everywhere)
        return declared

    return declare
