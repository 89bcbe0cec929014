"""What may follow what in a segment's history."""

from dataclasses import replace

import pytest
from pyroaring import BitMap64

from segflow.errors import CorruptStateError, RefusedError
from segflow.membership.changes import Previous
from segflow.membership.draft import draft_exit, draft_membership
from segflow.membership.succession import Standing, adds_something, check_exit, check_instant

NOON = 1_000


def membership(as_of=NOON, definition="d", members=(1, 2), previous=None):
    return draft_membership(
        segment="lapsed",
        as_of=as_of,
        definition=definition,
        members=BitMap64(members),
        previous=previous,
    ).membership


FIRST = membership()
PREVIOUS = Previous(definition="d", members=BitMap64([1, 2]))
STANDING = Standing(current=FIRST.snapshot, last_as_of=NOON)
DROPPED = Standing(current=None, last_as_of=NOON)


def test_a_first_snapshot_may_be_of_any_instant():
    """Nothing is on record that it could contradict."""
    assert adds_something(Standing(), membership(as_of=-5))


def test_a_later_snapshot_follows():
    """Time goes on, whether or not somebody moved."""
    assert adds_something(STANDING, membership(NOON + 1, members=[2, 3], previous=PREVIOUS))
    assert adds_something(STANDING, membership(NOON + 1, previous=PREVIOUS))


def test_the_same_snapshot_again_adds_nothing():
    """What is current already is not recorded a second time."""
    assert not adds_something(STANDING, FIRST)


def test_an_earlier_snapshot_is_refused():
    """The log never goes back; the message says how far it got."""
    with pytest.raises(RefusedError, match="recorded up to 1970-01-01T00:00:01Z"):
        adds_something(STANDING, membership(NOON - 1, members=[2], previous=PREVIOUS))


def test_another_answer_for_the_same_instant_is_refused():
    """One definition has one set of members at an instant."""
    with pytest.raises(RefusedError, match="another answer"):
        adds_something(STANDING, membership(members=[2], previous=PREVIOUS))


def test_another_definition_may_follow_at_the_same_instant():
    """An edit takes effect at the instant at which the old definition was evaluated."""
    assert adds_something(STANDING, membership(definition="e", members=[2], previous=PREVIOUS))


def test_a_dropped_segment_goes_on_where_it_ended():
    """It may come again at the instant of its drop or later, not before."""
    assert adds_something(DROPPED, membership(NOON))
    with pytest.raises(RefusedError, match="recorded up to"):
        adds_something(DROPPED, membership(NOON - 1))


def test_instants_can_be_checked_before_any_work():
    """check_instant refuses what recording would refuse for its instant."""
    check_instant(STANDING, "lapsed", NOON, "e")
    check_instant(STANDING, "lapsed", NOON + 1, "d")
    with pytest.raises(RefusedError):
        check_instant(STANDING, "lapsed", NOON, "d")


@pytest.mark.parametrize(
    "broken",
    [
        replace(FIRST, entries=()),
        replace(FIRST, entries=(replace(FIRST.entries[0], entered=3),)),
        replace(FIRST, entries=(replace(FIRST.entries[0], segment="other"),)),
        replace(FIRST, entries=(replace(FIRST.entries[0], as_of=NOON + 1),)),
        replace(membership(members=[]), entries=()),
    ],
)
def test_entries_must_lead_to_the_snapshot(broken):
    """A log that would not add up is not recorded."""
    with pytest.raises(CorruptStateError, match="do not add up"):
        adds_something(Standing(), broken)


def test_a_drop_must_let_everyone_out():
    """The exit of a drop is as large as the current snapshot."""
    whole = draft_exit(segment="lapsed", as_of=NOON, definition="d", members=BitMap64([1, 2]))
    part = draft_exit(segment="lapsed", as_of=NOON, definition="d", members=BitMap64([1]))

    check_exit(STANDING, whole.entry)
    check_exit(DROPPED, replace(whole.entry, exited=0))
    with pytest.raises(CorruptStateError, match="leaves 1"):
        check_exit(STANDING, part.entry)


def test_a_drop_before_what_is_recorded_is_refused():
    """The log never goes back by a deletion either."""
    early = draft_exit(segment="lapsed", as_of=NOON - 1, definition="d", members=BitMap64([1, 2]))
    with pytest.raises(RefusedError, match="can't be dropped as of"):
        check_exit(STANDING, early.entry)
