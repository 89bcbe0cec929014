"""Options that several commands share, with the types of their values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from segflow.model.instant import Instant, parse_instant
from segflow.model.keys import Key, KeyType, parse_key

_Function = TypeVar("_Function", bound=Callable[..., Any])


class InstantType(click.ParamType[Instant]):
    """An instant as ISO 8601 with its offset."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Instant:
        """The instant, or a usage error that says how to write one."""
        if not isinstance(value, str):
            return Instant(value)
        try:
            return parse_instant(value)
        except ValueError:
            self.fail(
                f"{value!r} is not an instant: write it like 2026-01-31T00:00:00Z, "
                "with Z or an offset at the end",
                param,
                ctx,
            )


def key_of(text: str, type_: KeyType) -> Key:
    """The key of one user, or a usage error that says what keys are."""
    try:
        return parse_key(text, type_)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is not a key: {error}") from error


as_of = click.option(
    "--as-of",
    metavar="T",
    type=InstantType(),
    help="The instant at which to judge, like 2026-01-31T00:00:00Z.  [default: now]",
)
recorded_at = click.option(
    "--recorded-at",
    metavar="T",
    type=InstantType(),
    help="Ask the log who was recorded as a member at that instant, instead of evaluating.",
)
picture = click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw where the users ended, as SVG.",
)


def limit(most: int | None = None) -> Callable[[_Function], _Function]:
    """The option --limit; without a number in it there is no limit."""
    return click.option(
        "--limit",
        metavar="N",
        type=click.IntRange(min=1),
        default=most,
        show_default=most is not None,
        help="At most so many.",
    )


def refuse_both(**given: object) -> None:
    """Raise a usage error where more than one of these options or arguments was given."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise click.UsageError(f"{' and '.join(names)} exclude each other")
