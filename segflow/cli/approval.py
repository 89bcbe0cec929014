"""The typed "yes": what changes the world is asked about on a terminal first."""

import sys

import click

from segflow.cli.output import Output
from segflow.errors import RefusedError


def refuse_unasked(output: Output, command: str, *, hint: str) -> None:
    """Raises RefusedError where nobody is there to type "yes", or where JSON on stdout leaves no
    room for the question."""
    if output.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(f"nobody is here to say yes: {command} asks on a terminal", hint=hint)


def ask(question: str, *, otherwise: str) -> None:
    """Raises RefusedError, beginning with `otherwise`, unless the answer is "yes"."""
    click.echo(f'\n{question} Only "yes" is taken for a yes: ', err=True, nl=False)
    if sys.stdin.readline().strip() != "yes":
        raise RefusedError(f"{otherwise}: the answer was not yes")
