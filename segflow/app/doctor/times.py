"""Clocks: that of a server against ours, and events that are said to happen later than now."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Numeric, case, cast, func, literal, select

from segflow.app.codes import CLOCKS_DIFFER, IN_FUTURE
from segflow.app.doctor.samples import newest, rows_of
from segflow.app.doctor.subject import Subject
from segflow.compiler.dialects.base import Expression
from segflow.compiler.targets.values import not_later, opposite
from segflow.diagnostics import Diagnostic
from segflow.model.catalog import Event
from segflow.model.instant import Instant
from segflow.model.types import TIMESTAMP

_SKEW = 5_000
"""Milliseconds by which clocks may differ before it is told."""

_AHEAD = 60_000
"""Milliseconds by which an event may be ahead of our clock before it is told."""

_SECONDS: Mapping[str, Expression] = {
    "postgres": func.date_part("epoch", func.clock_timestamp()),
    "mysql": func.unix_timestamp(func.utc_timestamp(literal(3))),
}
"""The present of a server in seconds since 1970. Engines that run in our process have our clock."""


def clocks(subject: Subject) -> Iterator[Diagnostic]:
    """A server whose clock is not ours, by more than asking it takes."""
    if subject.source.engine not in _SECONDS:
        return
    seconds = cast(_SECONDS[subject.source.engine], Numeric(20, 3))
    before = subject.clock.now()
    (found,) = subject.rows(select(seconds.label("now")))
    after = subject.clock.now()
    theirs = int(found["now"] * 1000)
    ahead = theirs - after if theirs > after else min(0, theirs - before)
    if abs(ahead) > _SKEW:
        yield subject.finding(
            CLOCKS_DIFFER,
            subject.source.address,
            (),
            f"the clock of source {subject.source.name} is {abs(ahead) / 1000:,.1f} s"
            f" {'ahead of' if ahead > 0 else 'behind'} this machine's",
            "segments are judged by this machine's clock: set both by NTP",
        )


def future(subject: Subject) -> Iterator[Diagnostic]:
    """Events whose newest rows are later than now."""
    limit = Instant(subject.clock.now() + _AHEAD)
    for event in subject.events:
        yield from subject.answered_of(event, _later(subject, event, limit))


def _later(subject: Subject, event: Event, limit: Instant) -> Iterator[Diagnostic]:
    table = rows_of(event)
    time = subject.dialect.stored(table.c[event.at.time], TIMESTAMP).label("time")
    rows = newest(event, table, [time], subject.dialect).subquery("sample")
    later = case((opposite(not_later(rows.c.time, limit)), 1))
    counts: list[Expression] = [func.count().label("rows"), func.count(later).label("number")]
    (found,) = subject.rows(select(*counts).select_from(rows))
    if number := int(found["number"]):
        yield subject.finding(
            IN_FUTURE,
            event.address,
            subject.path(event, "time"),
            f"event {event.name}: a time in the future in {number:,} of the"
            f" {int(found['rows']):,} newest rows",
            "they count from that instant on: look at the clock, and the time zone, of who writes"
            " them",
        )
