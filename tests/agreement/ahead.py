"""An answer as time goes by: what the reference says at very many instants, beside its deadline."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import shake_256

from segflow.compiler.deadlines.search import Deadline, foresee
from segflow.compiler.interpret import everybody, exists, holds
from segflow.compiler.timeline import calendar_bounds, shift_months, zone
from segflow.compiler.worlds import Context, Subject
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant
from segflow.model.predicate import Predicate
from segflow.model.window import CalendarSpan, CalendarUnit
from tests.agreement.choices import Pick
from tests.agreement.forms import zones
from tests.strategies import Example

HOUR, DAY = 3_600_000, 86_400_000
EARLIER = (0, 0, 1, HOUR, DAY, 7 * DAY, 31 * DAY)
"""T is moved back by one of these, so that much of what is known is still to come."""

LENGTHS = tuple(days * DAY for days in (1, 7, 14, 30)) + (HOUR,)
MONTHS = (1, 12)
UNITS: tuple[CalendarUnit, ...] = ("day", "week", "month", "quarter", "year")
SAMPLES = 60
FAR = 800 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One user, whose membership of a segment is asked from T on, and what was foreseen of it."""

    subject: Subject
    where: Predicate
    deadline: Deadline

    def inside(self, at: Instant) -> bool:
        """Whether the user is a member at an instant."""
        subject = self.subject.at(at)
        return exists(subject) and holds(self.where, subject)

    def fault(self) -> str | None:
        """What is wrong with the deadline; None where nothing is seen to be."""
        as_of, found = self.subject.context.as_of, self.deadline
        now = self.inside(as_of)
        if found.at is not None:
            if self.inside(found.at) == now:
                return f"nothing changes at {format_instant(found.at)}"
            if self.inside(Instant(found.at - 1)) != now:
                return f"it is changed before {format_instant(found.at)}"
        end = found.at or found.until or as_of + FAR
        for at in self.samples(Instant(end)):
            if self.inside(at) != now:
                return f"it changes at {format_instant(at)} or before"
        return None

    def samples(self, end: Instant) -> list[Instant]:
        """Instants between T and the end: where something known is reached, or a length from it,
        and a millisecond beside; where units begin; and any others."""
        subject, as_of = self.subject, self.subject.context.as_of
        seed = f"{subject.user.key} {subject.segment} {as_of}"
        pick = Pick(shake_256(seed.encode()).digest(SAMPLES * 12))
        near = [*self.known(), *starts(subject.context.zone.key, as_of)]
        found = {
            Instant(end - 1),
            *(as_of + pick.below(256) * (end - as_of) // 256 for _ in range(8)),
        }
        for _ in range(SAMPLES):
            base = moved(pick, near[(256 * pick.below(256) + pick.below(256)) % len(near)], subject)
            found.add(Instant(base + pick.one((-1, 0, 1))))
        return sorted(Instant(at) for at in found if as_of < at < end)

    def known(self) -> Iterator[Instant]:
        """T, and all instants that are known of the user."""
        subject = self.subject
        yield subject.context.as_of
        if subject.user.since is not None:
            yield subject.user.since
        for row in subject.events:
            yield from (one for one in (row.time, *row.properties.values()) if is_instant(one))
        for rows in subject.user.history.values():
            yield from (one for row in rows for one in row if is_instant(one))
        yield from (one for one in subject.user.fields.values() if is_instant(one))
        for said in (*subject.user.consents.values(), *subject.user.suppressions.values()):
            yield from (row.time for row in said if row.time is not None)
        for log in subject.context.logs.values():
            yield from (entry.as_of for entry in log)


def is_instant(value: object) -> bool:
    """Whether a value may be an instant of our time; other integers are no harm."""
    return isinstance(value, int) and 10**12 < value < 10**13


def moved(pick: Pick, instant: Instant, subject: Subject) -> Instant:
    """The instant, or one of a length before or after it; a length of months in some zone."""
    sign = pick.one((-1, 1))
    match pick.below(4):
        case 0:
            return instant
        case 1:
            there = pick.one((subject.context.zone, *map(zone, zones.POOL[:10])))
            return shift_months(instant, sign * pick.one(MONTHS), there)
        case _:
            times = pick.one((1, 1, 1, 2, 3))
            return Instant(instant + sign * times * pick.one(LENGTHS))


@lru_cache(maxsize=1)  # all users of a shop share them
def starts(timezone: str, as_of: Instant) -> tuple[Instant, ...]:
    """Where the units after T begin, by the project's clocks and those of users."""
    found = (
        calendar_bounds(CalendarSpan(unit=unit, last=number), as_of, zone(name)).start
        for name in (timezone, *zones.POOL[:10])
        for unit in UNITS
        for number in (1, 2, 3)
    )
    return tuple(start for start in found if start is not None)


def stories(
    example: Example, compiled: Compiled, segments: tuple[str, ...], earlier: int, users: int
) -> Iterator[Story]:
    """Some users of an example with each of the segments, at an instant that is so much earlier
    than the example's."""
    world, entity = example.world, compiled.entities["customer"]
    context = Context(
        compiled=compiled,
        entity=entity,
        as_of=Instant(example.shop.as_of - earlier),
        snapshots=world.snapshots,
        logs=world.logs,
        worlds={**world.others, "customer": world},
        given=world.given,
    )
    for name in segments:
        where = compiled.segments[name].where
        mode = compiled.segments[name].segment.mode
        for number, subject in enumerate(everybody(context, name)):
            if number < users and mode == "dynamic":
                deadline = foresee(subject).deadline
                yield Story(subject=frozen(subject, deadline), where=where, deadline=deadline)


def frozen(subject: Subject, deadline: Deadline) -> Subject:
    """The user with what could not be foreseen as it is at T, for ever."""
    key, context = subject.user.key, subject.context
    now = {leaf: frozenset({key} if holds(leaf, subject) else ()) for leaf in deadline.unforeseen}
    return replace(subject, context=replace(context, given={**context.given, **now}))
