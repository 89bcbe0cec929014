"""Impact and guards: whom a change moves, and when that is too much."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.membership.bitmaps import digest_of
from segflow.model.address import Address
from segflow.model.plan import Change, Impact
from segflow.model.segment import Protect
from segflow.planner.guards import beyond
from segflow.planner.impact import measure, totals

members = st.sets(st.integers(0, 40) | st.integers(2**63, 2**64 - 1))
ADDRESS = Address("segment", "s")


@given(st.none() | members, st.none() | members)
def test_impact_is_the_arithmetic_of_sets(now, after):
    """Sizes, who enters and who leaves are those of the two sets, a missing one being empty."""
    found = measure(
        None if now is None else BitMap64(now), None if after is None else BitMap64(after)
    )

    assert found.size_now == (None if now is None else len(now))
    assert found.size_after == (None if after is None else len(after))
    assert found.entered == len((after or set()) - (now or set()))
    assert found.left == len((now or set()) - (after or set()))
    assert (found.size_now or 0) + found.entered - found.left == (found.size_after or 0)


@given(members)
def test_the_digest_is_that_of_the_new_members(after):
    """By the digest apply sees whether it finds the very members that were planned."""
    found = measure(None, BitMap64(after))

    assert found.digest == digest_of(BitMap64(sorted(after, reverse=True)))
    assert measure(BitMap64(after), None).digest is None


def test_totals_are_over_all_segments():
    """A user who moves in two segments counts twice; changes without impact count nothing, and
    audiences of rules are not added."""
    impacts = [
        Impact(size_now=3, size_after=4, entered=2, left=1),
        None,
        Impact(size_now=None, size_after=5, entered=5, left=0),
    ]
    changes = [Change(address=ADDRESS, action="update", impact=impact) for impact in impacts]
    changes.append(replace(changes[0], address=Address("rule", "s")))

    assert totals(changes) == (7, 1)


def rules(protect: Protect, now: int | None, after: int | None, entered: int, left: int):
    impact = Impact(size_now=now, size_after=after, entered=entered, left=left)
    return [(stop.rule, stop.message) for stop in beyond(ADDRESS, protect, impact)]


@pytest.mark.parametrize(
    ("entered", "left", "is_blocked"),
    [(30, 0, False), (0, 30, False), (15, 15, False), (31, 0, True), (16, 15, True)],
)
def test_max_change_is_a_share_of_the_size_before(entered, left, is_blocked):
    """Who enters and who leaves add up, and the limit itself is allowed."""
    found = rules(Protect(max_change=Decimal(30)), 100, 100 + entered - left, entered, left)

    assert [rule for rule, _ in found] == ["protect.max_change"] * is_blocked


def test_shares_are_exact():
    """No rounding decides: a third of three is within 33.34%, and beyond 33.33%."""
    assert rules(Protect(max_change=Decimal("33.34")), 3, 4, 1, 0) == []
    assert rules(Protect(max_change=Decimal("33.33")), 3, 4, 1, 0) == [
        ("protect.max_change", "1 of 3 members would move (33.3%), more than 33.33%")
    ]


@pytest.mark.parametrize("now", [None, 0])
def test_of_nothing_no_share_is_taken(now):
    """A new segment and an empty one may grow as far as max_size lets them."""
    protect = Protect(max_change=Decimal(1), max_size=10)

    assert rules(protect, now, 10, 10, 0) == []
    assert rules(protect, now, 11, 11, 0) == [
        ("protect.max_size", "would have 11 members, more than 10")
    ]


def test_without_limits_everything_goes():
    """A segment that protects nothing is never blocked."""
    assert rules(Protect(), 10, 0, 0, 10) == []
