"""The page docs/reference/commands.md, made from the commands themselves.

`python -m tests.docs.commands_page` writes it anew.
"""

from collections.abc import Iterator

import click

from segflow.cli.lazy import LazyGroup
from segflow.cli.main import cli
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "commands.md"

_HEAD = """\
# Commands

Made from the commands themselves; `segflow COMMAND --help` says the same.

Every command prints what it found on stdout and everything else on stderr. With `--json` the first
is one JSON object on one line. [Exit codes](exit-codes.md) have a page of their own.
"""


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_sections(cli, "segflow")])


def _sections(group: LazyGroup, words: str) -> Iterator[str]:
    context = click.Context(group, info_name=words)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, LazyGroup):
            yield from _sections(command, f"{words} {name}")
        elif command is not None:
            yield _section(command, f"{words} {name}")


def _section(command: click.Command, words: str) -> str:
    context = click.Context(command, info_name=words, max_content_width=88, terminal_width=88)
    return f"## {words}\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
