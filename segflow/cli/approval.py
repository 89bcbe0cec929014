"""The typed "yes": what changes the world is asked about on a terminal first."""

import select
import sys

import click

from segflow.cli.output import Output
from segflow.errors import RefusedError

_LOOK = 0.2
"""Seconds."""


def refuse_unasked(output: Output, command: str, *, hint: str) -> None:
    """Raises RefusedError where nobody is there to type "yes", or where JSON on stdout leaves no
    room for the question."""
    if output.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(f"nobody is here to say yes: {command} asks on a terminal", hint=hint)


def ask(question: str, *, otherwise: str) -> None:
    """Raises RefusedError, beginning with `otherwise`, unless the answer is "yes"."""
    click.echo(f'\n{question} Only "yes" is taken for a yes: ', err=True, nl=False)
    if _typed().strip() != "yes":
        raise RefusedError(f"{otherwise}: the answer was not yes")


def _typed() -> str:
    """The line that is typed. A Ctrl-C that comes just before a read is noticed after it only, and
    would wait for a line; so nothing is read before there is one."""
    while not select.select([sys.stdin], [], [], _LOOK)[0]:
        pass
    return sys.stdin.readline()
