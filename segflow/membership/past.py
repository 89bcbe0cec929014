"""What the log of a segment tells of a span of time: who was in all along, who came, who went."""

from collections.abc import Sequence
from typing import Literal

from pyroaring import BitMap64

from segflow.compiler.timeline import Bounds
from segflow.errors import RefusedError
from segflow.membership.log import ReadBitmap, members_at
from segflow.model.instant import Instant, format_instant
from segflow.model.state import Cause, LogEntry

MOVES: frozenset[Cause] = frozenset(("data", "time", "population"))
"""The causes that are the users' own doing, or time's. Who comes or goes because a definition was
edited, or a fault of the data corrected, has not entered or exited."""


def refuse_before_log(log: Sequence[LogEntry], segment: str, first: Instant | None) -> None:
    """Raises RefusedError where the log can't tell of the instant, or (None) of any."""
    if not log:
        raise RefusedError(
            f"nothing was ever recorded of segment.{segment}, and its log is asked",
            hint=f"apply segment.{segment} first: its log begins then",
        )
    if first is not None and log[0].as_of > first:
        raise RefusedError(
            f"the log of segment.{segment} begins at {format_instant(log[0].as_of)}, "
            f"and it is asked from {format_instant(first)} on",
            hint="ask for a shorter span, or wait until the log is as long",
        )


def held_through(
    log: Sequence[LogEntry], first: Instant, last: Instant, read: ReadBitmap
) -> BitMap64:
    """Who was recorded as a member at every instant from the first to the last, whatever the causes
    of changes. `log` is the whole log, oldest first."""
    instants = {entry.as_of for entry in log if first < entry.as_of <= last}
    held = members_at(log, first, read)
    for instant in sorted(instants):
        held &= members_at(log, instant, read)
    return held


def moved_within(
    log: Sequence[LogEntry],
    kind: Literal["entered", "exited"],
    window: Bounds,
    read: ReadBitmap,
) -> BitMap64:
    """Who entered, or exited, at an instant of the window; back since or not."""
    found = BitMap64()
    for entry in log:
        name = entry.entered_digest if kind == "entered" else entry.exited_digest
        if name is not None and entry.cause in MOVES and entry.as_of in window:
            found |= read(name)
    return found
