"""What a membership log says of one user, for the reference."""

from collections.abc import Sequence
from typing import Literal

from segflow.compiler.timeline import Bounds
from segflow.compiler.worlds import LoggedChange
from segflow.errors import RefusedError
from segflow.model.instant import Instant
from segflow.model.keys import Key

OWN_CAUSES = ("data", "time", "population")
"""Not those of whoever edits a definition or corrects the data."""


def was_member(log: Sequence[LoggedChange], key: Key, at: Instant) -> bool:
    """Whether the user was recorded as a member at an instant."""
    inside = False
    for change in log:
        if change.as_of <= at:
            inside = (inside and key not in change.exited) or key in change.entered
    return inside


def held_membership(log: Sequence[LoggedChange], key: Key, first: Instant, last: Instant) -> bool:
    """Whether the user was a member at every instant from the first to the last."""
    _reaching(log, first)
    instants = [first, *(change.as_of for change in log if first < change.as_of <= last)]
    return all(was_member(log, key, instant) for instant in instants)


def moves(
    log: Sequence[LoggedChange], kind: Literal["entered", "exited"], key: Key, window: Bounds
) -> list[Instant]:
    """When the user entered, or exited, within the window, oldest first."""
    _reaching(log, window.start)
    return [
        change.as_of
        for change in log
        if change.cause in OWN_CAUSES
        and change.as_of in window
        and key in (change.entered if kind == "entered" else change.exited)
    ]


def _reaching(log: Sequence[LoggedChange], first: Instant | None) -> None:
    if not log or (first is not None and log[0].as_of > first):
        raise RefusedError("the log does not reach back so far")
