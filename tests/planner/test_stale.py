"""A saved plan is refused where what it touches or rests on has moved, and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.errors import ForeignPlanError, PlanAppliedError, StalePlanError
from segflow.model.address import Address
from segflow.model.segment import Segment
from segflow.model.state import StateVersion
from segflow.planner.stale import check_stale
from tests.planner.shops import (
    CUSTOMER,
    FEWER,
    PUSH,
    SOURCE,
    bought,
    event,
    lives_in,
    shops,
)
from tests.planner.worlds import LINEAGE, compile_objects, plan

VERSION = StateVersion(lineage=LINEAGE, serial=9, project="shop")


def segment(name: str, where) -> Segment:
    return Segment(name=name, entity="customer", where=where)


BEFORE = compile_objects(
    *(SOURCE, CUSTOMER, PUSH, event("purchase", "one"), event("visit", "two")),
    *(segment("lapsed", bought("purchase", 7)), segment("french", lives_in("FR"))),
)
AFTER = compile_objects(
    *(SOURCE, CUSTOMER, PUSH, event("purchase", "one"), event("visit", "two")),
    *(segment("lapsed", bought("purchase", 14)), segment("french", lives_in("FR"))),
)


def needs(depends, address: Address) -> set[Address]:
    """An address and all below it, found the plain way."""
    return {address}.union(*(needs(depends, below) for below in depends.get(address, ())))


@FEWER
@given(st.tuples(shops(), shops()), st.data())
def test_related_changes_are_stale_and_others_are_not(pair, data):
    """A plan is stale exactly where something it touches, or rests on at any depth, is deployed in
    another form than when it was made; the serial does not matter."""
    before, after = pair
    made = plan(before, after)
    touched = {change.address for change in made.changes}
    related = set().union(*(needs(after.depends, address) for address in touched))
    moved = data.draw(st.sampled_from(sorted({*before.fingerprints, *after.fingerprints})))
    deployed = dict(before.fingerprints)
    if moved in deployed and data.draw(st.booleans()):
        del deployed[moved]
    else:
        deployed[moved] = "another"

    if moved in related:
        with pytest.raises(StalePlanError, match=str(moved)):
            check_stale(made, VERSION, deployed, applied=False)
    else:
        check_stale(made, VERSION, deployed, applied=False)


@FEWER
@given(st.tuples(st.none() | shops(), shops()))
def test_a_plan_fits_the_state_it_was_made_against(pair):
    """Nothing having moved, a plan may be applied, whatever the serial says."""
    before, after = pair
    version = None if before is None else VERSION
    deployed = {} if before is None else before.fingerprints

    check_stale(plan(before, after), version, deployed, applied=False)


def test_a_time_zone_that_was_changed_since_is_not_set_back():
    """Schedules are read by it, also where no object says so; a plan that changes it is one of the
    zone that it was made against."""
    made, berlin = plan(BEFORE, AFTER), replace(VERSION, timezone="Europe/Berlin")
    moving = replace(made, timezone="Europe/Berlin", timezone_before="UTC")

    check_stale(moving, VERSION, BEFORE.fingerprints, applied=False)
    for found in (made, moving):
        with pytest.raises(StalePlanError, match="zone is Europe/Berlin now, and was UTC"):
            check_stale(found, berlin, BEFORE.fingerprints, applied=False)


def test_the_message_names_what_moved_and_how():
    """Each object that moved is named with what became of it."""
    deployed = dict(BEFORE.fingerprints)
    deployed[Address("event", "purchase")] = "another"
    del deployed[Address("segment", "lapsed")]

    with pytest.raises(StalePlanError) as caught:
        check_stale(plan(BEFORE, AFTER), VERSION, deployed, applied=False)
    assert caught.value.message == (
        "the state has changed since the plan was made: event.purchase is another one now; "
        "segment.lapsed is not deployed any more"
    )


def test_what_was_to_be_created_exists_now():
    """An object that the plan creates must not be deployed yet."""
    made = plan(compile_objects(SOURCE, CUSTOMER, PUSH), BEFORE)
    deployed = dict(BEFORE.fingerprints)

    with pytest.raises(StalePlanError, match="segment.french is deployed now"):
        check_stale(made, VERSION, deployed, applied=False)


def test_a_plan_is_applied_once():
    """A plan that was applied is refused as such, although it is stale as well."""
    with pytest.raises(PlanAppliedError):
        check_stale(plan(BEFORE, AFTER), VERSION, AFTER.fingerprints, applied=True)


@pytest.mark.parametrize(
    "version",
    [
        None,
        StateVersion(lineage="another", serial=3, project="shop"),
        StateVersion(lineage=LINEAGE, serial=3, project="another"),
    ],
)
def test_a_plan_of_another_state_is_foreign(version):
    """Lineage and project must be those the plan was made against, whatever else fits."""
    with pytest.raises(ForeignPlanError):
        check_stale(plan(BEFORE, AFTER), version, BEFORE.fingerprints, applied=True)


def test_a_first_plan_needs_no_state_or_an_empty_one():
    """A plan made before there was a state fits none, an empty one of its project, and no other."""
    made = plan(None, AFTER)

    check_stale(made, None, {}, applied=False)
    check_stale(made, VERSION, {}, applied=False)
    with pytest.raises(ForeignPlanError):
        check_stale(made, replace(VERSION, project="another"), {}, applied=False)
    with pytest.raises(StalePlanError, match="now 1 object is"):
        check_stale(made, VERSION, {Address("offer", "five_off"): "x"}, applied=False)
