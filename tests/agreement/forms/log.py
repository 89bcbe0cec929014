"""Membership logs: made up for the reference, as real entries for the other side, and leaves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pyroaring import BitMap64

from segflow.compiler.log_leaves import log_leaves
from segflow.compiler.timeline import first_instant, last_bounds, zone
from segflow.compiler.worlds import LoggedChange, Logs
from segflow.membership import past
from segflow.membership.bitmaps import digest_of
from segflow.model.compiled import Compiled, log_set, logged_segment
from segflow.model.duration import parse_duration
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Held, InSegment, Transition
from segflow.model.state import Cause, LogEntry
from segflow.ports import Keys
from tests.agreement.choices import Pick

BEGINNING = Instant(0)
"""When the logs of a shop begin, before all that is asked."""

FOR = [parse_duration(text) for text in ("1h", "1d", "7d", "30d", "1mo", "1y")]
CAUSES: Sequence[Cause] = ("data", "data", "definition", "time", "correction", "population")


def log(pick: Pick, keys: Sequence[int], edges: Sequence[Instant]) -> tuple[LoggedChange, ...]:
    """A log that follows from itself: the first members, then who came and went, now and then
    several entries at one instant."""
    inside = frozenset(pick.part(keys, 12))
    found = [LoggedChange(as_of=BEGINNING, cause="definition", entered=inside)]
    for instant in sorted(pick.some(edges, 8)):
        entered = frozenset(pick.part(keys, 2)) - inside
        exited = frozenset(pick.part(keys, 2)) & inside
        inside = (inside - exited) | entered
        found.append(
            LoggedChange(as_of=instant, cause=pick.one(CAUSES), entered=entered, exited=exited)
        )
    return tuple(found)


def held(pick: Pick, nested: Sequence[str]) -> Held:
    """A segment that has held its users, by the log."""
    return Held(item=InSegment(segment=pick.one(nested)), for_=pick.one(FOR))


def transition(pick: Pick, kind: Literal["entered", "exited"], nested: Sequence[str]) -> Transition:
    """Who entered or left a segment, by the log."""
    in_last = pick.one([*FOR[2:], None])
    return Transition(kind=kind, segment=pick.one(nested), in_last=in_last)


def log_sets(compiled: Compiled, logs: Logs, as_of: Instant) -> Mapping[str, Keys]:
    """What an engine is given for the leaves that ask a log, made from entries with bitmaps, in
    which texts stand by their numbers in order."""
    kept: dict[str, BitMap64] = {}
    texts = sorted({key for log in logs.values() for one in log for key in _texts_of(one)})
    numbers: dict[Key, int] = {text: number for number, text in enumerate(texts)}

    def told(found: BitMap64) -> Keys:
        return frozenset(texts[number] for number in found) if texts else found

    there = zone(compiled.project.settings.timezone)
    found = {}
    for one in log_leaves(compiled):
        segment = logged_segment(one)
        entries = _entries(segment, logs.get(segment, ()), kept, numbers)
        if isinstance(one, Held):
            first = first_instant(one.for_, as_of, there)
            held = past.held_through(entries, first, as_of, kept.__getitem__)
            found[log_set(one)] = told(held)
        else:
            window = last_bounds(one.in_last, as_of, there)
            moved = past.moved_within(entries, one.kind, window, kept.__getitem__)
            found[log_set(one)] = told(moved)
    return found


def _texts_of(change: LoggedChange) -> Iterator[str]:
    yield from (key for key in change.entered | change.exited if isinstance(key, str))


def _entries(
    segment: str,
    changes: Sequence[LoggedChange],
    kept: dict[str, BitMap64],
    numbers: Mapping[Key, int],
) -> list[LogEntry]:
    def keep(keys: frozenset[Key]) -> str | None:
        members = BitMap64(numbers.get(key, key) for key in keys)
        name = digest_of(members)
        kept[name] = members
        return name if keys else None

    return [
        LogEntry(
            segment=segment,
            sequence=number,
            as_of=change.as_of,
            cause=change.cause,
            definition="d",
            entered=len(change.entered),
            exited=len(change.exited),
            entered_digest=keep(change.entered),
            exited_digest=keep(change.exited),
        )
        for number, change in enumerate(changes, start=1)
    ]
