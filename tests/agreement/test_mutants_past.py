"""The agreement sees faults in what is local to users, in histories and in the log."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import ColumnElement, false, func, literal, select, true

from segflow.compiler.targets import anniversaries, changes, conditions, facts, histories, scans
from segflow.compiler.zones import Ways, Zones
from segflow.membership import past
from segflow.membership.log import members_at
from tests.agreement.cells import Cell
from tests.agreement.faults import Fault, is_caught, share

USERS = '"user_zone":true'
WINDOWS = tuple(Cell(form, "timezone") for form in ("did", "sum", "first_time"))
DAYS = (Cell("field", "anniversary", "timestamp"), Cell("first_time", "anniversary"))
PAST = (Cell("field in held"), Cell("field in held", "eq", "string"))


def of_project(ways: Any) -> Any:
    """Everybody's clocks are the project's."""
    return lambda self, of_user, *asked: ways(self, False, *asked)


def utc_by_default(zones_of: Any) -> Any:
    """Who has no zone is in UTC."""
    return lambda entity, zone: replace(zones_of(entity, zone), users=ZoneInfo("UTC"))


def trimmed(join: Any) -> Any:
    """Spaces at the end of a zone's name do not count."""
    return lambda relation, zone, *rest: join(relation, func.trim(zone), *rest)


def todays_before(value_then: Any) -> Any:
    """What was missing is what it is today."""

    def known(field: Any, key_type: Any, at: Any, dialect: Any, name: str) -> Any:
        then = value_then(field, key_type, at, dialect, name)
        return select(then).where(then.c.value.is_not(None)).cte(f"{name}_known")

    return known


def ties_by_nothing(newest: Any) -> Any:
    """Of the rows at one instant the least value counts."""
    return property(lambda self: [*newest.fget(self)[:1], self.value.asc()])


def ends_alone(_: Any) -> Any:
    """Who was in at both ends was in all along."""

    def held(log: Any, first: Any, last: Any, read: Any) -> Any:
        return members_at(log, first, read) & members_at(log, last, read)

    return held


FAULTS = [
    Fault("users' zones are the project's", Zones, "ways", of_project, (USERS,), WINDOWS),
    Fault("without a zone it is UTC", scans, "zones_of", utc_by_default, (USERS,), WINDOWS),
    Fault("zones' names are trimmed", scans, "join_ways", trimmed, (USERS,), WINDOWS),
    Fault("clocks of users show UTC", anniversaries, "_ahead",
          lambda _: lambda *given: literal(0), (USERS, "Anniversary"), DAYS),
    Fault("clocks are always as of late", facts, "offsets_text",
          lambda text: lambda offsets: text(offsets[-1:]), (USERS, "Anniversary"), DAYS),
    Fault("clocks are of the default zone", conditions, "text_by_zone",
          lambda by_zone: lambda ways, *rest: by_zone(Ways(ways.default), *rest),
          (USERS, "Anniversary"), DAYS),
    Fault("before its first row a value is today's", facts, "value_then", todays_before,
          cells=PAST),
    Fault("the least of a history counts", histories._Rows, "newest", ties_by_nothing,
          cells=PAST),
    Fault("held begins a millisecond late", changes, "first_instant",
          lambda first: lambda *arguments: first(*arguments) + 1, ("Held",)),
    Fault("held forgets what came later", changes, "_failed",
          lambda failed: lambda *arguments: failed(*arguments).where(false()), ("Held",)),
    Fault("held before being there", facts.Facts, "at",
          lambda at: lambda self, as_of: replace(at(self, as_of), entity=replace(
              self.entity, population=replace(self.entity.population, since=None))), ("Held",)),
    Fault("a row with the same value is a change", ColumnElement, "is_distinct_from",
          lambda _: lambda self, other: true(), ("Changed",)),
    Fault("edits let people enter", past, "MOVES",
          lambda moves: {*moves, "definition", "correction"}, ("Transition",)),
    Fault("held in the log at both ends", past, "held_through", ends_alone, ("Held", "InSegment")),
]  # fmt: skip


@pytest.mark.parametrize("fault", share(FAULTS), ids=lambda fault: fault.name)
def test_the_agreement_catches(fault, tmp_path):
    """With the fault in the engine's path, some segment has other members than by the reference."""
    assert is_caught(fault, tmp_path)
