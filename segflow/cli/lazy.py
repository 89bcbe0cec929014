"""A group whose commands are imported when they are called, so that `segflow` starts fast."""

import gc
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from click.exceptions import NoSuchCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class Lazy:
    """A command as "module:name", below segflow.cli.commands. `summary` is its line in the help of
    its group; it stands here so that the help of a group imports no command."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """A click group over Lazy entries, which it lists in the order given, and ordinary groups."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    @property
    def summaries(self) -> Mapping[str, str]:
        """The lazy commands by name, with their lines in the help."""
        return {name: entry.summary for name, entry in self._lazy.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return [*self._lazy, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._lazy[cmd_name].target.partition(":")
        found = getattr(importlib.import_module(f"segflow.cli.commands.{module}"), name)
        if not gc.isenabled():
            gc.freeze()  # what was imported stays to the end
            gc.enable()
        if not isinstance(found, click.Command):
            raise TypeError(f"{self._lazy[cmd_name].target} is not a command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but an unknown name is compared with the lazy names too."""
        if self.get_command(ctx, args[0]) is None:
            raise NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands in the help, from the summaries alone."""
        rows = list(self.summaries.items())
        rows += [(name, group.get_short_help_str(100)) for name, group in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
