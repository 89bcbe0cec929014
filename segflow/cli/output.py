"""The only printing: facts on stdout, all else on stderr, colour only where somebody looks."""

import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a command's words go. `as_json` is the --json switch; `color` is False where colour is
    unwanted and None where each stream decides by whether it is a terminal."""

    as_json: bool = False
    color: bool | None = None

    @property
    def width(self) -> int | None:
        """The columns of the terminal that shows the facts; None where they go elsewhere."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def facts(self, value: Any) -> None:
        """Print one JSON value on a line of its own on stdout."""
        ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        click.echo(json.dumps(value, ensure_ascii=ascii_only))

    def line(self, text: str = "") -> None:
        """Print one line of facts for a person on stdout."""
        click.echo(text, color=self.color)

    def lines(self, texts: Iterable[str]) -> None:
        """Print several, in one write: there may be millions of keys."""
        if text := "\n".join(texts):
            self.line(text)

    def note(self, text: str = "") -> None:
        """Print one line about the work, not its result, on stderr."""
        click.echo(text, err=True, color=self.color)

    def error(self, text: str) -> None:
        """Print on stderr that something went wrong; it is no fact, so JSON has none of it."""
        if not self.as_json:
            self.note(f"{error_label()}: {text}")

    def notes(self, texts: Iterable[str]) -> None:
        """Print several."""
        self.note("\n".join(texts))


def error_label() -> str:
    """The word before what went wrong."""
    return click.style("error", fg="red", bold=True)


def wanted_color(no_color: bool) -> bool | None:
    """False with --no-color, with a non-empty NO_COLOR and on dumb terminals; else None."""
    unwanted = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return False if unwanted else None


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """ "1 error", "2 errors", "1,204 members"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
