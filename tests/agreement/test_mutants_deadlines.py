"""The search for deadlines is judged well: each fault seeded in it makes some deadline wrong."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segflow.compiler.deadlines import crossings, search, turns
from segflow.compiler.deadlines.crossings import length_crossings
from segflow.compiler.interpret import holds
from segflow.model.duration import Duration
from tests.agreement.ahead import EARLIER, Story, stories
from tests.agreement.cells import Cell
from tests.agreement.faults import Fault, cells_about, shop, touched_by
from tests.agreement.sides import compiled_for_engines

SHOPS, USERS = 120, 10
ANNIVERSARIES = (Cell("field", "anniversary", "date"), Cell("field", "anniversary", "timestamp"))
AGES = tuple(Cell("field", key, "timestamp") for key in ("older_than", "in_last", "in_next"))
NOTHING: Any = lambda _: lambda *arguments: iter(())  # noqa: E731 - as the others


def told(shops: int, fault: Fault | None = None) -> Iterator[Story]:
    """Users of the shops that faults are tried on, with the segments that a fault can touch."""
    for number in range(shops):
        found = shop(number, cells_about(fault) if fault else ())
        touched = touched_by(fault, found) if fault else found.segments
        if touched:
            earlier = EARLIER[number % len(EARLIER)]
            yield from stories(found, compiled_for_engines(found.project), touched, earlier, USERS)


# --- the faults ------------------------------------------------------------------------------


def a_millisecond_late(found: Any) -> Any:
    """T - length has to have passed an instant by a millisecond."""
    return lambda *arguments: (one + 1 for one in found(*arguments))


def thirty_days(_: Any) -> Any:
    """A month is thirty days."""

    def exact(months: int, instants: Any, after: Any, zone: Any) -> Any:
        days = Duration(count=30 * abs(months), unit="d")
        return crossings._steps(days, 1 if months > 0 else -1, instants, after, zone)

    return exact


def as_they_are_now(_: Any) -> Any:
    """What an event's `where` says now it says for ever."""

    def now(events: Any, where: Any, subject: Any) -> Any:
        rows = turns.rows_of(events, subject)
        if where is not None:
            rows = tuple(row for row in rows if holds(where, replace(subject, event=row)))
        return rows, None

    return now


def from_its_row_on(_: Any) -> Any:
    """What is held is looked at from the row on, not from the instant after which it counts."""

    def held(steps: Any, since: Any, length: Any, subject: Any) -> Any:
        context = subject.context
        yield turns.later(steps, context.as_of)
        both = sorted((*steps, *since))
        yield length_crossings(length, both, context.as_of, context.zone)

    return held


def without_since(held: Any) -> Any:
    """When the user came does not count for what is held."""
    return lambda steps, since, *rest: held(steps, (), *rest)


def without_condition(whole: Any) -> Any:
    """The population's condition is asked at T alone."""

    def forget(subject: Any) -> Any:
        context = subject.context
        less = replace(context.entity.population, where=None)
        entity = replace(context.entity, population=less)
        return whole(replace(subject, context=replace(context, entity=entity)))

    return forget


FAULTS = [
    Fault("events to come do not come", crossings, "later", NOTHING),
    Fault("lengths pass a millisecond late", crossings, "length_crossings", a_millisecond_late,
          ("Within",)),
    Fault("a month is thirty days", crossings, "_steps_of_months", thirty_days, ('"mo"',)),
    Fault("months do not clip", crossings, "_pieces",
          lambda _: lambda start, end, *rest: iter(((start, end),)), ('"mo"',)),
    Fault("units begin and do not end", crossings, "_calendar",
          lambda calendar: lambda *arguments: calendar(*arguments)[1:], ("InCalendar",)),
    Fault("midnights are those of UTC", turns, "_zones",
          lambda _: lambda *arguments: (ZoneInfo("UTC"),), ("InCalendar",)),
    Fault("users' zones are the project's", turns, "_zones",
          lambda _: lambda of_user, subject: (subject.context.zone,), ('"user_zone":true',)),
    Fault("values do not age", turns, "operator_crossings", NOTHING, ("OlderThan",)),
    Fault("anniversaries do not come", turns, "anniversary_crossings", NOTHING, ("Anniversary",),
          ANNIVERSARIES),
    Fault("anniversaries do not pass", crossings, "_anniversaries",
          lambda coming: lambda month, day, first, days, zone:
          coming(month, day, first, -abs(days), zone),
          ("Anniversary",), ANNIVERSARIES),
    Fault("conditions of events never turn", turns, "_matching", as_they_are_now,
          ("PropertyFeature", "OlderThan")),
    Fault("the newest event but one decides", turns, "_places",
          lambda places: lambda operators: frozenset(one + 1 for one in places(operators))),
    Fault("values to come are not looked at", turns, "_stored",
          lambda stored: lambda *arguments: stored(*arguments)[:1], ('"renews"',), AGES),
    Fault("histories have been told", turns, "_steps",
          lambda steps: lambda field, subject: []),
    Fault("what is held is looked at late", turns, "_held", from_its_row_on, ("Held",)),
    Fault("who came has held it before", turns, "_held", without_since, ("Held",)),
    Fault("logs have been told", turns, "_entries", lambda _: lambda *arguments: []),
    Fault("all words have been said", turns, "_said", NOTHING, ("Consent",)),
    Fault("suppressions have begun", turns, "_since", NOTHING, ("Reachable",)),
    Fault("the right side stays", turns, "features_of",
          lambda _: lambda test: (test.feature,), ("Scaled",)),
    Fault("only the last period moves", turns, "period_windows",
          lambda windows: lambda leaf: list(windows(leaf))[:1], ("Periods",)),
    Fault("absences never end", turns, "length_crossings", NOTHING, ("Sequence",)),
    Fault("values of events to come are unknown", turns, "values_in",
          lambda values: lambda leaf, events, subject: values(
              leaf, [one for one in events if one.time <= subject.context.as_of], subject),
          ("Same",)),
    Fault("nobody begins to exist", search, "_begins", NOTHING),
    Fault("the population stays", search, "_whole", without_condition),
    Fault("every leaf decides", search, "combined",
          lambda _: lambda whole, values: sum(values.values()) % 2 == 0, ("AnyOf",)),
    Fault("a leaf changes once", search, "_changes",
          lambda changes: lambda *arguments: iter([*changes(*arguments)][:1])),
]  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_makes_a_deadline_wrong(fault, monkeypatch):
    """With the fault in the search, the reference says something else at some instant."""
    monkeypatch.setattr(
        fault.owner, fault.attribute, fault.make(getattr(fault.owner, fault.attribute))
    )
    assert any(story.fault() for story in told(SHOPS, fault))


def test_without_a_fault_no_deadline_is_wrong():
    """On a part of the same shops."""
    assert not any(story.fault() for story in told(4))
