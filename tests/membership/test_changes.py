"""What moved between two evaluations is told by cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.membership.changes import MembershipChange, Previous, membership_changes
from tests.membership.sets import sets, small_sets

NOBODY = BitMap64()


def change(cause, definition, entered=(), exited=()):
    return MembershipChange(
        cause=cause, definition=definition, entered=BitMap64(entered), exited=BitMap64(exited)
    )


def test_a_new_segment_enters_by_its_definition():
    """Who is in from the beginning entered because the segment was defined."""
    assert membership_changes(None, BitMap64([1, 2]), "d") == (change("definition", "d", [1, 2]),)


def test_a_new_segment_of_nobody_is_on_record():
    """The first evaluation makes one change even where nobody is in."""
    assert membership_changes(None, NOBODY, "d") == (change("definition", "d"),)


def test_under_one_definition_everything_is_data():
    """Nobody edited anything, so whoever moved did so by the data."""
    previous = Previous(definition="d", members=BitMap64([1, 2]))
    assert membership_changes(previous, BitMap64([2, 3]), "d") == (change("data", "d", [3], [1]),)


def test_data_and_definition_are_told_apart():
    """Where the definition changed, the data moved first, under the old one; the rest follows."""
    previous = Previous(definition="old", members=BitMap64([1, 2]), now=BitMap64([2, 3]))
    assert membership_changes(previous, BitMap64([3, 4]), "new") == (
        change("data", "old", [3], [1]),
        change("definition", "new", [4], [2]),
    )


def test_who_enters_by_data_and_leaves_by_definition_is_in_both():
    """A member that only the old definition gained is on record as entered and as exited."""
    previous = Previous(definition="old", members=NOBODY, now=BitMap64([7]))
    assert membership_changes(previous, NOBODY, "new") == (
        change("data", "old", [7]),
        change("definition", "new", [], [7]),
    )


def test_without_the_old_definition_everything_is_the_definition():
    """Where the old one can't be evaluated any more, nothing is claimed of the data."""
    previous = Previous(definition="old", members=BitMap64([1, 2]))
    assert membership_changes(previous, BitMap64([2, 3]), "new") == (
        change("definition", "new", [3], [1]),
    )


@pytest.mark.parametrize("definition", ["d", "other"])
def test_where_nobody_moved_there_is_no_change(definition):
    """A cause that moved nobody is not on record."""
    previous = Previous(definition="d", members=BitMap64([1]), now=BitMap64([1]))
    assert membership_changes(previous, BitMap64([1]), definition) == ()


@given(
    previous=st.none()
    | st.builds(
        Previous, definition=st.sampled_from("ab"), members=small_sets, now=st.none() | small_sets
    ),
    members=sets | small_sets,
)
def test_changes_lead_from_the_old_members_to_the_new(previous, members):
    """Applied in order, the changes give the new members; nobody enters twice or exits unknown."""
    reached = NOBODY if previous is None else previous.members
    for found in membership_changes(previous, members, "b"):
        assert found.entered.isdisjoint(reached)
        assert found.exited.issubset(reached)
        reached = (reached - found.exited) | found.entered
    assert reached == members
