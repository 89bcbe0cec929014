"""The page docs/reference/commands.md, made from the commands themselves."""

from collections.abc import Iterator

import click

from segflow.cli.lazy import LazyGroup
from segflow.cli.main import cli
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "commands.md"

_WIDTH = {"terminal_width": 88}
_HEAD = """\
# Commands

Made from the commands themselves; `segflow COMMAND --help` says the same.

Every command prints what it found on stdout and everything else on stderr. With `--json` the first
is one JSON object on one line. [Exit codes](exit-codes.md) have a page of their own.

Completion of commands and options in bash (zsh and fish likewise):

    eval "$(_SEGFLOW_COMPLETE=bash_source segflow)"
"""


def render() -> str:
    """The whole page."""
    root = click.Context(cli, info_name="segflow", **_WIDTH, **cli.context_settings)
    return "\n".join([_HEAD, *_sections(cli, root)])


def _sections(group: LazyGroup, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, parent=context, info_name=name, **_WIDTH)
        if isinstance(command, LazyGroup):
            yield from _sections(command, below)
        else:
            yield f"## {below.command_path}\n\n```text\n{command.get_help(below)}\n```\n"
