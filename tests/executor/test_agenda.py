"""What a daemon finds due when it looks at the clock."""

from pathlib import Path

import pytest

from segflow.app.validate import load
from segflow.campaign.schedule import Due
from segflow.executor.agenda import Agenda
from segflow.model.address import Address
from segflow.model.instant import Instant
from tests.executor.campaign import CATALOG, DAY, HOUR, NOW, write_shop

WINBACK, EARLY, LATE = (Address("rule", name) for name in ("winback", "early", "late"))
RULES = """\
rule: winback
segment: lapsed
trigger: {cron: "0 9 * * *"}
send: [{channel: push}]
---
rule: early
segment: lapsed
trigger: {every: 1h}
priority: 60
send: [{channel: push}]
---
rule: late
segment: lapsed
trigger: {cron: "0 9 * * *", timezone: Asia/Shanghai, catch_up: 10min}
active: {from: 2026-03-11, until: 2026-03-13}
send: [{channel: push}]
"""


@pytest.fixture
def agenda(tmp_path: Path) -> Agenda:
    """Of three rules and a segment that is refreshed every hour."""
    write_shop(tmp_path, RULES)
    return Agenda(load(tmp_path, None).compiled)


def at(*scheduled: int) -> Due:
    """These are to be run, and nothing was missed."""
    return Due(run=tuple(Instant(instant) for instant in scheduled))


def test_nothing_is_due_before_its_time(agenda: Agenda):
    """Up to the last millisecond."""
    agenda.seen(WINBACK, NOW - DAY)
    assert agenda.rules(Instant(NOW - 1)) == ()
    assert agenda.rules(NOW) == ("winback",)
    assert agenda.due("winback", NOW) == at(NOW)


def test_what_was_seen_to_is_not_due_again(agenda: Agenda):
    """Nor where the clock goes back."""
    agenda.seen(WINBACK, NOW)
    agenda.seen(WINBACK, Instant(NOW - DAY))
    assert agenda.rules(Instant(NOW + HOUR)) == ()
    assert agenda.rules(Instant(NOW - HOUR)) == ()


def test_the_higher_priority_goes_first_at_one_instant(agenda: Agenda):
    """Then the name; an earlier instant goes before all."""
    agenda.seen(WINBACK, NOW - DAY)
    agenda.seen(EARLY, NOW - HOUR)
    assert agenda.rules(NOW) == ("early", "winback")
    assert agenda.rules(Instant(NOW + HOUR)) == ("winback", "early")


def test_late_instants_are_missed_and_the_newest_is_run(agenda: Agenda):
    """After three hours down, of an hourly rule the newest is run and the others are told."""
    agenda.seen(EARLY, NOW)
    now = Instant(NOW + 3 * HOUR + 1)
    missed = (Instant(NOW + HOUR), Instant(NOW + 2 * HOUR))
    assert agenda.due("early", now) == Due(run=(Instant(NOW + 3 * HOUR),), missed=missed)


def test_a_rule_is_due_only_while_it_is_active(agenda: Agenda):
    """By its own zone's days: from the 11th 09:00 in Shanghai to the 12th."""
    agenda.seen(LATE, Instant(NOW - 5 * DAY))
    nine = Instant(NOW + 16 * HOUR)  # 2026-03-11T01:00Z
    assert agenda.rules(Instant(nine - 1)) == ()
    assert agenda.due("late", nine) == at(nine)
    agenda.seen(LATE, nine)
    assert agenda.due("late", Instant(nine + DAY)) == at(nine + DAY)
    agenda.seen(LATE, Instant(nine + DAY))
    assert agenda.rules(Instant(nine + 2 * DAY)) == ()


def test_segments_are_refreshed_as_of_their_scheduled_instant(agenda: Agenda):
    """However late: the newest instant stands for those that were missed."""
    lapsed = Address("segment", "lapsed")
    agenda.seen(lapsed, NOW)
    assert agenda.refreshes(Instant(NOW + HOUR - 1)) == {}
    late = Instant(NOW + 5 * HOUR + 17)
    assert agenda.refreshes(late) == {Instant(NOW + 5 * HOUR): ("lapsed",)}


def test_what_failed_is_left_alone_for_a_while(agenda: Agenda):
    """It is due again behind the instant that it was put off to."""
    lapsed = Address("segment", "lapsed")
    agenda.seen(lapsed, NOW)
    agenda.put_off(lapsed, Instant(NOW + 2 * HOUR))
    assert agenda.refreshes(Instant(NOW + 2 * HOUR - 1)) == {}
    assert agenda.refreshes(Instant(NOW + 2 * HOUR)) == {Instant(NOW + 2 * HOUR): ("lapsed",)}


def test_static_segments_are_never_due(tmp_path: Path):
    """They are frozen."""
    write_shop(tmp_path)
    text = CATALOG.replace("segment: lapsed\n", "segment: lapsed\nmode: static\n")
    (tmp_path / "catalog/shop.yaml").write_text(text)
    agenda = Agenda(load(tmp_path, None).compiled)
    agenda.seen(Address("segment", "lapsed"), NOW)
    assert agenda.refreshes(Instant(NOW + 100 * DAY)) == {}
